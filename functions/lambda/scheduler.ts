import { ConfigError, type CronEntry, type FailedLimits } from '../../shared/index.ts';
import {
  checkCronEntries,
  checkOptions,
  createRegistry,
  failedLimits,
  type OptionsOf,
  workerDefaults,
} from '../../shared/internal.ts';
import { checkScheduler } from '../contract/settings.ts';
import { schedulerHandler } from '../scheduler.ts';
import { tracerOf } from '../telemetry/tracer.ts';
import { type LambdaHandler, type LambdaOptions, lambdaOptions, MOST_WORKERS, withDefaults } from './consumer.ts';
import { connector } from './redis.ts';

/** A consumer, as the scheduler starts it. */
export interface StartedConsumer {
  /** Name or ARN of its function, which the scheduler's role has to be allowed to invoke. */
  readonly functionName: string;
  /** As the consumer itself is told. */
  readonly queues: string | readonly string[];
  /** As the consumer itself is told. @default 'weighted' where a weight is given, else 'strict' */
  readonly order?: 'strict' | 'weighted';
  /** As the consumer itself is told. @default 25 */
  readonly concurrency?: number;
  /** As the consumer itself is told. @default 2 */
  readonly maxWorkers?: number;
  /** Milliseconds in which what waits is to start; so many workers are started. @default 30000 */
  readonly targetLatency?: number;
  /** Milliseconds for which Lambda holds back a start that the account has no room for. @default 60000, which the function has to be told too */
  readonly maxEventAge?: number;
  /** Lambda keeps concurrency of the account for it. @default false */
  readonly reserved?: boolean;
}

/** What a scheduler is told. */
export interface SchedulerHandlerOptions extends LambdaOptions {
  /** By their names. */
  readonly consumers: Readonly<Record<string, StartedConsumer>>;
  /** Static cron entries by name. @default only those that are kept in Redis */
  readonly cron?: Readonly<Record<string, CronEntry>>;
  /** How much of the failed list is kept. @default all */
  readonly failed?: FailedLimits;
}

const CONSUMER = {
  functionName: true,
  queues: true,
  order: true,
  concurrency: true,
  maxWorkers: true,
  targetLatency: true,
  maxEventAge: true,
  reserved: true,
} satisfies OptionsOf<StartedConsumer>;
const OPTIONS = {
  ...lambdaOptions,
  consumers: true,
  cron: true,
  failed: true,
} satisfies OptionsOf<SchedulerHandlerOptions>;

/**
 * The handler of the function that promotes, reclaims, enqueues cron slots and starts the consumers. Something has to invoke it
 * each minute.
 * @throws ConfigError for an option that cannot be used
 * @example
 * export const handler = createSchedulerHandler({
 *   jobs: [Hello],
 *   consumers: { default: { functionName: 'jobs-default', queues: ['critical', 'default'] } },
 *   cron: { nightly: { cron: '0 3 * * *', class: 'Hello', args: ['good', 'night'] } },
 * });
 */
export function createSchedulerHandler(options: SchedulerHandlerOptions): LambdaHandler {
  const where = 'createSchedulerHandler';
  const { redis, jobs, cron = {}, consumers, failed, telemetry, ...settings } = withDefaults(where, options, OPTIONS);
  if (typeof consumers !== 'object' || consumers === null) {
    throw new ConfigError(
      `${where}: consumers must be an object by name, such as { default: { functionName, queues, maxWorkers } }; got ${typeof consumers}.`,
    );
  }
  const registry = createRegistry(jobs);
  checkCronEntries(cron, registry);
  for (const [name, one] of Object.entries(consumers)) checkOptions(`${where}: consumers.${name}`, one, CONSUMER);
  const targets = Object.entries(consumers).map(([name, { queues, ...one }]) => [
    name,
    {
      concurrency: workerDefaults.concurrency,
      maxWorkers: MOST_WORKERS,
      maxEventAge: 60_000,
      ...one,
      queues: typeof queues === 'string' ? queues : queues.join(','),
    },
  ]);
  return schedulerHandler({
    registry,
    cron,
    tracer: telemetry && tracerOf(telemetry),
    connect: connector(where, redis),
    settings: checkScheduler(where, {
      ...settings,
      ...(failed ? { failed: failedLimits(failed) } : {}),
      consumers: Object.fromEntries(targets),
    }),
  });
}
