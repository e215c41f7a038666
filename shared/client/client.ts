import { namespaceOf } from '../broker/namespace.ts';
import { redisBroker } from '../broker/redis/broker.ts';
import type { RedisClient } from '../broker/redis/client.ts';
import { redisControlBroker } from '../broker/redis/control.ts';
import { redisCronBroker } from '../broker/redis/cron.ts';
import { redisEndedJobs } from '../broker/redis/ended-jobs.ts';
import { redisFailedBroker } from '../broker/redis/failed.ts';
import { redisFlowBroker } from '../broker/redis/flows.ts';
import { redisJobsBroker } from '../broker/redis/jobs.ts';
import { redisLimitsBroker } from '../broker/redis/limits.ts';
import { redisLocksBroker } from '../broker/redis/locks.ts';
import { openRedis, type RedisOptions, redisOptionNames } from '../broker/redis/open.ts';
import { redisQueuesBroker } from '../broker/redis/queues.ts';
import { redisScheduledBroker } from '../broker/redis/scheduled.ts';
import { redisStatHashesBroker } from '../broker/redis/stat-hashes.ts';
import { redisStatsBroker } from '../broker/redis/stats.ts';
import { redisWorkersBroker } from '../broker/redis/workers.ts';
import { systemClock } from '../clock.ts';
import { type Classes, createClasses } from '../inspect/classes.ts';
import { type CronClient, createCronClient } from '../inspect/cron.ts';
import type { Failed } from '../inspect/failed.ts';
import { createFailed } from '../inspect/failed-client.ts';
import { createFlows, type Flows } from '../inspect/flows.ts';
import type { Jobs } from '../inspect/jobs.ts';
import { createJobs } from '../inspect/jobs-client.ts';
import { createLimits, type Limits } from '../inspect/limits.ts';
import { createLocks, type Locks } from '../inspect/locks.ts';
import { createQueues, type Queues } from '../inspect/queues.ts';
import { createScheduled, type Scheduled } from '../inspect/scheduled.ts';
import { createStats, type Stats } from '../inspect/stats.ts';
import { createWorkers, type Workers } from '../inspect/workers.ts';
import type { JobDefaults } from '../job/defaults.ts';
import type { AnyJobDefinition } from '../job/define.ts';
import type { MakeFlow } from '../job/flow-options.ts';
import { createRegistry } from '../job/registry.ts';
import { checkOptions, type OptionsOf } from '../options.ts';
import { type CronEntry, cronRule } from '../scheduler/cron/entry.ts';
import type { Telemetry } from '../telemetry.ts';
import { createEnqueuer, type Enqueuer } from './enqueuer.ts';
import { flowMaker } from './flow.ts';
import { RedisTime } from './redis-time.ts';

/** Enqueues jobs, and lists and changes what is in Redis. One is enough for a program. */
export interface Client extends Enqueuer, AsyncDisposable {
  /** Cron entries: those in Redis can be written, all can be listed, run, paused and resumed. */
  readonly cron: CronClient;
  /** What waits: delayed jobs and retries. */
  readonly scheduled: Scheduled;
  /** Jobs wherever they are: to find one, run it now, remove it, give it another time. */
  readonly jobs: Jobs;
  /** What has failed for good. */
  readonly failed: Failed;
  /** The locks of unique jobs and of cron entries that must not overlap: who holds them, and a way to free one. */
  readonly locks: Locks;
  /** Queues: what is in them, how they do; pause, clear, move them. */
  readonly queues: Queues;
  /**
   * A flow of steps that depend on each other: `chain`, `group`, `chord`. Its `enqueue` starts it.
   * @example
   * const sums = chord(group(step(Add, [1, 1]), step(Add, [5, 5])), step(Multiply, []));
   * const { id } = await client.flow(sums).enqueue();
   */
  readonly flow: MakeFlow;
  /** Flows: their steps and results; cancel them, run again what has failed. */
  readonly flows: Flows;
  /** Job classes: pause and resume them. */
  readonly classes: Classes;
  /** What limits, pauses and unique jobs hold back: look at it, let it go. */
  readonly limits: Limits;
  /** Workers of ours and of other Resques. */
  readonly workers: Workers;
  /** What was done, by day and minute, queue and class. */
  readonly stats: Stats;
  /** Ends the connection, so that a process which does nothing else ends too. `await using client = …` does the same. */
  close(): Promise<void>;
}

