import { describe, expect, it } from 'vitest';
import { RedisUnavailableError } from '../../../shared/errors.ts';
import type { RawJob } from '../../../shared/types.ts';
import { phpStatus } from '../../../shared/wire/php-status.ts';
import {
  done,
  dump,
  fail,
  failBinary,
  from,
  LEASE,
  NOW,
  redisTime,
  release,
  retry,
  type SyncPlan,
  texts,
  withBrokers,
} from '../../helpers/brokers.ts';
import { lossyStore } from '../../helpers/lossy-proxy.ts';
import { dueLists } from '../../helpers/scheduler/run-step.ts';

const STATUS = 'resque:job:d96d3448e98b29aace86a5474d84fe78:status';

withBrokers((stores) => {
  const lossy = lossyStore(stores);
  const payloads = Array.from({ length: 8 }, (_, i) => `{"class":"A","args":[${i}]}`);

  /** A turn that does everything that a sync can do, after which three jobs are left in `q` and one of these is reserved. */
  function everything([a, b, c, d, e]: readonly RawJob[]): SyncPlan {
    if (!a || !b || !c || !d || !e) throw new Error('five jobs are needed');
    return {
      settle: [done(a), retry(b, { id: 'b', attempts: 1, deaths: 0 }), fail(c), failBinary(d, 'd'), release(e, 'tail')],
      effects: [phpStatus('d96d3448e98b29aace86a5474d84fe78', 'complete', NOW)],
      heartbeat: true,
      reserve: from('q', 2, { listQueues: true }),
    };
  }

  async function holdingFive() {
    await stores.produce('q', ...payloads);
    await stores.db.set(STATUS, '{"status":2,"updated":1,"started":1,"result":null}');
    const worker = stores.worker(lossy.store);
    return { worker, jobs: await worker.take('q', 5) };
  }

  it('carries out a sync that is sent twice only once, and answers the same jobs', async () => {
    const { worker, jobs } = await holdingFive();
    const request = worker.next(everything(jobs));

    const first = await worker.send(request);
    const between = await dump(stores.db);
    const second = await worker.send(request);

    expect(texts(first.jobs)).toEqual(payloads.slice(5, 7));
    expect(second.jobs).toEqual(first.jobs);
    expect(second.queues).toEqual(first.queues);
    expect(second.missing).toBe(0);
    expect(await dump(stores.db)).toEqual(between);
    expect(await stores.db.get(stores.keys.stat('processed'))).toBe('4');
    expect(await stores.db.get(stores.keys.stat('failed'))).toBe('2');
    expect(await stores.queued('q')).toEqual([payloads[7], payloads[4]]);
  });

  it('carries out a sync once whose answer was lost, if it is sent again', async () => {
    const { worker, jobs } = await holdingFive();
    const request = worker.next(everything(jobs));
    lossy.lose('answer');

    await expect(worker.send(request)).rejects.toThrow(RedisUnavailableError);
    const between = await dump(stores.db);
    expect(await stores.db.get(stores.keys.stat('processed')), 'it was carried out').toBe('4');
    const again = await worker.send(request);

    expect(texts(again.jobs)).toEqual(payloads.slice(5, 7));
    expect(again.jobs.map(({ seq }) => seq)).toEqual([5, 6]);
    expect(await dump(stores.db)).toEqual(between);
  });

  it('carries out a sync whose request was lost, when it is sent again', async () => {
    const { worker, jobs } = await holdingFive();
    const before = await dump(stores.db);
    const request = worker.next(everything(jobs));
    lossy.lose('request');

    await expect(worker.send(request)).rejects.toThrow(RedisUnavailableError);
    expect(await dump(stores.db)).toEqual(before);

    expect(texts((await worker.send(request)).jobs)).toEqual(payloads.slice(5, 7));
  });

  it('registers once, also if the first answer is lost', async () => {
    await stores.produce('q', 'a', 'b', 'c');
    await stores.worker(lossy.store).sync();
    const worker = stores.worker(lossy.store);
    const request = worker.next({ reserve: from('q', 2), heartbeat: true });
    lossy.lose('answer');

    await expect(worker.send(request)).rejects.toThrow(RedisUnavailableError);
    const between = await dump(stores.db);

    expect(texts((await worker.send(request)).jobs)).toEqual(['a', 'b']);
    expect(await dump(stores.db)).toEqual(between);
  });

  it('knows a sync again after the scripts were flushed', async () => {
    const { worker, jobs } = await holdingFive();
    const request = worker.next(everything(jobs));
    const first = await worker.send(request);
    const between = await dump(stores.db);

    await stores.db.script('FLUSH');

    expect((await worker.send(request)).jobs).toEqual(first.jobs);
    expect(await dump(stores.db)).toEqual(between);
  });

  it('answers nothing new to a sync that is sent again, however full the queues are by now', async () => {
    await stores.produce('q', 'a');
    const worker = stores.worker();
    const request = worker.next({ reserve: from(['first', 'q'], 5) });
    const first = await worker.send(request);
    await stores.produce('q', 'b', 'c');
    await stores.produce('first', 'd');

    expect((await worker.send(request)).jobs).toEqual(first.jobs);
    expect(await stores.queued('q')).toEqual(['b', 'c']);
  });

  it('answers jobs of several queues again in their order', async () => {
    const queues = ['a:b', 'c d', '☃'];
    for (const queue of queues) await stores.produce(queue, ...Array.from({ length: 12 }, (_, i) => `${queue} ${i}`));
    const worker = stores.worker();
    const request = worker.next({ reserve: from(queues, 30) });

    const first = await worker.send(request);

    expect(first.jobs).toHaveLength(30);
    expect((await worker.send(request)).jobs).toEqual(first.jobs);
  });

  it('extends the lease and beats when it is sent again later', async () => {
    const { worker, jobs } = await holdingFive();
    const request = worker.next(everything(jobs));
    const { jobs: reserved } = await worker.send(request);
    redisTime.move(5_000);

    expect((await worker.send(request)).jobs).toEqual(reserved);

    expect(await stores.db.zscore(stores.keys.leases, worker.id)).toBe(`${NOW + LEASE + 5_000}`);
    expect(await stores.db.hget(stores.keys.heartbeats, worker.id)).toBe('2026-11-20T20:29:42Z');
  });

  it('answers only what this sync reserved, not what its worker held before', async () => {
    await stores.produce('q', 'a', 'b', 'c', 'd');
    const worker = stores.worker();
    await worker.take('q', 2);
    const request = worker.next({ reserve: from('q', 1) });
    const first = await worker.send(request);

    expect(texts(first.jobs)).toEqual(['c']);
    expect((await worker.send(request)).jobs.map(({ seq, bytes }) => [seq, `${bytes}`])).toEqual([[2, 'c']]);
  });

  it('does nothing with a copy of a sync that arrives after a later one', async () => {
    const { worker, jobs } = await holdingFive();
    const [first, ...others] = jobs;
    if (!first) throw new Error('five jobs were taken');
    const request = worker.next({ settle: [done(first)], reserve: from('q', 2), lease: 1 });
    await worker.send(request);
    await worker.sync({ settle: others.map(done), lease: 2 * LEASE });
    const before = await dump(stores.db);

    expect(await stores.store.sync(request)).toEqual({ kind: 'lease lost' });

    expect(await dump(stores.db)).toEqual(before);
  });

  it('does not take the next sync for the last one', async () => {
    await stores.produce('q', 'a', 'b');
    const worker = stores.worker();
    expect(texts(await worker.take('q', 1))).toEqual(['a']);
    expect(texts(await worker.take('q', 1))).toEqual(['b']);
  });

  describe('a worker that lost its lease', () => {
    it('changes nothing with any sync, and is told so', async () => {
      const { worker, jobs } = await holdingFive();
      await stores.reclaimAfter(LEASE);
      const before = await dump(stores.db);
      const plan = everything(jobs);
      const [raw] = jobs;
      if (!raw) throw new Error('five jobs were taken');

      const turns = [{ ...plan, workingOn: { raw, head: '<', tail: '>' } }, { workingOn: null }, {}];
      for (const request of turns.map((one) => worker.next(one))) {
        expect(await stores.store.sync(request)).toEqual({ kind: 'lease lost' });
      }

      expect(await dump(stores.db)).toEqual(before);
    });

    it('can register anew and settles none of the jobs that it had', async () => {
      const { worker, jobs } = await holdingFive();
      await stores.reclaimAfter(LEASE);

      const { jobs: again, missing } = await worker.sync({
        register: true,
        settle: jobs.map(done),
        reserve: from('q', 2),
      });

      expect(missing).toBe(5);
      expect(again.map(({ seq }) => seq)).toEqual([5, 6]);
      expect(await stores.db.get(stores.keys.stat('processed'))).toBe(null);
      expect(await stores.db.llen(stores.keys.queue('q'))).toBe(6);
    });
  });

  describe('with their answers lost, once', () => {
    it('reclaims, promotes and leaves the same as when sent once', async () => {
      const { jobs } = await holdingFive();
      const worker = stores.worker(lossy.store);
      const [raw] = await worker.take('q', 1);
      if (!raw) throw new Error('there are jobs left');
      await worker.sync({ settle: [retry(raw, { id: 'r', attempts: 1, deaths: 0 })] });
      await stores.store.enqueueDelayed([{ seconds: NOW / 1000, payload: '{"queue":"later"}' }]);
      const [due] = await dueLists(stores.store, 10, 1e6);
      const moves = (due?.payloads ?? []).map((bytes) => ({ bytes, to: 'queue' as const, queue: 'later' }));
      const twice = async (call: () => Promise<unknown>) => {
        lossy.lose('answer');
        await expect(call()).rejects.toThrow(RedisUnavailableError);
        await call();
      };

      await twice(() => lossy.store.promoteRetries(10));
      await twice(() => lossy.store.promoteDelayed([{ time: `${NOW / 1000}`, moves: moves }]));
      await twice(() => worker.unregister());
      redisTime.move(LEASE);
      await twice(() => lossy.store.reclaim(10));

      expect(await stores.queued('later')).toEqual(['{"queue":"later"}']);
      expect(await stores.queued('q')).toHaveLength(jobs.length + 3);
    });
  });
});
