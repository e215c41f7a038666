import { expect, it } from 'vitest';
import { version } from '../../../shared/config.ts';
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
  withBrokers,
} from '../../helpers/brokers.ts';
import { dueLists } from '../../helpers/scheduler/run-step.ts';

withBrokers((stores) => {
  const statOf = (name: string, worker?: string) => stores.db.get(`resque:stat:${name}${worker ? `:${worker}` : ''}`);

  it("writes exactly what Ruby's tools read of a worker, and our lease", async () => {
    const worker = stores.worker();

    await worker.sync({ heartbeat: true });

    expect(await dump(stores.db)).toEqual({
      'resque:workers': { type: 'set', value: [worker.id] },
      [`resque:worker:${worker.id}:started`]: { type: 'string', value: '2026-11-20 20:29:37 +0000' },
      'resque:workers:heartbeat': { type: 'hash', value: { [worker.id]: '2026-11-20T20:29:37Z' } },
      'resque:leases': { type: 'zset', value: [worker.id, `${NOW + LEASE}`] },
      [`resque:inflight:${worker.id}`]: { type: 'hash', value: { call: '1', lease: `${NOW + LEASE}`, version } },
    });
  });

  it('extends the lease with each sync, and beats only when told to', async () => {
    const worker = stores.worker();
    await worker.sync({ heartbeat: true });

    await worker.sync({ lease: 2 * LEASE });

    expect(await stores.db.zscore(stores.keys.leases, worker.id)).toBe(`${NOW + 2 * LEASE}`);
    expect(await stores.db.hget(stores.keys.heartbeats, worker.id)).toBe('2026-11-20T20:29:37Z');

    redisTime.move(60_001);
    await worker.sync({ heartbeat: true });

    expect(await stores.db.hget(stores.keys.heartbeats, worker.id)).toBe('2026-11-20T20:30:37Z');
  });

  it('does not write the start again with later syncs', async () => {
    const worker = stores.worker();
    await worker.sync();
    await stores.db.set(stores.keys.workerStarted(worker.id), 'as it was');

    await worker.sync();

    expect(await stores.db.get(stores.keys.workerStarted(worker.id))).toBe('as it was');
  });

  it('takes no sync of a worker that has not registered', async () => {
    await stores.produce('q', 'job');
    const { register: _, ...request } = stores.worker().next({ reserve: from('q') });
    const before = await dump(stores.db);

    expect(await stores.store.sync(request)).toEqual({ kind: 'lease lost' });

    expect(await dump(stores.db)).toEqual(before);
  });

  it('counts as Ruby does: every ended attempt is processed, what went to the failed list failed too', async () => {
    await stores.produce('q', '{"n":1}', '{"n":2}', '{"n":3}', 'no JSON', '{"n":5}', '{"n":6}');
    const [worker, other] = [stores.worker(), stores.worker()];
    const [succeeded, retried, failed, buried, released, left] = await worker.take('q');
    if (!succeeded || !retried || !failed || !buried || !released || !left) throw new Error('six jobs were queued');

    await worker.sync({
      settle: [
        done(succeeded),
        retry(retried, { id: 'id', attempts: 1, deaths: 0 }),
        fail(failed),
        failBinary(buried, 'entry'),
        release(released, 'tail'),
      ],
    });
    await other.sync({ settle: [], reserve: from('q') });

    expect([await statOf('processed'), await statOf('failed')]).toEqual(['4', '2']);
    expect([await statOf('processed', worker.id), await statOf('failed', worker.id)]).toEqual(['4', '2']);
    expect([await statOf('processed', other.id), await statOf('failed', other.id)]).toEqual([null, null]);
  });

  it('forgets a worker that leaves, all but the totals', async () => {
    await stores.produce('q', '{"n":1}', '{"n":2}');
    const [worker, other] = [stores.worker(), stores.worker()];
    await other.sync({ heartbeat: true });
    const before = await dump(stores.db);
    const [one, two] = await worker.take('q');
    if (!one || !two) throw new Error('two jobs were queued');
    await worker.sync({ heartbeat: true, workingOn: { raw: one, head: '<', tail: '>' } });
    await worker.sync({ settle: [done(one), fail(two)] });

    expect(await worker.unregister()).toBe(0);

    const { 'resque:queue:q': _, ...rest } = before;
    expect(await dump(stores.db)).toEqual({
      ...rest,
      'resque:stat:processed': { type: 'string', value: '2' },
      'resque:stat:failed': { type: 'string', value: '1' },
      'resque:failed': { type: 'list', value: ['<{"n":2}>'] },
    });
    expect(await worker.unregister()).toBe(0);
  });

  it('keeps the lease of a worker that leaves with jobs in its hands, for the reclaim; Ruby sees it gone', async () => {
    await stores.produce('q', '{"n":1}', '{"n":2}', '{"n":3}');
    const worker = stores.worker();
    const [one] = await worker.take('q');
    if (!one) throw new Error('three jobs were queued');
    await worker.sync({
      heartbeat: true,
      settle: [done(one)],
      workingOn: { raw: { ...one, seq: 1 }, head: '', tail: '' },
    });

    expect(await worker.unregister()).toBe(2);

    expect(Object.keys(await dump(stores.db))).toEqual([
      `resque:inflight:${worker.id}`,
      'resque:leases',
      'resque:queues',
      'resque:stat:processed',
    ]);
    expect(await stores.reclaimAfter(LEASE - 1)).toEqual([]);
    expect(await stores.reclaimAfter(1)).toMatchObject([{ worker: worker.id, jobs: 2 }]);
    expect(await stores.queued('q')).toHaveLength(2);
  });

  it('keeps everything under the namespace given', async () => {
    const store = stores.open({ namespace: '{other}:' });
    await store.enqueue([{ queue: 'q', payload: '{"class":"A","args":[]}' }]);
    await store.enqueueDelayed([{ seconds: 1_000, payload: '{"class":"A","args":[],"queue":"q"}' }]);
    const worker = stores.worker(store);
    const [job] = await worker.take('q');
    if (!job) throw new Error('one job was queued');
    await worker.sync({
      heartbeat: true,
      settle: [retry(job, { id: 'id', attempts: 1, deaths: 0 })],
    });
    expect(Object.keys(await dump(stores.db)).every((key) => key.startsWith('{other}:'))).toBe(true);

    expect(await store.promoteRetries(10)).toMatchObject({ moved: 1 });
    expect(await dueLists(store, 10, 1e6)).toMatchObject([{ time: '1000', payloads: [expect.anything()] }]);
    redisTime.move(LEASE);
    expect(await store.reclaim(10)).toMatchObject([{ worker: worker.id, jobs: 0 }]);

    expect(Object.keys(await dump(stores.db)).every((key) => key.startsWith('{other}:'))).toBe(true);
    expect(await stores.store.queues()).toEqual([]);
    await stores.db.flushall();
  });
});
