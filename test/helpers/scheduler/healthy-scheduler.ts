import { defineJob } from '../../../shared/index.ts';
import {
  type Clock,
  CronRunner,
  createRegistry,
  ProblemLog,
  type QueueStats,
  redisCronBroker,
  redisOnDemandRunBroker,
  redisSchedulerBroker,
  redisStatsBroker,
  type TickResult,
  tick,
} from '../../../shared/internal.ts';
import { workerId } from '../../../shared/wire/worker-id.ts';
import { NAMESPACE, type OneBackend } from '../backends.ts';
import { type LogLine, recordingLogger } from '../recording-logger.ts';
import { addRetry, delayed, enqueueAt, names, SECONDS } from './delayed-jobs.ts';
import { MINUTE, START } from './test-scheduler.ts';

/** The full minute after START: a slot of each entry. */
export const SLOT = START + 23_000;

/** What a tick has to handle, whatever stands in Redis beside it. */
export const HEALTHY = ['delayed', 'retry', 'cron', 'reclaimed', 'starts'] as const;
export type Healthy = (typeof HEALTHY)[number];

export const SYSTEM = 'Shop-Jobs';

/** The worker that has died. */
export const DEAD = workerId('dead', 1, ['*']);

/** The payload of the delayed job. */
export const DELAYED = delayed('a', 'delayed');

/** A scheduler as the function runs it, on demand, with one of everything that a tick handles waiting for it. */
export class HealthyScheduler {
  readonly lines: readonly LogLine[];
  readonly #bed: OneBackend;
  readonly #tick: () => Promise<TickResult | undefined>;
  #now = START;
  #stats: QueueStats | undefined;

  constructor(bed: OneBackend) {
    this.#bed = bed;
    const client = bed.client();
    const log = recordingLogger();
    const time = () => this.#now;
    // Its own clock is another one, and only measures.
    const clock: Clock = { now: () => this.#now - START, after: () => () => {} };
    const perform = () => {};
    const registry = createRegistry([
      defineJob({ class: 'Plain', queue: 'cron', perform }),
      defineJob({ class: 'Alone', queue: 'alone', perform }),
    ]);
    const entries = { Plain: { every: '1m' }, Alone: { every: '1m', overlap: 'skip' as const } };
    const cron = new CronRunner({ entries, registry, log, store: redisCronBroker(client, NAMESPACE, time) });
    const stats = redisStatsBroker(client, NAMESPACE, time);
    const runs = redisOnDemandRunBroker(client, NAMESPACE, SYSTEM, time);
    const store = redisSchedulerBroker(client, NAMESPACE, time);
    const problems = new ProblemLog(log, clock);
    const start = async (one: { report(wrong: QueueStats['wrong']): void }) => {
      this.#stats = await stats.read(['waiting']);
      one.report(this.#stats.wrong);
    };
    const followers = [{ name: 'start', run: start }];
    this.lines = log.lines;
    this.#tick = async () => {
      const snapshot = await runs.begin('a scheduler', 30_000);
      if (!snapshot) return undefined;
      const result = await tick({ store, registry, cron, clock, log, followers, problems }, { snapshot });
      if (result.errors[0]) throw result.errors[0];
      return result;
    };
  }

  /** The entries are seen for the first time, before their slot. */
  async begin(): Promise<void> {
    await this.tickAt(START);
    const { db, keys } = this.#bed;
    await enqueueAt(this.#bed, SECONDS, DELAYED);
    await addRetry(this.#bed, 'r', START, 'retries');
    await db.hset(keys.inflight(DEAD), 'call', 1, 'started', 0, '0:dead', '{"class":"Job","args":["d"]}');
    await db.zadd(keys.leases, START, DEAD);
    await db.sadd(keys.queues, 'waiting');
    await db.rpush(keys.queue('waiting'), '{}', '{}');
  }

  /** @param time Redis's, epoch ms */
  async tickAt(time = SLOT + 5_000): Promise<TickResult | undefined> {
    this.#now = time;
    return this.#tick();
  }

  /** Which of what waited was handled. */
  async handled(): Promise<Healthy[]> {
    const queued = async (queue: string) =>
      (await this.#bed.db.type(this.#bed.keys.queue(queue))) === 'list' ? this.#bed.queued(queue) : [];
    const found = {
      delayed: names(await queued('delayed')).join() === 'a',
      retry: names(await queued('retries')).join() === 'r',
      cron: (await queued('cron')).length === 1,
      reclaimed: names(await queued('dead')).join() === 'd',
      starts: this.#stats?.queues.find(({ name }) => name === 'waiting')?.depth === 2,
    };
    return HEALTHY.filter((one) => found[one]);
  }

  /** Lines that name a key. */
  linesOf(key: string): LogLine[] {
    return this.lines.filter(({ fields }) => fields['key'] === key);
  }
}

export { MINUTE };
