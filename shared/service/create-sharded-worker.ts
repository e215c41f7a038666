import { redisBroker } from '../broker/redis/broker.ts';
import type { RedisOptions } from '../broker/redis/open.ts';
import { openShards, type ShardOptions, shardOptionNames } from '../client/shards.ts';
import { listText, workerOptions } from '../config.ts';
import { ConfigError } from '../errors.ts';
import { createRegistry } from '../job/registry.ts';
import { checkLogger, consoleLogger } from '../log.ts';
import { checkOptions, type OptionsOf } from '../options.ts';
import { parseQueues } from '../queues/queue-list.ts';
import { type CronEntry, checkCronEntries } from '../scheduler/cron/entry.ts';
import { failedLimits } from '../scheduler/trim-failed.ts';
import type { Summary } from '../worker/reporter.ts';
import { type CreateWorkerOptions, serviceOptionNames, type Worker } from './create-worker.ts';
import { tellLimitsElsewhere } from './limits-elsewhere.ts';
import { ShardedService } from './sharded-worker.ts';

/** A shard, as a worker needs it. */
export interface WorkerShard extends ShardOptions {
  /** Static cron entries that live in this shard, and whose jobs go to its queues; they need `scheduler`. @default none */
  readonly cron?: Readonly<Record<string, CronEntry>> | undefined;
}

/** As of `createWorker`, with several databases in place of one. */
export interface CreateShardedWorkerOptions
  extends Omit<CreateWorkerOptions, keyof RedisOptions | 'namespace' | 'cron'> {
  /** By name; other programs have to give the same names. */
  readonly shards: Readonly<Record<string, WorkerShard>>;
  /** Of shards that have none of their own. @default 'resque:', or '{resque}:' in a Redis Cluster */
  readonly namespace?: string;
  /**
   * Jobs of all shards that run at once in this process. Each shard has an equal part, which others use while it has nothing to
   * start: so there are as many as shards, at least. @default 25
   */
  readonly concurrency?: number;
}

/** A worker of several shards, that is told and tells as one. Its `id` has those of all, `ids` each shard's own. */
export interface ShardedWorker extends Worker {
  /** By the shards' names. */
  readonly ids: Readonly<Record<string, string>>;
  /** What was done of each shard so far. */
  readonly summaries: Readonly<Record<string, Readonly<Summary>>>;
}

const OPTIONS = {
  shards: true,
  ...serviceOptionNames,
} satisfies OptionsOf<CreateShardedWorkerOptions>;

/**
 * A worker that drains several databases: a loop for each, with its own lease and, with `scheduler`, its own ticks, and one limit of
 * `concurrency` for all. A shard that is away is told of once and tried until it is back, and the others go on; with `exitOnComplete`
 * the others are drained, and then `run()` rejects with what that shard said.
 * @throws ConfigError for an option that cannot be used
 * @example
 * const shards = { a: { url: 'redis://one' }, b: { url: 'redis://two' } };
 * const worker = createShardedWorker({ shards, jobs: [Hello], queues: ['critical', 'default'], scheduler: true });
 * worker.on('failed', ({ class: name, error }) => console.error(name, error));
 * await worker.run();
 */
export function createShardedWorker(options: CreateShardedWorkerOptions): ShardedWorker {
  const where = 'createShardedWorker';
  checkOptions(where, options, OPTIONS, true);
  const { shards: given, namespace, jobs, defaults, callbacks, middleware, queues, order, ...rest } = options;
  const { scheduler, failed, ...more } = rest;
  const { handleSignals = false, watchdog = false, log = consoleLogger, telemetry, ...own } = more;
  const registry = createRegistry(jobs, middleware, defaults, callbacks);
  const list = parseQueues(listText(queues, 'queues'), order);
  checkLogger(log, 'log');
  const { concurrency, exitOnComplete, limits } = workerOptions(own);
  tellLimitsElsewhere(limits, list, log);
  if (failed) {
    if (!scheduler)
      throw new ConfigError('failed needs the scheduler, which keeps the list short: set scheduler: true.');
    failedLimits(failed);
  }
  const opened = openShards(where, given, namespace, { ...shardOptionNames, cron: true });
  if (concurrency < opened.length) {
    throw new ConfigError(
      `concurrency must be ${opened.length} or more, a place for each shard; got ${concurrency}. For strict order across shards there is ` +
        'none; a queue of one shard keeps its own with serial.',
    );
  }
  const shards = opened.map(({ name, redis, namespace: prefix }) => {
    const cron = given[name]?.cron;
    if (cron) {
      if (!scheduler)
        throw new ConfigError(
          `shards.${name}.cron needs the scheduler, which enqueues its entries: set scheduler: true.`,
        );
      checkCronEntries(cron, registry);
    }
    return {
      name,
      redis,
      store: redisBroker(redis, prefix),
      namespace: prefix,
      registry,
      queues: list,
      options: own,
      cron: scheduler ? (cron ?? {}) : undefined,
      watchdog,
      failed,
      telemetry,
    };
  });
  return new ShardedService({ shards, concurrency, exitOnComplete, handleSignals, log });
}
