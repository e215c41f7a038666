import { type AnyJobDefinition, type CronClient, type CronEntry, defineJob } from '../../../shared/index.ts';
import {
  type Clock,
  CronReader,
  CronRunner,
  type CronRunnerDeps,
  createCronClient,
  createRegistry,
  ProblemLog,
  type RedisClient,
  redisBroker,
  redisCronBroker,
  type TickOptions,
  type TickResult,
  tick,
} from '../../../shared/internal.ts';
import { NAMESPACE, type OneBackend } from '../backends.ts';
import { type RecordingLogger, recordingLogger } from '../recording-logger.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** When the tests begin, epoch ms: a Friday, at no full minute. */
export const START = Date.UTC(2026, 10, 20, 20, 29, 37);

/** A class whose jobs do nothing; its queue is `reports`. */
export const Report = defineJob({ class: 'Report', queue: 'reports', perform() {} });

export interface SchedulerSetup extends Partial<Pick<CronRunnerDeps, 'environment' | 'onEnqueueError'>> {
  readonly client: RedisClient;
  /** Static entries. @default none */
  readonly entries?: Readonly<Record<string, CronEntry>>;
  /** @default Report */
  readonly jobs?: readonly AnyJobDefinition[];
  /** Of its snapshots. @default that of its cron entries */
  readonly reader?: CronReader;
  /** By how much its own clock is ahead, ms. @default 0 */
  readonly skew?: number;
  /** @default `resque:` */
  readonly namespace?: string;
}

/** A scheduler that ticks when it is told to. */
export interface TestScheduler {
  readonly log: RecordingLogger;
  /** @param time Redis's, epoch ms: it stands still meanwhile */
  tick(time: number, options?: TickOptions): Promise<TickResult>;
}

export function testScheduler(setup: SchedulerSetup): TestScheduler {
  const { client, entries = {}, jobs = [Report], skew = 0, namespace = NAMESPACE, environment, onEnqueueError } = setup;
  const log = recordingLogger();
  const registry = createRegistry(jobs);
  let now = 0;
  const time = () => now;
  const clock: Clock = { now: () => now + skew, after: () => () => {} };
  const reader = new CronReader();
  const cron = new CronRunner({
    entries,
    registry,
    log,
    store: redisCronBroker(client, namespace, time, reader),
    ...(environment === undefined ? {} : { environment }),
    ...(onEnqueueError ? { onEnqueueError } : {}),
  });
  const store = redisBroker(client, namespace, time, setup.reader ?? reader);
  const problems = new ProblemLog(log, clock);
  return {
    log,
    async tick(at, options) {
      now = at;
      const result = await tick({ store, registry, cron, clock, log, problems }, options);
      // What a step could not do is what these tests are about.
      if (result.errors[0]) throw result.errors[0];
      return result;
    },
  };
}

export interface CronClientSetup {
  readonly entries?: Readonly<Record<string, CronEntry>>;
  readonly jobs?: readonly AnyJobDefinition[];
  /** Redis's time, epoch ms. */
  readonly now?: () => number;
  /** Of the scheduler that runs the entries. */
  readonly environment?: string;
  readonly wholeRegistry?: boolean;
}

export function cronClient(
  bed: OneBackend,
  { entries = {}, jobs = [Report], now = () => START, environment, wholeRegistry }: CronClientSetup = {},
): CronClient {
  const client = bed.client();
  return createCronClient({
    entries,
    registry: createRegistry(jobs),
    store: redisCronBroker(client, NAMESPACE, now),
    jobs: redisBroker(client, NAMESPACE),
    ...(environment === undefined ? {} : { environment }),
    ...(wholeRegistry === undefined ? {} : { wholeRegistry }),
  });
}

interface CronJob {
  readonly id: string;
  readonly class: string;
  readonly args: readonly unknown[];
  readonly cron: { readonly name: string; readonly slot: string };
}

export async function cronJobs(bed: OneBackend, queue = 'reports'): Promise<CronJob[]> {
  return (await bed.queued(queue)).map((payload) => JSON.parse(payload) as CronJob);
}

/** The slots whose jobs are in a queue, epoch ms, in the queue's order. */
export async function slotsIn(bed: OneBackend, queue = 'reports', name?: string): Promise<number[]> {
  const jobs = await cronJobs(bed, queue);
  return jobs.filter((job) => name === undefined || job.cron.name === name).map((job) => Date.parse(job.cron.slot));
}

/** Every multiple of `interval` after `from`, up to and with `to`. */
export function multiples(interval: number, from: number, to: number): number[] {
  const slots: number[] = [];
  for (let slot = (Math.floor(from / interval) + 1) * interval; slot <= to; slot += interval) slots.push(slot);
  return slots;
}

/** As Ruby's `Resque.set_schedule(name, persist: true, …)` writes it. */
export async function setSchedule(
  bed: OneBackend,
  name: string,
  entry: string | Readonly<Record<string, unknown>>,
): Promise<void> {
  await bed.db.hset(bed.keys.cron.schedules, name, typeof entry === 'string' ? entry : JSON.stringify(entry));
  await bed.db.sadd(bed.keys.cron.changed, name);
}

/** As Ruby's `Resque.remove_schedule(name)` does it. */
export async function removeSchedule(bed: OneBackend, name: string): Promise<void> {
  await bed.db.hdel(bed.keys.cron.schedules, name);
  await bed.db.sadd(bed.keys.cron.changed, name);
}
