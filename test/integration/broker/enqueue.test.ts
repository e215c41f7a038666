import { describe, expect, it } from 'vitest';
import { createEnqueuer } from '../../../shared/client/enqueuer.ts';
import type { Clock } from '../../../shared/clock.ts';
import { dump, NOW, texts, withBrokers } from '../../helpers/brokers.ts';
import { vectors } from '../../helpers/payloads.ts';

const clock: Clock = { now: () => NOW, after: () => () => {} };
const MANY = 20_000;

withBrokers((stores) => {
  describe('enqueue', () => {
    it.each(vectors.filter(({ key }) => key.startsWith('resque:queue:')))(
      'leaves in Redis exactly what $producer does: $note',
      async ({ key, raw }) => {
        const queue = key.slice('resque:queue:'.length);

        await stores.store.enqueue([{ queue, payload: raw }]);

        expect(await dump(stores.db)).toEqual({
          'resque:queues': { type: 'set', value: [queue] },
          [key]: { type: 'list', value: [Buffer.from(raw).toString('latin1')] },
        });
      },
    );

    it('pushes to the tails of many queues, each in the order given', async () => {
      await stores.produce('a', 'first');
      const jobs = ['a1', 'b1', 'a2', 'c d1', 'b2', 'a3', '☃1'];

      await stores.store.enqueue(jobs.map((payload) => ({ queue: payload.slice(0, -1), payload })));

      expect(await stores.queued('a')).toEqual(['first', 'a1', 'a2', 'a3']);
      expect(await stores.queued('b')).toEqual(['b1', 'b2']);
      expect(await stores.queued('c d')).toEqual(['c d1']);
      expect(await stores.queued('☃')).toEqual(['☃1']);
      expect(await stores.store.queues()).toEqual(['a', 'b', 'c d', '☃']);
    });

    it('touches nothing for no jobs', async () => {
      await stores.store.enqueue([]);
      await stores.store.enqueueDelayed([]);
      expect(await dump(stores.db)).toEqual({});
    });

    it(`pushes ${MANY} jobs in one round trip`, async () => {
      const payloads = Array.from({ length: MANY }, (_, i) => `{"class":"A","args":[${i}]}`);
      await stores.store.enqueue([{ queue: 'q', payload: 'loads the script' }]);
      stores.upstash.requests.length = 0;
      await stores.db.del(stores.keys.queue('q'));

      await stores.store.enqueue(payloads.map((payload, i) => ({ queue: i % 3 === 0 ? 'third' : 'q', payload })));

      expect(await stores.queued('third')).toEqual(payloads.filter((_, i) => i % 3 === 0));
      expect(await stores.queued('q')).toEqual(payloads.filter((_, i) => i % 3 !== 0));
      expect(stores.upstash.requests).toHaveLength(stores.backend === 'TCP' ? 0 : 1);
    });

    it(`pushes jobs to ${MANY} queues in one call`, async () => {
      const jobs = Array.from({ length: MANY }, (_, i) => ({ queue: `q${i}`, payload: `${i}` }));

      await stores.store.enqueue(jobs);

      expect(await stores.db.scard(stores.keys.queues)).toBe(MANY);
      expect(await stores.queued('q19999')).toEqual(['19999']);
      await stores.db.flushall();
    });

    it('is taken by a worker as it was pushed', async () => {
      await stores.store.enqueue(vectors.map(({ raw }) => ({ queue: 'q', payload: raw })));
      expect(texts(await stores.worker().take('q'))).toEqual(vectors.map(({ raw }) => raw));
    });
  });

  describe('enqueueDelayed', () => {
    it.each(vectors.filter(({ key }) => key.startsWith('resque:delayed:')))(
      'leaves in Redis exactly what $producer does: $note',
      async ({ key, raw }) => {
        const seconds = key.slice('resque:delayed:'.length);

        await stores.store.enqueueDelayed([{ seconds: Number(seconds), payload: raw }]);

        const bytes = Buffer.from(raw).toString('latin1');
        expect(await dump(stores.db)).toEqual({
          [key]: { type: 'list', value: [bytes] },
          [`resque:timestamps:${bytes}`]: { type: 'set', value: [`delayed:${seconds}`] },
          'resque:delayed_queue_schedule': { type: 'zset', value: [seconds, seconds] },
        });
      },
    );

    it('keeps the order of jobs due in the same second, and equal payloads', async () => {
      await stores.store.enqueueDelayed(['a', 'b', 'a', 'c'].map((payload) => ({ seconds: 5, payload })));

      expect(await stores.db.lrange(stores.keys.delayed(5), 0, -1)).toEqual(['a', 'b', 'a', 'c']);
      expect(await stores.db.smembers(stores.keys.timestamps('a'))).toEqual(['delayed:5']);
    });

    it(`adds ${MANY} jobs in one round trip`, async () => {
      const jobs = Array.from({ length: MANY }, (_, i) => ({ seconds: 1_000 + (i % 10), payload: `${i}` }));
      await stores.store.enqueueDelayed([{ seconds: 1, payload: 'loads the script' }]);
      stores.upstash.requests.length = 0;

      await stores.store.enqueueDelayed(jobs);

      expect(await stores.db.zcard(stores.keys.delayedSchedule)).toBe(11);
      expect(await stores.db.llen(stores.keys.delayed(1_009))).toBe(MANY / 10);
      expect(await stores.db.lindex(stores.keys.delayed(1_009), -1)).toBe(`${MANY - 1}`);
      expect(await stores.db.smembers(stores.keys.timestamps('19999'))).toEqual(['delayed:1009']);
      expect(stores.upstash.requests).toHaveLength(stores.backend === 'TCP' ? 0 : 1);
      await stores.db.flushall();
    });
  });

  describe("the producers' client, without metadata", () => {
    const plain = { metadata: false } as const;
    const client = () => createEnqueuer({ metadata: true, store: stores.store, clock });
    const vector = (note: string) => vectors.find((one) => one.note === note)?.raw;

    it('writes the bytes that Ruby writes', async () => {
      await client().enqueue('Hello', [], { queue: 'myqueue', ...plain });
      await client().enqueue('Hello', ['hi', 'Zoë ☃ 😀', 'a/b "q" \\ \n\t\u0001 \u2028', ''], {
        queue: 'myqueue',
        ...plain,
      });
      await client().enqueue('Hello', [{ a: [1, { b: null }], t: true }, [], {}, [[]]], { queue: 'myqueue', ...plain });

      expect(await stores.queued('myqueue')).toEqual([
        vector('no arguments'),
        vector('strings, unicode, escapes'),
        vector('nested hashes, null, booleans, empty containers'),
      ]);
    });

    it('writes delayed jobs as resque-scheduler does', async () => {
      const options = { queue: 'myqueue', ...plain };

      await client().enqueue('Hello', ['later', 12345678901234567890n], {
        ...options,
        at: new Date(2_000_000_000_999),
      });

      const raw = vector('enqueue_at, list delayed:<ts>') as string;
      expect(Object.keys(await dump(stores.db))).toEqual([
        'resque:delayed:2000000000',
        'resque:delayed_queue_schedule',
        `resque:timestamps:${raw}`,
      ]);
      expect(await stores.db.lrange(stores.keys.delayed(2_000_000_000), 0, -1)).toEqual([raw]);
    });

    it('pushes a job at once whose time is not in the future', async () => {
      await client().enqueue('Hello', [], { queue: 'myqueue', ...plain, at: new Date(NOW) });
      await client().enqueue('Hello', [], { queue: 'myqueue', ...plain, in: 0 });

      expect(await stores.queued('myqueue')).toEqual([vector('no arguments'), vector('no arguments')]);
      expect(await stores.db.exists(stores.keys.delayedSchedule)).toBe(0);
    });
  });
});
