import { expect, it } from 'vitest';
import { done, dump, from, LEASE, NOW, withBrokers } from '../../helpers/brokers.ts';
import { dueLists } from '../../helpers/scheduler/steps.ts';

withBrokers((stores) => {
  const statOf = (name: string, worker?: string) => stores.db.get(`resque:stat:${name}${worker ? `:${worker}` : ''}`);

  it("writes exactly what Ruby's tools read of a worker, and our lease", async () => {
    const worker = stores.worker();

    await worker.turn({ heartbeat: new Date(NOW) });

    expect(await dump(stores.db)).toEqual({
      'resque:workers': { type: 'set', value: [worker.id] },
      [`resque:worker:${worker.id}:started`]: { type: 'string', value: '2026-11-20 20:29:37 +0000' },
      'resque:workers:heartbeat': { type: 'hash', value: { [worker.id]: '2026-11-20T20:29:37.000Z' } },
      'resque:leases': { type: 'zset', value: [worker.id, `${NOW + LEASE}`] },
      [`resque:inflight:${worker.id}`]: { type: 'hash', value: { call: '1', started: '-1' } },
    });
  });

  it('extends the lease with each turn, and beats only when told to', async () => {
    const worker = stores.worker();
    await worker.turn({ heartbeat: new Date(NOW) });

    await worker.turn({ leaseEnd: NOW + 2 * LEASE });

    expect(await stores.db.zscore(stores.keys.leases, worker.id)).toBe(`${NOW + 2 * LEASE}`);
    expect(await stores.db.hget(stores.keys.heartbeats, worker.id)).toBe('2026-11-20T20:29:37.000Z');

    await worker.turn({ heartbeat: new Date(NOW + 60_001) });

    expect(await stores.db.hget(stores.keys.heartbeats, worker.id)).toBe('2026-11-20T20:30:37.001Z');
  });

  it('does not write the start again with later turns', async () => {
    const worker = stores.worker();
    await worker.turn();
    await stores.db.set(stores.keys.workerStarted(worker.id), 'as it was');

    await worker.turn();

    expect(await stores.db.get(stores.keys.workerStarted(worker.id))).toBe('as it was');
  });

  it('takes no turn of a worker that has not registered', async () => {
    await stores.produce('q', 'job');
    const { register: _, ...turn } = stores.worker().next({ reserve: from('q') });
    const before = await dump(stores.db);

    expect(await stores.store.sync(turn)).toEqual({ leaseLost: true });

    expect(await dump(stores.db)).toEqual(before);
  });

  it('counts as Ruby does: every ended attempt is processed, what went to the failed list failed too', async () => {
    await stores.produce('q', '{"n":1}', '{"n":2}', '{"n":3}', 'no JSON', '{"n":5}', '{"n":6}');
    const [worker, other] = [stores.worker(), stores.worker()];
    const [succeeded, retried, failed, buried, released, left] = await worker.take('q');
    if (!succeeded || !retried || !failed || !buried || !released || !left) throw new Error('six jobs were queued');

    await worker.turn({
      settle: [
        done(succeeded),
        { kind: 'retry', raw: retried, at: NOW, record: { id: 'id', attempts: 1, deaths: 0 } },
        { kind: 'fail', raw: failed, head: '<', tail: '>' },
        { kind: 'bury', raw: buried, entry: 'entry' },
        { kind: 'release', raw: released, to: 'tail' },
      ],
    });
    await other.turn({ settle: [], reserve: from('q') });

    expect([await statOf('processed'), await statOf('failed')]).toEqual(['4', '2']);
    expect([await statOf('processed', worker.id), await statOf('failed', worker.id)]).toEqual(['4', '2']);
    expect([await statOf('processed', other.id), await statOf('failed', other.id)]).toEqual([null, null]);
  });

  it('forgets a worker that leaves, all but the totals', async () => {
    await stores.produce('q', '{"n":1}', '{"n":2}');
    const [worker, other] = [stores.worker(), stores.worker()];
    await other.turn({ heartbeat: new Date(NOW) });
    const before = await dump(stores.db);
    const [one, two] = await worker.take('q');
    if (!one || !two) throw new Error('two jobs were queued');
    await worker.turn({ heartbeat: new Date(NOW), workingOn: { raw: one, head: '<', tail: '>' } });
    await worker.turn({ settle: [done(one), { kind: 'fail', raw: two, head: '<', tail: '>' }] });

    expect(await stores.store.leave(worker.id)).toBe(0);

    const { 'resque:queue:q': _, ...rest } = before;
    expect(await dump(stores.db)).toEqual({
      ...rest,
      'resque:stat:processed': { type: 'string', value: '2' },
      'resque:stat:failed': { type: 'string', value: '1' },
      'resque:failed': { type: 'list', value: ['<{"n":2}>'] },
    });
    expect(await stores.store.leave(worker.id)).toBe(0);
  });

  it('keeps the lease of a worker that leaves with jobs in its hands, for the reclaim; Ruby sees it gone', async () => {
    await stores.produce('q', '{"n":1}', '{"n":2}', '{"n":3}');
    const worker = stores.worker();
    const [one] = await worker.take('q');
    if (!one) throw new Error('three jobs were queued');
    await worker.turn({
      heartbeat: new Date(NOW),
      settle: [done(one)],
      workingOn: { raw: { ...one, seq: 1 }, head: '', tail: '' },
    });

    expect(await stores.store.leave(worker.id)).toBe(2);

    expect(Object.keys(await dump(stores.db))).toEqual([
      `resque:inflight:${worker.id}`,
      'resque:leases',
      'resque:queues',
      'resque:stat:processed',
    ]);
    expect(await stores.at(NOW + LEASE - 1).reclaim(10)).toEqual([]);
    expect(await stores.at(NOW + LEASE).reclaim(10)).toMatchObject([{ worker: worker.id, jobs: 2 }]);
    expect(await stores.queued('q')).toHaveLength(2);
  });

  it('keeps everything under the namespace given', async () => {
    const store = stores.open({ namespace: '{other}:' });
    await store.enqueue([{ queue: 'q', payload: '{"class":"A","args":[]}' }]);
    await store.enqueueDelayed([{ seconds: 1_000, payload: '{"class":"A","args":[],"queue":"q"}' }]);
    const worker = stores.worker(store);
    const [job] = await worker.take('q');
    if (!job) throw new Error('one job was queued');
    await worker.turn({
      heartbeat: new Date(NOW),
      settle: [{ kind: 'retry', raw: job, at: NOW, record: { id: 'id', attempts: 1, deaths: 0 } }],
    });
    expect(Object.keys(await dump(stores.db)).every((key) => key.startsWith('{other}:'))).toBe(true);

    expect(await store.promoteRetries(10)).toMatchObject({ moved: 1, wrong: [] });
    expect(await dueLists(store, 10, 1e6)).toMatchObject([{ time: '1000', payloads: [expect.anything()] }]);
    expect(await stores.at(NOW + LEASE, '{other}:').reclaim(10)).toMatchObject([{ worker: worker.id, jobs: 0 }]);

    expect(Object.keys(await dump(stores.db)).every((key) => key.startsWith('{other}:'))).toBe(true);
    expect(await stores.store.queues()).toEqual([]);
    await stores.db.flushall();
  });
});
