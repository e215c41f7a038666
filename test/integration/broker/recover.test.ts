import { expect, it } from 'vitest';
import type { RawJob } from '../../../shared/types.ts';
import { done, dump, from, LEASE, type SyncPlan, texts, withBrokers } from '../../helpers/brokers.ts';
import { snapshot } from '../../helpers/redis-snapshot.ts';

/** Redis comes back without its last writes: a failover to a replica that lagged, or an append-only file that was cut. */
withBrokers((stores) => {
  const job = (name: string) => `{"class":"${name}","args":[]}`;
  const names = (jobs: readonly RawJob[]) => texts(jobs).map((text) => (JSON.parse(text) as { class: string }).class);

  it('is noticed with the next sync, which changes nothing', async () => {
    await stores.produce('q', ...['a', 'b', 'c'].map(job));
    const worker = stores.worker();
    const [a] = await worker.take('q', 1);
    if (!a) throw new Error('three jobs were queued');
    const goBack = await snapshot(stores.db);
    await worker.sync({ settle: [done(a)], reserve: from('q', 1) });
    await goBack();
    const before = await dump(stores.db);

    const request = worker.next({ settle: [], reserve: from('q', 1) });
    expect(await stores.store.sync(request)).toEqual({ kind: 'writes lost' });

    expect(await dump(stores.db)).toEqual(before);
  });

  it.each<[string, SyncPlan]>([
    ['extends its lease', {}],
    ['beats', { heartbeat: true }],
    ['reserves nothing', { reserve: from('none') }],
  ])('is noticed by a worker whose lost sync only %s', async (_, plan) => {
    const worker = stores.worker();
    await worker.sync();
    const goBack = await snapshot(stores.db);
    await worker.sync(plan);
    await goBack();

    expect(await stores.store.sync(worker.next())).toEqual({ kind: 'writes lost' });
    await worker.recover([]);
  });

  it('gives back what was settled and is in flight again, unchanged and to the head; it names what is in its queue again', async () => {
    await stores.produce('q', ...['a', 'b', 'c', 'd', 'e', 'f'].map(job));
    const worker = stores.worker();
    const first = await worker.take('q', 3);
    const [a, b, c] = first;
    if (!a || !b || !c) throw new Error('six jobs were queued');
    const goBack = await snapshot(stores.db);
    const { jobs: second } = await worker.sync({ settle: [done(a), done(b)], reserve: from('q', 2) });
    await goBack();
    const request = worker.next({ settle: [done(c)], reserve: from('q', 10) });
    expect(await stores.store.sync(request)).toEqual({ kind: 'writes lost' });

    const recovered = await worker.recover([c, ...second].map((raw) => ({ raw })));

    expect(recovered).toMatchObject({ given: 2, wrong: [] });
    expect(names(recovered.missing)).toEqual(['d', 'e']);
    expect(await stores.queued('q')).toEqual(['a', 'b', 'd', 'e', 'f'].map(job));
    expect(await stores.held(worker)).toEqual({ '2:q': job('c') });
    const reply = await worker.send(request);
    expect(reply.missing).toBe(0);
    expect(names(reply.jobs)).toEqual(['a', 'b', 'd', 'e', 'f']);
    expect(await stores.held(worker)).not.toHaveProperty('2:q');
  });

  it('does the same when it is sent again', async () => {
    await stores.produce('q', ...['a', 'b', 'c'].map(job));
    const worker = stores.worker();
    const jobs = await worker.take('q');
    await stores.db.hset(stores.keys.inflight(worker.id), 'call', 0);
    worker.next();

    expect(await worker.recover(jobs.slice(2).map((raw) => ({ raw })))).toMatchObject({ given: 2 });
    const between = await dump(stores.db);
    expect(await worker.recover(jobs.slice(2).map((raw) => ({ raw })))).toMatchObject({ given: 0, missing: [] });

    expect(await dump(stores.db)).toEqual(between);
    expect(await stores.queued('q')).toEqual([job('a'), job('b')]);
  });

  it('keeps the order of each queue, whatever it is called, and of jobs numbered beyond any digit', async () => {
    const queues = ['q', 'a:b', '!1:2', 'call', 'Zoë ☃'];
    for (const queue of queues) await stores.produce(queue, ...Array.from({ length: 15 }, (_, i) => job(`${i}`)));
    const worker = stores.worker();
    const shares = queues.map((queue) => ({ queue, limit: 12 }));
    await worker.sync({ reserve: from([], 100, { shares }) });

    expect(await worker.recover([])).toMatchObject({ given: 12 * queues.length });

    const all = Array.from({ length: 15 }, (_, i) => job(`${i}`));
    for (const queue of queues) expect(await stores.queued(queue)).toEqual(all);
    expect(await stores.store.queues()).toEqual(queues.toSorted());
  });

  it('marks again what may have started, where the mark was lost', async () => {
    await stores.produce('q', job('a'), job('b'));
    const worker = stores.worker();
    const [a, b] = await worker.take('q');
    if (!a || !b) throw new Error('two jobs were queued');
    const goBack = await snapshot(stores.db);
    await worker.start(a);
    await worker.sync();
    await goBack();
    expect(await stores.store.sync(worker.next())).toEqual({ kind: 'writes lost' });

    const held = [{ raw: a, marked: true }, { raw: b }];
    expect(await worker.recover(held)).toMatchObject({ given: 0, missing: [] });

    expect(await stores.held(worker)).toEqual({ '!0:q': job('a'), '1:q': job('b') });
    expect(await stores.reclaimAfter(LEASE)).toMatchObject([{ jobs: 1, failed: 1 }]);
  });

  it('leaves in flight what a key does not take, and names that', async () => {
    await stores.produce('bad', job('a'));
    await stores.produce('q', job('b'));
    const worker = stores.worker();
    await worker.take(['bad', 'q']);
    await stores.db.set(stores.keys.queue('bad'), 'no list');

    expect(await worker.recover([])).toEqual({
      given: 1,
      missing: [],
      wrong: [{ key: stores.keys.queue('bad'), error: expect.stringContaining('WRONGTYPE') }],
    });

    expect(await stores.held(worker)).toEqual({ '0:bad': job('a') });
    await stores.db.del(stores.keys.queue('bad'));
  });

  it('is a lost lease where Redis has forgotten the worker', async () => {
    const goBack = await snapshot(stores.db);
    const worker = stores.worker();
    await worker.sync();
    await goBack();

    expect(await stores.store.sync(worker.next())).toEqual({ kind: 'lease lost' });
  });
});
