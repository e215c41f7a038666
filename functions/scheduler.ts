import type { CronEntry } from '../shared/index.ts';
import {
  CronMemory,
  CronReader,
  CronRunner,
  environment,
  FailedTrimmer,
  ProblemLog,
  type RedisClient,
  type Registry,
  redisCronBroker,
  redisFailedTrimBroker,
  redisLockBroker,
  redisOnDemandRunBroker,
  redisSchedulerBroker,
  redisStartsBroker,
  redisStatsBroker,
  systemClock,
  type TickResult,
  type TickSnapshot,
  tickUntil,
} from '../shared/internal.ts';
import { eventBridgeSchedule } from './aws/one-time-schedule.ts';
import { awsOf } from './aws/requests.ts';
import type { ReadSecret } from './backends/backend.ts';
import { schedulerEnd } from './contract/invocation-end.ts';
import type { SchedulerSettings } from './contract/settings.ts';
import { Connection } from './runtime/connection.ts';
import { bufferedHandler } from './runtime/handler.ts';
import type { InvocationContext } from './runtime/invocation.ts';
import { createLogger } from './runtime/logger.ts';
import { AccountLimit } from './scheduler/account-limit.ts';
import { AfterTick } from './scheduler/after-tick.ts';
import { minuteLock, onDemandLock, type SchedulerLock } from './scheduler/lock.ts';
import { ConsumerStarter } from './scheduler/start-consumers.ts';
import type { Tracer } from './telemetry/tracer.ts';

interface SchedulerHandlerDeps {
  readonly settings: Omit<SchedulerSettings, 'redis'>;
  readonly cron: Readonly<Record<string, CronEntry>>;
  /** The job classes, by name and queue: here nothing of them runs. */
  readonly registry: Registry;
  readonly connect: (readSecret: ReadSecret) => Promise<RedisClient>;
  readonly tracer?: Tracer | undefined;
}

/** What Lambda calls. Made once, kept for all invocations of this environment. */
export function schedulerHandler({ settings, cron, registry, connect, tracer }: SchedulerHandlerDeps) {
  const clock = systemClock;
  const logger = createLogger(environment);
  const aws = awsOf(environment);
  const connection = new Connection(() => connect(aws.secretReader()));
  connection.warmUp();
  const consumers = new ConsumerStarter(settings.system, settings.consumers);
  const limit = new AccountLimit(aws, clock);
  /** What was read and worked out of cron entries: of most of them nothing changes for days. */
  const cronReader = new CronReader();
  let cronMemory: CronMemory | undefined;
  const emptyQueues = new Set<string>();
  const problems = new ProblemLog(logger, clock);
  /** AWS's clock. Ours only measures how long things take. */
  const wallTime = Date.now;
  const schedule = settings.wake && eventBridgeSchedule(settings.wake, wallTime);

  /** Any event means: one tick. @returns what was done */
  async function work(_event: unknown, context: InvocationContext): Promise<object> {
    const { lastTickAt, giveUpAt } = schedulerEnd(clock.now() + context.getRemainingTimeInMillis());
    const holder = context.awsRequestId;
    const client = await connection.forInvocation(clock, giveUpAt);
    try {
      const deps = {
        lock: redisLockBroker(client, settings.namespace, settings.system, undefined, cronReader),
        holder,
        clock,
        lastTickAt,
      };
      const runs = redisOnDemandRunBroker(client, settings.namespace, settings.system, undefined, cronReader);
      const lock = schedule ? onDemandLock({ ...deps, runs, schedule, wallTime }) : minuteLock(deps);
      const snapshot = await lock.begin();
      if (snapshot) return await tickAndStart(client, lock, snapshot);
      logger.warn('Another tick is still at work; this one does nothing');
      return { skipped: true };
    } finally {
      await tracer?.flush();
      await client.close();
    }
  }

  async function tickAndStart(client: RedisClient, lock: SchedulerLock, snapshot: TickSnapshot): Promise<object> {
    const { namespace, metricsNamespace, system } = settings;
    const starts = redisStartsBroker(client, namespace, system);
    const starter = consumers.forInvocation({ aws, starts, limit, log: logger });
    const after = new AfterTick({
      consumers,
      starter,
      stats: redisStatsBroker(client, namespace),
      isRequested: () => lock.requested,
      keepLock: () => lock.keep(),
      metricsNamespace,
      system,
      wallTime,
      emptyQueues,
      print: (line) => process.stdout.write(`${line}\n`),
    });
    cronMemory ??= new CronMemory({ entries: cron, registry, log: logger });
    const deps = {
      store: redisSchedulerBroker(client, namespace, undefined, cronReader),
      registry,
      cron: new CronRunner({
        entries: cron,
        registry,
        store: redisCronBroker(client, namespace, undefined, cronReader),
        log: logger,
        memory: cronMemory,
      }),
      ...(settings.failed
        ? { failed: new FailedTrimmer(redisFailedTrimBroker(client, namespace), settings.failed, logger) }
        : {}),
      clock,
      log: logger,
      problems,
      followers: after.followers,
      onReclaim: after.onReclaim,
      wait: lock.wait,
    };
    const results: TickResult[] = [];
    try {
      do {
        const first = results.length === 0 ? snapshot : undefined;
        for (const result of await tickUntil(deps, lock.until, first)) {
          tracer?.tick(result);
          results.push(result);
        }
      } while (!(await lock.end(results.at(-1), starter.unattended)));
    } catch (error) {
      await lock.abandon();
      throw error;
    }
    const answer = { ...totals(results), started: starter.started };
    logger.info('tick', answer);
    starter.check();
    // All other steps have done their work; that one has not must be seen.
    const [error] = results.flatMap(({ errors }) => errors);
    if (error) throw error;
    return answer;
  }

  return bufferedHandler(work, logger);
}

function totals(results: readonly TickResult[]) {
  const sum = (key: 'promoted' | 'retried' | 'reclaimed' | 'cron' | 'failed') =>
    results.reduce((total, one) => total + one[key], 0);
  return {
    ticks: results.length,
    promoted: sum('promoted'),
    retried: sum('retried'),
    reclaimed: sum('reclaimed'),
    cron: sum('cron'),
    failed: sum('failed'),
  };
}
