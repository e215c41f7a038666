import { afterEach, describe, expect, it } from 'vitest';
import { MOST_INDEXED_BYTES } from '../../../shared/broker/redis/most-indexed.ts';
import { createEnqueuer, type EnqueueItem, type Enqueuer } from '../../../shared/client/enqueuer.ts';
import { PartlyEnqueuedError } from '../../../shared/errors.ts';
import { withBrokers } from '../../helpers/brokers.ts';

/** Any time that lies ahead, on any machine: the year 2096. */
const LATER = 4_000_000_000;
const plain = { metadata: false } as const;

withBrokers((stores) => {
  const client = (): Enqueuer => createEnqueuer({ metadata: true, store: stores.store });
  const sent = () => (stores.backend === 'TCP' ? undefined : stores.upstash.requests.length);

  afterEach(async () => {
    await stores.db.flushall();
  });

  describe('enqueue', () => {
    it('sends what is not awaited one by one in one request, in order; each call has its own end', async () => {
      const one = client();
      // The first call of all may have to send the script.
      await one.enqueue('A', [], { queue: 'other' });
      const before = sent();
      const numbers = Array.from({ length: 1_000 }, (_, i) => i);
      await Promise.all(numbers.map((i) => one.enqueue('A', [i], { queue: 'q', ...plain })));
      expect(await stores.queued('q')).toEqual(numbers.map((i) => `{"class":"A","args":[${i}]}`));
      if (before !== undefined) expect(sent()).toBe(before + 1);

      await stores.db.set(stores.keys.queue('bad'), 'no list');
      const ends = await Promise.allSettled(
        ['q', 'bad', 'q'].map((queue, i) => one.enqueue('A', [2_000 + i], { queue, ...plain })),
      );
      expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect((await stores.queued('q')).slice(1_000)).toEqual([2_000, 2_002].map((i) => `{"class":"A","args":[${i}]}`));
    });
  });

  describe('enqueueAll', () => {
    it('pushes 60,000 jobs to their queues, in order', async () => {
      const items = Array.from({ length: 60_000 }, (_, i) => ({ job: 'A', args: [i], queue: `q${i % 3}`, ...plain }));
      await client().enqueueAll(items as readonly EnqueueItem[]);
      for (const queue of [0, 1, 2]) {
        const expected = items.filter((_, i) => i % 3 === queue).map(({ args }) => `{"class":"A","args":[${args}]}`);
        expect(await stores.queued(`q${queue}`)).toEqual(expected);
      }
    });

    it('adds delayed ones to their lists, in order', async () => {
      const items = Array.from({ length: 12_000 }, (_, i) => {
        return { job: 'A', args: [i], queue: 'q', at: new Date(1000 * (LATER + (i % 2))), ...plain };
      });
      await client().enqueueAll(items as readonly EnqueueItem[]);
      const expected = items
        .filter((_, i) => i % 2 === 1)
        .map(({ args }) => `{"class":"A","args":[${args}],"queue":"q"}`);
      expect(await stores.db.lrange(stores.keys.delayed(LATER + 1), 0, -1)).toEqual(expected);
    });

    it('sends a huge payload alone, and the small ones around it together', async () => {
      const items = ['a', 'b', 'x'.repeat(3_000_000), 'c', 'd'].map((text) => ({ job: 'A', args: [text], queue: 'q' }));
      await client().enqueue('A', [], { queue: 'other' });
      const before = sent();
      const enqueued = await client().enqueueAll(items as readonly EnqueueItem[]);
      expect(await stores.queued('q')).toEqual(enqueued.map(({ payload }) => payload));
      if (before !== undefined) expect(sent()).toBe(before + 3);
    });

    it('says how many were pushed when a queue refuses the rest, and takes those that are left', async () => {
      const items = Array.from({ length: 11_000 }, (_, i) => ({ job: 'A', args: [i], queue: i < 6_000 ? 'q' : 'bad' }));
      await stores.db.set(stores.keys.queue('bad'), 'no list');
      const error = await client()
        .enqueueAll(items as readonly EnqueueItem[])
        .catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(PartlyEnqueuedError);
      const { pushed, total, message } = error as PartlyEnqueuedError;
      expect([pushed, total, await stores.db.llen(stores.keys.queue('q'))]).toEqual([5_000, 11_000, 5_000]);
      expect(message).toMatch(/^The first 5000 of 11000 jobs were enqueued, then it failed: /);

      await stores.db.del(stores.keys.queue('bad'));
      await client().enqueueAll(items.slice(pushed) as readonly EnqueueItem[]);
      expect(await stores.db.llen(stores.keys.queue('q'))).toBe(6_000);
      expect(await stores.db.llen(stores.keys.queue('bad'))).toBe(5_000);
    });
  });

  describe('a delayed job', () => {
    it.each([
      ['has an index by payload, as resque-scheduler makes it', 0, 1],
      ['has none where its key would be too long for Upstash', 1, 0],
    ])('%s', async (_what, over, indexes) => {
      const around = '{"class":"A","args":[""],"queue":"q"}'.length;
      const text = 'é'.repeat(100) + 'x'.repeat(MOST_INDEXED_BYTES - 200 - around + over);
      const { payload } = await client().enqueue('A', [text], { queue: 'q', ...plain, at: new Date(1000 * LATER) });
      expect(Buffer.byteLength(payload)).toBe(MOST_INDEXED_BYTES + over);
      expect(await stores.db.lrange(stores.keys.delayed(LATER), 0, -1)).toEqual([payload]);
      expect(await stores.db.zrange(stores.keys.delayedSchedule, '0', '-1')).toEqual([`${LATER}`]);
      expect(await stores.db.exists(stores.keys.timestamps(payload))).toBe(indexes);
    });

    it("is due by Redis's clock, whatever the producer's says", async () => {
      const now = async () => Number((await stores.db.time())[0]);
      const wrong = createEnqueuer({
        metadata: true,
        store: stores.open({ realTime: true }),
        wallClock: () => 1_000_000,
      });
      const before = await now();
      await wrong.enqueue('A', [], { queue: 'q', in: '3600s' });
      const after = await now();
      const due = Number((await stores.db.zrange(stores.keys.delayedSchedule, '0', '-1'))[0]);
      expect(due).toBeGreaterThanOrEqual(before + 3_600 - 1);
      expect(due).toBeLessThanOrEqual(after + 3_600 + 1);
    });
  });
});
