import type { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withBackends } from '../../helpers/backends.ts';
import { delayed, enqueueAt, names, SECONDS, tickAt } from '../../helpers/scheduler/delayed-jobs.ts';
import { interleavings, StepwiseClient } from '../../helpers/scheduler/stepwise-client.ts';
import { START } from '../../helpers/scheduler/test-scheduler.ts';

const LIST = `delayed:${SECONDS}`;
/** As resque-scheduler 5 names it: with the namespace twice. */
const MASTER_LOCK = 'resque:resque:resque_scheduler_master_lock';

/**
 * resque-scheduler 5.0.0 at one timestamp, in the steps in which its commands reach Redis:
 * `enqueue_items_in_batch_for_timestamp` and `clean_up_timestamp`.
 */
class RubyScheduler {
  readonly #redis: Redis;
  readonly #batch: number;
  #items: string[] = [];
  #carriedOut = false;
  #length = 0;

  constructor(redis: Redis, batch: number) {
    this.#redis = redis;
    this.#batch = batch;
  }

  readonly steps: readonly (() => Promise<void>)[] = [
    // LRANGE, then WATCH: one step here, see the last test.
    async () => {
      await this.#redis.watch(`resque:${LIST}`);
      this.#items = await this.#redis.lrange(`resque:${LIST}`, 0, this.#batch - 1);
    },
    async () => {
      const multi = this.#redis.multi();
      for (const item of this.#items) {
        const { class: className, args, queue } = JSON.parse(item) as { class: string; args: unknown[]; queue: string };
        multi.srem(`resque:timestamps:${item}`, LIST);
        multi.sadd('resque:queues', queue);
        multi.rpush(`resque:queue:${queue}`, JSON.stringify({ class: className, args }));
      }
      this.#carriedOut = (await multi.ltrim(`resque:${LIST}`, this.#batch, -1).exec()) !== null;
    },
    async () => {
      if (!this.#cleansUp) return;
      await this.#redis.watch(`resque:${LIST}`);
      this.#length = await this.#redis.llen(`resque:${LIST}`);
    },
    async () => {
      if (!this.#cleansUp) return;
      if (this.#length > 0) await this.#redis.unwatch();
      else await this.#redis.multi().del(`resque:${LIST}`).zrem('resque:delayed_queue_schedule', SECONDS).exec();
    },
  ];

  get #cleansUp(): boolean {
    return this.#carriedOut && this.#items.length < this.#batch;
  }
}

withBackends((bed) => {
  let connection: Redis;
  beforeAll(() => {
    connection = bed.redis.client.duplicate();
  });
  afterAll(() => connection.disconnect());

  /** Ruby's steps and the commands of our tick, in each order; then whoever is left finishes. */
  async function inEachOrder(jobs: readonly string[], rubysBatch: number, between?: () => Promise<string[]>) {
    const client = new StepwiseClient(bed.client());
    let orders = 0;
    for (const order of interleavings(4, 5)) {
      await bed.db.flushall();
      await enqueueAt(bed, SECONDS, ...jobs.map((name) => delayed(name)));
      const ruby = new RubyScheduler(connection, rubysBatch);
      const steps = [...ruby.steps];
      const added: string[] = [];
      const ours = tickAt(client, START);
      for (const [i, who] of order.entries()) {
        if (who === 'a') await steps.shift()?.();
        else await client.step(ours);
        if (i === 4 && between) added.push(...(await between()));
      }
      await client.finish(ours);
      await tickAt(bed.client(), START);

      expect(names(await bed.queued('q')).sort(), order.join('')).toEqual([...jobs, ...added].sort());
      expect((await bed.db.keys('*')).sort(), order.join('')).toEqual(['resque:queue:q', 'resque:queues']);
      orders++;
    }
    expect(orders).toBe(126);
  }

  test('each job once, in whatever order Ruby’s steps and our commands come', async () => {
    await inEachOrder(['a', 'b', 'c', 'd'], 100);
  });

  test('also where Ruby takes only a part of the list', async () => {
    await inEachOrder(['a', 'b', 'c', 'd', 'e'], 2);
  });

  test('also where jobs are equal', async () => {
    await inEachOrder(['a', 'a', 'b', 'a', 'a'], 3);
  });

  test('also where a job for the same second is added meanwhile', async () => {
    await inEachOrder(['a', 'b', 'c'], 100, async () => {
      await enqueueAt(bed, SECONDS, delayed('late'));
      return ['late'];
    });
  });

  /**
   * resque-scheduler reads the list before it watches it, so what changes in between is not seen, whoever changes it:
   * another Ruby process without the master lock or we. So we leave the delayed jobs to the one that has the lock.
   */
  test('in the gap between Ruby’s LRANGE and its WATCH nothing is promoted by us, as long as Ruby has its lock', async () => {
    await enqueueAt(bed, SECONDS, delayed('a'));
    await bed.db.set(MASTER_LOCK, 'host:1', 'EX', 180);
    const items = await connection.lrange(`resque:${LIST}`, 0, 99);
    expect(await tickAt(bed.client(), START)).toMatchObject({ promoted: 0, nextAt: START + 60_000 });
    await connection.watch(`resque:${LIST}`);
    const multi = connection.multi();
    for (const item of items) multi.rpush('resque:queue:q', item);
    expect(await multi.ltrim(`resque:${LIST}`, 100, -1).exec()).not.toBeNull();
    expect(names(await bed.queued('q'))).toEqual(['a']);
  });

  test('what Ruby leaves behind is promoted when its lock has expired; retries and cron are ours all the time', async () => {
    await enqueueAt(bed, SECONDS, delayed('a'));
    await bed.db.set(MASTER_LOCK, 'host:1', 'EX', 180);
    await bed.db.zadd('resque:retry', START, 'id:q');
    await bed.db.hset('resque:retry:payloads', 'id:q', '{"class":"Job","args":["r"]}');
    expect(await tickAt(bed.client(), START)).toMatchObject({ promoted: 0, retried: 1 });
    await bed.db.del(MASTER_LOCK);
    expect(await tickAt(bed.client(), START)).toMatchObject({ promoted: 1, nextAt: undefined });
  });
});
