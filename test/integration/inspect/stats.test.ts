import { beforeAll, describe, expect, it, test } from 'vitest';
import { keysOf } from '../../../shared/broker/keys.ts';
import { ConfigError, Discard, defineJob, SkipRetry } from '../../../shared/index.ts';
import type { Stats } from '../../../shared/inspect/stats.ts';
import { NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { inspectorOf } from '../../helpers/inspector.ts';
import { lossyStore } from '../../helpers/lossy-proxy.ts';
import { payloads, range } from '../../helpers/queue-state.ts';
import { drain, mortal, startWorker } from '../../helpers/workers.ts';

const keys = keysOf('resque:');
const DAY = 86_400_000;
const MINUTE = 60_000;

withBrokers((stores) => {
  const lossy = lossyStore(stores);
  let stats: Stats;
  beforeAll(() => {
    stats = inspectorOf(stores).stats;
  });

  /** Every outcome there is, by the job's number. */
  const Mixed = defineJob({
    class: 'Mixed',
    retry: { attempts: 2 },
    perform([n]) {
      if (Number(n) % 10 === 1) throw new Error('again');
      if (Number(n) % 10 === 2) throw new SkipRetry('never');
      if (Number(n) % 10 === 3) throw new Discard('not needed');
    },
  });
  const Plain = defineJob({ class: 'Plain', perform() {} });
  /** Of all points together. */
  const sums = async (unit: 'day' | 'minute' = 'day') => {
    const [series] = await stats.series({ unit });
    const sum = { processed: 0, succeeded: 0, failed: 0, retried: 0, discarded: 0 };
    for (const point of series?.points ?? []) {
      sum.processed += point.processed;
      sum.succeeded += point.succeeded;
      sum.failed += point.failed;
      sum.retried += point.retried;
      sum.discarded += point.discarded;
    }
    return sum;
  };

  describe('what workers do', () => {
    test('is counted by how it ended, by queue and by class', async () => {
      await stores.produce('a', ...payloads('Mixed', range(0, 99)));
      await stores.produce('b', ...payloads('Plain', range(1, 20)), ...payloads('Nobody', range(1, 5)), 'no job');
      const summary = await drain({ store: stores.store, jobs: [Mixed, Plain] });
      const all = { processed: 126, succeeded: 90, failed: 16, retried: 10, discarded: 10 };
      expect(summary).toMatchObject(all);
      expect(await sums('day')).toEqual(all);
      expect(await sums('minute')).toEqual(all);
      const last = async (by: 'queue' | 'class') =>
        (await stats.series({ unit: 'minute', last: 2, by })).map(({ name, points }) => [
          name,
          points.at(-1)?.processed,
        ]);
      expect(await last('queue')).toEqual([
        ['a', 100],
        ['b', 26],
      ]);
      expect(await last('class')).toEqual([
        ['Mixed', 100],
        ['Plain', 20],
        ['Nobody', 5],
        ['(unknown)', 1],
      ]);
      expect(await stores.db.get(keys.stat('processed'))).toBe('126');
    });

    test('is counted once, whatever is lost on the way to Redis and back', async () => {
      const { store } = lossy;
      await stores.produce('a', ...payloads('Mixed', range(1, 500)));
      let last = 0;
      const flaky: typeof store = {
        ...store,
        async sync(request) {
          // Each of the first twenty once.
          if (request.call > last && request.call <= 20) lossy.lose(request.call % 2 === 0 ? 'answer' : 'request');
          last = request.call;
          return store.sync(request);
        },
      };
      const worker = startWorker({
        store: flaky,
        jobs: [Mixed],
        options: { exitOnComplete: true, batchCount: 50, concurrency: 5 },
      });
      let over = false;
      worker.ended
        .catch(() => {})
        .finally(() => {
          over = true;
        });
      await eventually(() => {
        worker.pass(100);
        expect(over).toBe(true);
      });
      expect(await worker.ended).toMatchObject({ processed: 500, lost: 0 });
      expect(await sums()).toMatchObject({ processed: 500, failed: 50, retried: 50, discarded: 50 });
      expect(await stores.db.get(keys.stat('processed'))).toBe('500');
    });

    test('of a worker that died is counted as far as it was settled; the rest when it has run', async () => {
      await stores.produce('a', ...payloads('Plain', range(1, 500)));
      const { store, kill } = mortal(stores.store);
      const dying = startWorker({ store, jobs: [Plain], options: { lease: 60_000, batchCount: 40, concurrency: 5 } });
      await eventually(() => expect(dying.summary.succeeded).toBeGreaterThan(50));
      kill();
      await eventually(async () => {
        redisTime.move(60_001);
        await stores.store.reclaim(10);
        await drain({ store: stores.store, jobs: [Plain] });
        expect(await stores.db.llen(keys.queue('a'))).toBe(0);
        expect(await stores.db.keys('resque:inflight:*')).toEqual([]);
      });
      expect((await sums()).processed).toBe(Number(await stores.db.get(keys.stat('processed'))));
      expect((await sums()).processed).toBe(500);
    });

    test('an at-most-once job whose worker died has failed', async () => {
      const worker = stores.worker();
      await stores.produce('a', '{"class":"Once","args":[]}', 'no job', '{"args":[],"class":"Last"}');
      await worker.start(...(await worker.take('a')));
      redisTime.move(60_001);
      await stores.store.reclaim(10);
      expect(await sums()).toMatchObject({ processed: 3, failed: 3 });
      const names = (await stats.series({ unit: 'minute', by: 'class' })).map(({ name }) => name);
      expect(names.sort()).toEqual(['(unknown)', 'Once']);
      expect(await stores.db.get(keys.stat('failed'))).toBe('3');
    });

    test('with how long handlers ran, and how long jobs had waited, where that can be known', async () => {
      const seconds = NOW / 1000;
      const body = `"args":[],"queue_time":${seconds - 2}`;
      await stores.produce(
        'a',
        `{"class":"Plain",${body}}`,
        `{"class":"Plain",${body},"queue":"a"}`,
        `{"lambdesque":{"id":"t-1","attempts":1,"deaths":0},"class":"Plain",${body}}`,
        '{"class":"Plain","args":[]}',
      );
      await drain({ store: stores.store, jobs: [Plain] });
      const [series] = await stats.series({ unit: 'minute' });
      const point = series?.points.find(({ processed }) => processed > 0);
      expect(point).toMatchObject({ processed: 4, waited: 1 });
      expect(point?.waitMs).toBeGreaterThanOrEqual(2_000);
      expect(point?.waitMs).toBeLessThan(60_000);
      expect(point?.ms).toBeGreaterThan(0);
    });
  });

  describe('a series', () => {
    it('has a point for each minute or day, the oldest first, also where nothing was done', async () => {
      await stores.db.hset(keys.stats.minute(NOW - 2 * MINUTE), '["q","A"]', '1 2 3 4 5500 60 7');
      await stores.db.hset(keys.stats.day(NOW - 89 * DAY), '["q","A"]', '1 0 0 0 0 0 0');
      const start = NOW - (NOW % MINUTE);
      const zero = { processed: 0, succeeded: 0, failed: 0, retried: 0, discarded: 0, ms: 0, waitMs: 0, waited: 0 };
      expect(await stats.series({ unit: 'minute', last: 3 })).toEqual([
        {
          name: undefined,
          points: [
            {
              at: new Date(start - 2 * MINUTE),
              processed: 10,
              succeeded: 1,
              failed: 2,
              retried: 3,
              discarded: 4,
              ms: 5.5,
              waitMs: 60,
              waited: 7,
            },
            { ...zero, at: new Date(start - MINUTE) },
            { ...zero, at: new Date(start) },
          ],
        },
      ]);
      const [days] = await stats.series({ unit: 'day' });
      expect(days?.points).toHaveLength(90);
      expect(days?.points[0]).toMatchObject({ at: new Date(NOW - (NOW % DAY) - 89 * DAY), processed: 1 });
      expect(await stats.series({ unit: 'day', last: 5, by: 'class' })).toEqual([]);
    });

    it('passes over what is no sum', async () => {
      const right = '1 0 0 0 0 0 0';
      await stores.db.hset(
        keys.stats.minute(NOW),
        ...[
          '["q","A"]',
          right,
          '["q","B"]',
          'garbage',
          '["q"]',
          right,
          'garbage',
          right,
          '{"a":1}',
          right,
          '[1,2]',
          right,
        ],
      );
      await stores.db.set(keys.stats.minute(NOW - MINUTE), 'no hash');
      await stores.db.hset(keys.stats.minute(NOW), Buffer.from('ff', 'hex'), right);
      expect((await stats.series({ unit: 'minute', by: 'class' })).map(({ name }) => name)).toEqual(['A']);
    });

    it.each([
      { unit: 'hour' },
      { unit: 'day', last: 91 },
      { unit: 'minute', last: 0 },
      { unit: 'minute', last: 1.5 },
      { unit: 'day', by: 'worker' },
    ])('refuses %o', async (options) => {
      await expect(stats.series(options as never)).rejects.toThrow(ConfigError);
    });
  });

  it('totals what there is', async () => {
    const worker = stores.worker();
    await stores.produce('a', ...payloads('Plain', range(1, 5)));
    await stores.produce('b', ...payloads('Plain', range(1, 2)));
    await worker.take('a', 3);
    await stores.store.enqueueDelayed([{ seconds: 2_000_000_000, payload: '{"class":"A","queue":"q"}' }]);
    await stores.db.zadd(keys.retry, NOW, 'r:q');
    await stores.db.hset(keys.retryPayloads, 'r:q', '{}');
    await stores.db.rpush(keys.failed, '{}', '{}');
    await stores.db.mset(keys.stat('processed'), 70, keys.stat('failed'), 9);
    await stores.db.set(keys.paused, 'true');
    await stores.db.sadd(keys.workers, 'php:1:q');
    expect(await stats.totals()).toEqual({
      processed: 70,
      failed: 9,
      queued: 4,
      scheduled: 1,
      parked: 0,
      retries: 1,
      failedList: 2,
      workers: 2,
      running: 3,
      paused: true,
      now: new Date(NOW),
    });
    await stores.db.del(keys.paused);
    await stores.db.srem(keys.workers, 'php:1:q');
  });
});
