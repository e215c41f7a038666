import { expect, it } from 'vitest';
import { RedisUnavailableError } from '../../../shared/errors.ts';
import { done, dump, fail, LEASE, redisTime, release, retry, settled, withBrokers } from '../../helpers/brokers.ts';
import { lossyStore } from '../../helpers/lossy-proxy.ts';

/** An at-most-once job that may have started is marked in flight, by a `!` before its field, before its handler runs. */
withBrokers((stores) => {
  const lossy = lossyStore(stores);
  const job = (name: string) => `{"class":"${name}","args":[]}`;

  it('stands in flight for the jobs that are held, and says which they are', async () => {
    await stores.produce('a:b', ...['a', 'b', 'c'].map(job));
    const worker = stores.worker();
    const [a, b, c] = await worker.take('a:b');
    if (!a || !b || !c) throw new Error('three jobs were queued');
    await worker.sync({ settle: [done(b)] });

    expect(await worker.start(c, b, { ...a, queue: 'other' }, a)).toEqual([true, false, false, true]);

    expect(await stores.held(worker)).toEqual({ '!0:a:b': job('a'), '!2:a:b': job('c') });
  });

  it('takes no call where no job starts', async () => {
    expect(await stores.worker().start()).toEqual([]);
    expect(await dump(stores.db)).toEqual({});
  });

  it('is written once where it is sent again, after its answer was lost', async () => {
    await stores.produce('q', job('a'));
    const worker = stores.worker(lossy.store);
    const raw = await worker.takeOne('q');
    // Its script is known by then: what is lost is the answer to the call itself.
    await worker.start(raw);
    lossy.lose('answer');
    await expect(worker.start(raw)).rejects.toThrow(RedisUnavailableError);
    const between = await dump(stores.db);

    expect(await worker.start(raw)).toEqual([true]);

    expect(await dump(stores.db)).toEqual(between);
    expect(await stores.held(worker)).toEqual({ '!0:q': job('a') });
  });

  it('is refused to a worker that has lost its lease: none of its jobs may start', async () => {
    await stores.produce('q', job('a'));
    const worker = stores.worker();
    const raw = await worker.takeOne('q');
    await stores.reclaimAfter(LEASE);

    expect(await worker.start(raw)).toEqual([false]);

    expect(await stores.db.exists(stores.keys.inflight(worker.id))).toBe(0);
  });

  it('is what a settlement is known by', async () => {
    await stores.produce('q', ...['a', 'b', 'c', 'd', 'e'].map(job));
    const worker = stores.worker();
    const jobs = await worker.take('q');
    const [a, b, c, d, e] = jobs;
    if (!a || !b || !c || !d || !e) throw new Error('five jobs were queued');
    await worker.start(...jobs);
    const marked = (settlement: ReturnType<typeof done>) => ({ ...settlement, marked: true });

    const { missing } = await worker.sync({
      settle: [marked(done(a)), marked(retry(b)), marked(fail(c)), marked(release(d)), done(e)],
    });

    expect(missing, 'the one that was settled as if it had not started').toBe(1);
    expect(await stores.held(worker)).toEqual({ '!4:q': job('e') });
    await worker.sync({ settle: [settled(e, { kind: 'done' }, [], true)] });
    expect(await stores.held(worker)).toEqual({});
    expect(await stores.queued('q')).toEqual([job('d')]);
    expect(await stores.db.get(stores.keys.stat('processed'))).toBe('4');
  });

  it('shows as what its worker works on, and counts as held when that unregisters', async () => {
    await stores.produce('q', job('a'));
    const worker = stores.worker();
    const raw = await worker.takeOne('q');
    await worker.start(raw);

    await worker.sync({ workingOn: { raw, marked: true, head: '<', tail: '>' } });
    expect(await stores.db.get(stores.keys.worker(worker.id))).toBe(`<${job('a')}>`);
    expect(await worker.unregister()).toBe(1);

    redisTime.move(LEASE);
    expect(await stores.store.reclaim(10)).toMatchObject([{ jobs: 0, failed: 1 }]);
  });

  it('is not answered again as a job to start, where the answer to its reservation was lost', async () => {
    await stores.produce('q', job('a'), job('b'));
    const worker = stores.worker();
    const request = worker.next({
      reserve: {
        count: 2,
        bytes: 1e6,
        shares: [{ queue: 'q', limit: 2 }],
        listQueues: false,
        countLeft: false,
        suspects: 2,
        alone: 'no',
      },
    });
    const { jobs } = await worker.send(request);
    const [a] = jobs;
    if (!a) throw new Error('two jobs were queued');
    await worker.start(a);

    expect((await worker.send(request)).jobs.map(({ text }) => text)).toEqual([job('b')]);
  });

  it('can be written in a Redis that is full', async () => {
    await stores.produce('q', job('a'));
    const worker = stores.worker();
    const raw = await worker.takeOne('q');
    await stores.db.config('SET', 'maxmemory', '1');
    try {
      expect(await worker.start(raw)).toEqual([true]);
    } finally {
      await stores.db.config('SET', 'maxmemory', '0');
    }
  });
});
