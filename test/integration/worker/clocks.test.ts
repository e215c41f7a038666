import { describe, expect, test, vi } from 'vitest';
import { defineJob } from '../../../shared/index.ts';
import { NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { MovingClock } from '../../helpers/moving-clock.ts';
import { failed, payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, mortal, startWorker } from '../../helpers/workers.ts';

const MINUTE = 60_000;
const YEAR = 365 * 86_400_000;

/** There is one clock, Redis's: what a worker's machine takes for the time changes nothing. */
withBrokers((stores) => {
  const off: [string, number][] = [
    ['61 s behind', -61_000],
    ['61 s ahead', 61_000],
    ['a year behind', -YEAR],
    ['a year ahead', YEAR],
  ];
  describe.each(off)('a worker whose clock is %s', (_name, ahead) => {
    test('keeps its jobs for as long as they run: none is reclaimed, none runs twice', async () => {
      const gate = new Gate();
      const ran: unknown[] = [];
      const Hold = defineJob({
        class: 'Hold',
        async perform([n]) {
          ran.push(n);
          await gate.opened;
        },
      });
      await stores.produce('work', ...payloads('Hold', range(1, 15)));
      const clock = new MovingClock({ ahead });
      const worker = startWorker({ store: stores.store, jobs: [Hold], clock, options: { lease: MINUTE } });
      await eventually(() => expect(ran).toHaveLength(15));
      const lease = () => stores.db.zscore(stores.keys.leases, worker.worker).then(Number);
      expect(await lease()).toBe(NOW + MINUTE);
      for (let i = 1; i <= 6; i++) {
        worker.clock.move(MINUTE / 2);
        await eventually(async () => expect(await lease()).toBe(NOW + (i * MINUTE) / 2 + MINUTE));
        expect(await stores.store.reclaim(10)).toEqual([]);
      }
      gate.open();
      await eventually(() => expect(worker.summary.succeeded).toBe(15));
      expect(ran).toEqual(range(1, 15));
      expect(worker.summary.lost).toBe(0);
      expect(await failed(stores.db)).toEqual([]);
    });

    test('writes Redis’s times: retries, failed entries, start and heartbeat', async () => {
      const Fail = defineJob({
        class: 'Fail',
        retry: { attempts: 2, backoff: '10s' },
        perform([name]) {
          if (name === 'look') return seen();
          throw new Error('no');
        },
      });
      let records: unknown;
      const seen = async () => {
        records = [
          await stores.db.hvals(stores.keys.heartbeats),
          await Promise.all((await stores.db.keys('resque:worker:*:started')).map((key) => stores.db.get(key))),
        ];
      };
      const last = '{"lambdesque":{"id":"x","attempts":1,"deaths":0},"class":"Fail","args":["last"]}';
      await stores.produce('work', ...payloads('Fail', ['look', 'first']), last);
      await drain({ store: stores.store, jobs: [Fail], clock: new MovingClock({ ahead }) });

      expect(records).toEqual([['2026-11-20T20:29:37Z'], ['2026-11-20 20:29:37 +0000']]);
      expect(await stores.db.zrange(stores.keys.retry, '0', '-1', 'WITHSCORES')).toEqual([
        expect.any(String),
        `${NOW + 10_000}`,
      ]);
      // Between two answers of Redis its time goes on by the worker's own clock: a second may have begun.
      const [entry] = await failed(stores.db);
      expect(Math.abs(Date.parse(entry?.failed_at ?? '') - NOW)).toBeLessThan(MINUTE);
      redisTime.move(10_000);
      expect((await stores.tick()).retried).toBe(1);
    });

    test('has its jobs given back a lease after its death, and not before', async () => {
      const Hold = defineJob({ class: 'Hold', perform: () => new Promise(() => {}) });
      await stores.produce('work', ...payloads('Hold', [1]));
      const { store, kill } = mortal(stores.store);
      const clock = new MovingClock({ ahead });
      const worker = startWorker({ store, jobs: [Hold], clock, options: { lease: MINUTE, abortGrace: 0 } });
      await eventually(async () => expect(await stores.db.hlen(stores.keys.inflight(worker.worker))).toBe(4));
      kill();
      expect(await stores.reclaimAfter(MINUTE - 1)).toEqual([]);
      expect(await stores.reclaimAfter(1)).toMatchObject([{ worker: worker.worker, jobs: 1 }]);
    });
  });

  test('a date that jumps by a year, ahead and back, while a worker runs against Redis’s own TIME', async () => {
    const store = stores.open({ realTime: true });
    const before = Number((await stores.db.time())[0]) * 1000;
    const ran: unknown[] = [];
    const gates = range(1, 3).map(() => new Gate());
    const Hold = defineJob({
      class: 'Hold',
      retry: { backoff: '10s' },
      async perform([n]) {
        ran.push(n);
        await gates[Number(n) - 1]?.opened;
        throw new Error('once more');
      },
    });
    await stores.produce('work', ...payloads('Hold', range(1, 3)));
    const worker = startWorker({ store, jobs: [Hold], options: { lease: MINUTE } });
    await eventually(() => expect(ran).toHaveLength(3));
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      for (const [i, jump] of [YEAR, -YEAR, 61_000].entries()) {
        vi.setSystemTime(NOW + jump);
        gates[i]?.open();
        await eventually(() => expect(worker.summary.retried).toBe(i + 1));
        expect(await store.reclaim(10), 'the lease of a live worker').toEqual([]);
      }
    } finally {
      vi.useRealTimers();
    }
    const after = Number((await stores.db.time())[0]) * 1000 + 1_000;
    await eventually(async () => expect(await stores.db.zcard(stores.keys.retry)).toBe(3));
    const scores = (await stores.db.zrange(stores.keys.retry, '0', '-1', 'WITHSCORES')).filter((_, i) => i % 2 === 1);
    for (const score of scores) {
      expect(Number(score)).toBeGreaterThanOrEqual(before + 10_000);
      expect(Number(score)).toBeLessThanOrEqual(after + 10_000);
    }
    expect(ran).toEqual(range(1, 3));
    await stores.db.del(stores.keys.retry, stores.keys.retryPayloads);
    worker.stop();
    await worker.ended;
  });
});
