import { beforeAll, describe, expect, it } from 'vitest';
import { keysOf } from '../../../shared/broker/keys.ts';
import { redisStatsBroker } from '../../../shared/broker/redis/stats.ts';
import { ConfigError, RedisTypeError } from '../../../shared/errors.ts';
import type { Queues } from '../../../shared/inspect/queues.ts';
import type { RunStats } from '../../../shared/types.ts';
import { done, fail, fromSerial, NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { inspectorOf } from '../../helpers/inspector.ts';

const keys = keysOf('resque:');
const MINUTE = 60_000;
const job = (n: number | string) => `{"class":"Hello","args":[${n}]}`;
const many = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => job(from + i));

withBrokers((stores) => {
  let queues: Queues;
  beforeAll(() => {
    queues = inspectorOf(stores).queues;
  });

  describe('the list of queues', () => {
    it('says of each how much waits, since when, what runs, and who takes it', async () => {
      const [worker, serial] = [stores.worker(), stores.worker()];
      await stores.produce('a', '{"class":"Hello","args":[],"queue_time":1763670500.5}', ...many(1, 4));
      await stores.produce('ledger', ...many(1, 3));
      await stores.db.sadd(keys.queues, 'empty');
      await worker.take('a', 1);
      await worker.take(['a'], 1);
      await serial.sync({ reserve: fromSerial('ledger', 2) });
      await stores.db.lpush(keys.queue('a'), '{"class":"Hello","args":[],"queue_time":1763670500.5}');
      await stores.db.sadd(keys.workers, 'ruby:1:a,b', 'dead:1:*', 'php:1:ledger');
      await stores.db.hset(keys.heartbeats, 'ruby:1:a,b', new Date(NOW - 60_000).toISOString());
      await stores.db.hset(keys.heartbeats, 'dead:1:*', new Date(NOW - 301_000).toISOString());

      const ours = [serial.id, worker.id].sort();
      const quiet = { paused: false, serial: false, rates: { in: undefined, out: 0, failed: 0 } };
      expect(await queues.list()).toEqual([
        {
          ...quiet,
          name: 'a',
          size: 4,
          oldest: new Date(1_763_670_500_500),
          running: 2,
          workers: [...ours, 'ruby:1:a,b'],
        },
        { ...quiet, name: 'empty', size: 0, oldest: undefined, running: 0, workers: ours },
        {
          ...quiet,
          name: 'ledger',
          size: 1,
          oldest: undefined,
          running: 2,
          serial: true,
          workers: [...ours, 'php:1:ledger'],
        },
      ]);
      await stores.db.srem(keys.workers, 'ruby:1:a,b', 'dead:1:*', 'php:1:ledger');
      await stores.db.del(keys.heartbeats);
    });

    it('has one that is asked for, whether Redis knows it or not', async () => {
      await stores.produce('a', job(1));
      expect(await queues.get('a')).toMatchObject({ name: 'a', size: 1, running: 0 });
      expect(await queues.get('nobody')).toMatchObject({ name: 'nobody', size: 0, oldest: undefined });
    });

    it('counts what is in flight of a worker that holds very many from some of it', async () => {
      const worker = stores.worker();
      await worker.sync();
      const fields = Array.from({ length: 25_000 }, (_, i) => [`${i}:${i % 5 === 0 ? 'a' : 'b'}`, job(i)]);
      await stores.db.hset(keys.inflight(worker.id), ...fields.flat());
      await stores.db.sadd(keys.queues, 'a', 'b');
      const [a, b] = await queues.list();
      expect((a?.running ?? 0) + (b?.running ?? 0)).toBeGreaterThan(24_900);
      expect(a?.running).toBeGreaterThan(3_000);
      expect(a?.running).toBeLessThan(7_000);
      await stores.db.del(keys.inflight(worker.id), keys.leases, keys.workers, keys.workerStarted(worker.id));
    });
  });

  describe('rates', () => {
    const ran = (outcome: RunStats['outcome']): RunStats => ({ class: 'Hello', outcome, ms: 1, wait: undefined });

    it('are of the last five whole minutes; what came in is known where sizes were noted', async () => {
      const stats = redisStatsBroker(stores.client(), 'resque:', redisTime.now);
      const worker = stores.worker();
      const start = NOW - (NOW % MINUTE);
      let seen = await stats.read([]);
      for (let minute = 0; minute < 6; minute++) {
        redisTime.set(start + minute * MINUTE);
        // 30 more than are taken, but for the first minute's.
        await stores.produce('a', ...many(1, 40));
        seen = await stats.read(['a'], await stats.read(['a'], seen), start + minute * MINUTE);
        const [x, ...others] = await worker.take('a', 10);
        if (!x) throw new Error('nothing came');
        await worker.sync({
          lease: 3_600_000,
          now: start + minute * MINUTE,
          settle: [
            { ...fail(x), run: ran('failed') },
            ...others.map((raw) => ({ ...done(raw), run: ran('succeeded') })),
          ],
        });
      }
      expect((await queues.get('a')).rates).toEqual({ in: 40, out: 10, failed: 1 });
      expect((await queues.get('b')).rates).toEqual({ in: undefined, out: 0, failed: 0 });
      redisTime.move(7 * MINUTE);
      expect((await queues.get('a')).rates).toEqual({ in: undefined, out: 0, failed: 0 });
    });
  });

  describe('a look into a queue', () => {
    it('shows jobs from the head, page by page', async () => {
      await stores.produce(
        'a',
        '{"class":"Hello","args":[12345678901234567890,1.0],"id":"x","queue_time":1763670500.5}',
        '{"lambdesque":{"id":"t-1","attempts":2,"deaths":1},"class":"Hello","args":{"a":1}}',
        'no job',
        Buffer.from('7b22c3', 'hex'),
        job(5),
      );
      const first = await queues.peek('a', { limit: 3 });
      const common = { state: 'queued', queue: 'a', errors: [], at: undefined, worker: undefined, exact: true };
      expect(first.items).toEqual([
        {
          ...common,
          class: 'Hello',
          id: 'x',
          args: [12345678901234567890n, 1],
          payload: '{"class":"Hello","args":[12345678901234567890,1.0],"id":"x","queue_time":1763670500.5}',
          bytes: 86,
          attempts: 0,
          deaths: 0,
          enqueuedAt: new Date(1_763_670_500_500),
          place: expect.any(String),
        },
        {
          ...common,
          class: 'Hello',
          id: 't-1',
          args: [{ a: 1 }],
          payload: '{"class":"Hello","args":{"a":1}}',
          bytes: 32,
          attempts: 2,
          deaths: 1,
          enqueuedAt: undefined,
          place: expect.any(String),
        },
        expect.objectContaining({ class: undefined, args: [], payload: 'no job', bytes: 6, exact: true }),
      ]);
      const second = await queues.peek('a', { limit: 3, cursor: first.cursor ?? '' });
      expect(second.items).toMatchObject([{ exact: false, bytes: 3 }, { payload: job(5) }]);
      expect(second.cursor).toBeUndefined();
      expect(await queues.peek('nobody')).toEqual({ items: [], cursor: undefined });
    });

    it('goes on behind the last job of the page before, though others have left or come back', async () => {
      await stores.produce('a', ...many(1, 3_000));
      const first = await queues.peek('a', { limit: 500 });
      const next = async () =>
        (await queues.peek('a', { limit: 2, cursor: first.cursor ?? '' })).items.map((one) => one.args[0]);
      expect(await next()).toEqual([501, 502]);
      await stores.db.lpop(keys.queue('a'), 450);
      expect(await next()).toEqual([501, 502]);
      await stores.db.lpush(keys.queue('a'), ...many(4_000, 4_500));
      expect(await next()).toEqual([501, 502]);
      await stores.db.ltrim(keys.queue('a'), 501 + 50, -1);
      expect(await next(), 'all that were shown have left').toEqual([501, 502]);
      await stores.db.lpop(keys.queue('a'), 10);
      expect(await next()).toEqual([511, 512]);
    });

    it('comes with fewer where they are large', async () => {
      const large = `{"class":"Hello","args":["${'x'.repeat(1_500_000)}"]}`;
      await stores.produce('a', large, large, large, large);
      const page = await queues.peek('a');
      expect(page.items).toHaveLength(2);
      expect((await queues.peek('a', { cursor: page.cursor ?? '' })).items).toHaveLength(2);
    });

    it.each([{ limit: 0 }, { limit: 1.5 }, { limit: 1_001 }, { cursor: 'x' }])('refuses %o', async (options) => {
      await expect(queues.peek('a', options)).rejects.toThrow(ConfigError);
    });
  });

  describe('all jobs of a queue', () => {
    it('can be cleared: the queue stays known', async () => {
      await stores.produce('a', ...many(1, 30));
      await queues.pause('a');
      expect(await queues.clear('a')).toBe(30);
      expect(await queues.clear('a')).toBe(0);
      expect(await queues.list()).toMatchObject([{ name: 'a', size: 0, paused: true }]);
    });

    it('go with it when it is removed', async () => {
      await stores.produce('a', ...many(1, 30));
      await stores.produce('b', job(1));
      await queues.pause('a');
      expect(await queues.remove('a')).toBe(30);
      expect(await queues.list()).toMatchObject([{ name: 'b' }]);
      expect(await stores.db.exists(keys.queue('a'), keys.pausedQueues)).toBe(0);
    });

    it('move to an empty one at once, byte for byte', async () => {
      const payloads = [job(1), ' {"class" : "A\\/é","n":1.0}', 'no job'];
      await stores.produce('a', ...payloads);
      expect(await queues.move('a', 'b')).toBe(3);
      expect(await stores.queued('b')).toEqual(payloads);
      expect(await queues.list()).toMatchObject([
        { name: 'a', size: 0 },
        { name: 'b', size: 3 },
      ]);
      expect(await queues.move('a', 'b')).toBe(0);
    });

    it('are appended to another that has some, however many there are', async () => {
      await stores.produce('a', ...many(1, 12_000));
      await stores.produce('b', job(0));
      expect(await queues.move('a', 'b')).toBe(12_000);
      expect(await stores.queued('b')).toEqual(many(0, 12_000));
      expect(await stores.queued('a')).toEqual([]);
    });

    it('are not moved where the other key is no list', async () => {
      await stores.produce('a', job(1));
      await stores.db.set(keys.queue('b'), 'no list');
      await expect(queues.move('a', 'b')).rejects.toThrow(RedisTypeError);
      expect(await stores.queued('a')).toEqual([job(1)]);
      expect(await stores.db.sismember(keys.queues, 'b')).toBe(0);
      for (const change of [queues.clear, queues.remove, queues.peek] as const) {
        await expect(change('b')).rejects.toThrow(RedisTypeError);
      }
      await stores.db.del(keys.queue('b'));
    });
  });

  it('refuses what is no name, and a move from a queue to itself', async () => {
    for (const name of ['', 7 as never, undefined as never]) {
      await expect(queues.pause(name)).rejects.toThrow(ConfigError);
      await expect(queues.get(name)).rejects.toThrow(ConfigError);
    }
    await expect(queues.move('a', 'a')).rejects.toThrow(/twice/);
  });

  it('pauses all workers as Resque does', async () => {
    await queues.pauseAll();
    expect(await stores.db.get(keys.paused)).toBe('true');
    await queues.resumeAll();
    expect(await stores.db.exists(keys.paused)).toBe(0);
  });
});