export interface ClientOptions extends RedisOptions {
  /** Prefix of every key, with or without its colon. @default 'resque:', or '{resque}:' in a Redis Cluster */
  readonly namespace?: string | undefined;
  /** What `defineJob` returns: then a class name finds its queue and its schema as well. @default none are known by name */
  readonly jobs?: readonly AnyJobDefinition[] | undefined;
  /** Options by pattern of class or queue, for jobs whose definition does not say: here `unique`, `track`, `expires` and `deadline`. @default none */
  readonly defaults?: JobDefaults | undefined;
  /** Write `id` and `queue_time` into payloads: see `EnqueueOptions.metadata`. @default false */
  readonly metadata?: boolean | undefined;
  /** The static cron entries, so that `client.cron` shows and runs them too. @default none */
  readonly cronEntries?: Readonly<Record<string, CronEntry>> | undefined;
  /** Traces enqueues: what `openTelemetry(api)` of `lambdesque/opentelemetry` returns. @default nothing does */
  readonly telemetry?: Telemetry | undefined;
}

/**
 * A client of the Redis at `url`. Nothing is sent before the first call.
 * @throws ConfigError for a URL, a namespace or a list of jobs that cannot be used
 * @example
 * await using client = createClient({ url: 'redis://localhost:6379' });
 * await client.enqueue(Hello, ['hi', 'Zoë'], { in: '30s' });
 */
export function createClient(options: ClientOptions = {}): Client {
  checkOptions('createClient', options, OPTIONS, true);
  const { namespace, jobs, defaults, cronEntries, metadata, telemetry, ...redisOptions } = options;
  const registry = createRegistry(jobs ?? [], [], defaults);
  for (const [name, entry] of Object.entries(cronEntries ?? {})) cronRule(name, entry, registry);
  return clientOver(openRedis(redisOptions), { namespace, jobs, defaults, cronEntries, metadata, telemetry });
}

const OPTIONS = {
  ...redisOptionNames,
  namespace: true,
  jobs: true,
  defaults: true,
  metadata: true,
  cronEntries: true,
  telemetry: true,
} satisfies OptionsOf<ClientOptions>;

/** A client of a Redis that is open already, and that it closes. */
export function clientOver(
  redis: RedisClient,
  { namespace, jobs = [], defaults, cronEntries, metadata = false, telemetry }: Omit<ClientOptions, keyof RedisOptions>,
): Client {
  const registry = createRegistry(jobs, [], defaults);
  const prefix = namespaceOf(namespace, redis.cluster);
  const store = redisBroker(redis, prefix);
  const waiting = redisScheduledBroker(redis, prefix);
  const scheduled = createScheduled(waiting, registry);
  const lists = redisFailedBroker(redis, prefix);
  const failed = createFailed(lists, registry);
  const inspected = {
    queues: redisQueuesBroker(redis, prefix),
    stats: redisStatsBroker(redis, prefix),
    hashes: redisStatHashesBroker(redis, prefix),
    workers: redisWorkersBroker(redis, prefix),
    control: redisControlBroker(redis, prefix),
    limits: redisLimitsBroker(redis, prefix),
  };
  const jobsBroker = redisJobsBroker(redis, prefix);
  const ended = redisEndedJobs(redis, prefix);
  const flows = redisFlowBroker(redis, prefix);
  const time = new RedisTime(store, systemClock, Date.now);
  let closing: Promise<void> | undefined;
  const close = () => {
    ended.close();
    closing ??= redis.close();
    return closing;
  };
  return {
    ...createEnqueuer({ store, registry, metadata, telemetry }),
    cron: createCronClient({
      store: redisCronBroker(redis, prefix),
      jobs: store,
      registry,
      ...(cronEntries ? { entries: cronEntries } : {}),
    }),
    scheduled,
    jobs: createJobs({
      jobs: jobsBroker,
      lists,
      scheduled: waiting,
      waiting: scheduled,
      failed,
      control: inspected.control,
      ended,
      registry,
    }),
    failed,
    flow: flowMaker({ store: flows, registry, telemetry, now: () => time.now() }),
    flows: createFlows(flows),
    classes: createClasses(inspected.control),
    limits: createLimits({ ...inspected, jobs: jobsBroker, lists, registry }),
    locks: createLocks({ locks: redisLocksBroker(redis, prefix), registry, time: store.time }),
    queues: createQueues(inspected),
    workers: createWorkers(inspected.workers),
    stats: createStats({ ...inspected, time: store.time }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
