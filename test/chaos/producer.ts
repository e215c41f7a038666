import { tcpClient } from '../../shared/broker/redis/tcp.ts';
import type { EnqueueItem } from '../../shared/index.ts';
import { createEnqueuer, redisBroker } from '../../shared/internal.ts';
import { payloadOf, pushAll } from '../helpers/chaos-bed.ts';
import type { FaultyProxy } from '../helpers/chaos-proxy.ts';
import type { TestRedis } from '../helpers/redis-server.ts';
import type { PlannedJob, PushedJob, Way } from './plan.ts';

/** Pushes jobs: some straight to Redis, some with the client over a connection that breaks now and then. */
export class Producer {
  /** All that were pushed, or may have been. */
  readonly pushed: PushedJob[] = [];
  readonly #redis: TestRedis['client'];
  readonly #broker: ReturnType<typeof redisBroker>;

  constructor(redis: TestRedis['client'], proxy: FaultyProxy) {
    this.#redis = redis;
    this.#broker = redisBroker(tcpClient({ url: `redis://127.0.0.1:${proxy.port}` }), 'resque:');
  }

  async push(jobs: readonly PlannedJob[]): Promise<void> {
    const by = (way: Way) => jobs.filter((job) => job.way === way);
    await Promise.all([this.#pushAll(by('push')), this.#enqueueAll(by('client')), this.#enqueueAll(by('delayed'))]);
  }

  close(): Promise<void> {
    return this.#broker.close();
  }

  async #pushAll(jobs: readonly PlannedJob[]): Promise<void> {
    for (const [queue, own] of Map.groupBy(jobs, (job) => job.queue)) {
      const payloads = own.map((job) => payloadOf(job.class, job.id, ...job.work));
      await this.#certainly(own, 0, () => pushAll(this.#redis, queue, payloads));
    }
  }

  /** Jobs that are due at different seconds go in calls of their own. */
  async #enqueueAll(jobs: readonly PlannedJob[]): Promise<void> {
    const client = createEnqueuer({ store: this.#broker });
    for (const [seconds, own] of Map.groupBy(jobs, (job) => job.seconds)) {
      const at = seconds > 0 ? new Date(Date.now() + seconds * 1_000) : undefined;
      const items = own.map(
        (job): EnqueueItem => ({
          job: job.class,
          args: [job.id, ...job.work],
          queue: job.queue,
          ...(at ? { at } : {}),
        }),
      );
      // Delayed lists are by whole seconds.
      const dueAt = at ? Math.floor(at.getTime() / 1_000) * 1_000 : 0;
      await this.#certainly(own, dueAt, () => client.enqueueAll(items));
    }
  }

  async #certainly(jobs: readonly PlannedJob[], dueAt: number, push: () => Promise<unknown>): Promise<void> {
    const unsure = await push().then(
      () => false,
      () => true,
    );
    this.pushed.push(...jobs.map((job) => ({ ...job, unsure, dueAt })));
  }
}
