import { expect, it } from 'vitest';
import { type Attempts, unsplice } from '../../../shared/wire/attempts.ts';
import { done, dump, from, LEASE, NOW, release, withBrokers } from '../../helpers/brokers.ts';

withBrokers((stores) => {
  const job = (name: string) => `{"class":"${name}","args":[]}`;
  /** Class names in a queue, from the head. */
  const classes = async (queue: string) => (await stores.queued(queue)).map((payload) => classOf(payload));
  const classOf = (payload: string) => (JSON.parse(unsplice(payload).payload) as { class: string }).class;
  const records = async (queue: string): Promise<(Attempts | undefined)[]> =>
    (await stores.queued(queue)).map((payload) => unsplice(payload).record);

  it('gives the jobs of a dead worker back to the head of their queue, in order, and forgets the worker', async () => {
    await stores.produce('q', ...['a', 'b', 'c', 'd'].map(job));
    const worker = stores.worker();
    const jobs = await worker.take('q', 3);
    const [a] = jobs;
    if (!a) throw new Error('four jobs were queued');
    await worker.turn({ heartbeat: new Date(NOW), settle: [done(a)] });
    await worker.turn({ workingOn: { raw: { ...a, seq: 1 }, head: '<', tail: '>' } });
    await stores.produce('q', job('e'));

    expect(await stores.at(NOW + LEASE).reclaim(10)).toEqual([{ worker: worker.id, jobs: 2, failed: 0, wrong: [] }]);

    expect(await classes('q')).toEqual(['b', 'c', 'd', 'e']);
    expect(Object.keys(await dump(stores.db))).toEqual(['resque:queue:q', 'resque:queues', 'resque:stat:processed']);
  });

  it.each([9, 10, 11, 101, 1_000])('keeps the order of %i jobs', async (count) => {
    const names = Array.from({ length: count }, (_, i) => `${i}`);
    await stores.produce('q', ...names.map(job));
    await stores.worker().take('q', count);

    await stores.at(NOW + LEASE).reclaim(10);

    expect(await classes('q')).toEqual(names);
  });

  it('keeps the order in which a worker took jobs of one queue in several turns, with others in between', async () => {
    await stores.produce('q', ...['a', 'b', 'c', 'd', 'e'].map(job));
    const worker = stores.worker();
    const [a, b] = await worker.take('q', 3);
    if (!a || !b) throw new Error('five jobs were queued');
    await worker.turn({ settle: [release(b, 'tail')], reserve: from('q', 1) });

    await stores.at(NOW + LEASE).reclaim(10);

    expect(await classes('q')).toEqual(['a', 'c', 'd', 'e', 'b']);
  });

  it('gives jobs of many queues back, each to its own, whatever the queues are called', async () => {
    const queues = [
      'plain',
      'a:b',
      'a:b:c',
      ':',
      '1:2',
      'with space',
      'Zoë ☃ 😀',
      '"quoted\\"',
      '%d+(.*)$',
      'call',
      '-',
    ];
    for (const queue of queues) await stores.produce(queue, job('first'), job('second'), job('third'));
    const worker = stores.worker();
    const shares = queues.map((queue) => ({ queue, limit: 2 }));
    expect((await worker.turn({ reserve: from([], 100, { shares }) })).jobs).toHaveLength(2 * queues.length);

    expect(await stores.at(NOW + LEASE).reclaim(10)).toEqual([
      { worker: worker.id, jobs: 2 * queues.length, failed: 0, wrong: [] },
    ]);

    for (const queue of queues) expect([queue, await classes(queue)]).toEqual([queue, ['first', 'second', 'third']]);
    expect(await stores.store.queues()).toEqual(queues.toSorted());
  });

  it('counts an attempt and a death for each job, beside the attempts that it has', async () => {
    await stores.produce('q', job('a'), job('b'));
    const worker = stores.worker();
    const [a] = await worker.take('q');
    if (!a) throw new Error('two jobs were queued');
    await worker.turn({ settle: [{ kind: 'retry', raw: a, at: NOW, record: { id: 'a', attempts: 3, deaths: 0 } }] });
    await stores.store.promoteRetries(10);
    await worker.take('q');

    await stores.at(NOW + LEASE).reclaim(10);
    await stores.worker().take('q');
    await stores.at(NOW + LEASE).reclaim(10);

    expect(await classes('q')).toEqual(['b', 'a']);
    expect(await records('q')).toEqual([
      { id: expect.stringMatching(/-1$/), attempts: 2, deaths: 2 },
      { id: 'a', attempts: 5, deaths: 2 },
    ]);
  });

  it('leaves a worker alone whose lease was extended, before or between', async () => {
    await stores.produce('q', job('a'));
    const worker = stores.worker();
    await worker.take('q');
    await worker.turn({ leaseEnd: NOW + 2 * LEASE });
    const before = await dump(stores.db);

    expect(await stores.at(NOW + LEASE).reclaim(10)).toEqual([]);
    expect(await stores.at(NOW + 2 * LEASE - 1).reclaim(10)).toEqual([]);

    expect(await dump(stores.db)).toEqual(before);
    expect(await stores.at(NOW + 2 * LEASE).reclaim(10)).toEqual([
      { worker: worker.id, jobs: 1, failed: 0, wrong: [] },
    ]);
  });

  it('does not take the jobs of a worker that extended its lease while another was reclaimed', async () => {
    await stores.produce('q', ...['a', 'b'].map(job));
    const [slow, dead] = [stores.worker(), stores.worker()];
    await dead.turn({ leaseEnd: NOW, reserve: from('q', 1) });
    await slow.turn({ leaseEnd: NOW + 1, reserve: from('q', 1) });

    const racing = await Promise.all([
      stores.at(NOW + LEASE).reclaim(10),
      slow.turn({ leaseEnd: NOW + 2 * LEASE }).then(
        () => 'kept',
        () => 'lost',
      ),
    ]);

    const [reclaimed, lease] = racing;
    expect(reclaimed.map(({ worker }) => worker).includes(slow.id)).toBe(lease === 'lost');
    expect(await stores.db.llen(stores.keys.queue('q'))).toBe(lease === 'lost' ? 2 : 1);
  });

  it('gives each job back once when several reclaim at the same time', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `${i}`);
    await stores.produce('q', ...names.map(job));
    const workers = Array.from({ length: 20 }, () => stores.worker());
    for (const worker of workers) await worker.take('q', 10);
    const time = NOW + LEASE;
    const reclaimers = [
      stores.at(time),
      stores.open({ backend: 'TCP', time }),
      stores.open({ backend: 'Upstash REST', time }),
    ];

    const reclaimed = await Promise.all(reclaimers.map((store) => store.reclaim(100)));

    const ids = reclaimed.flat().map(({ worker }) => worker);
    expect(ids.toSorted()).toEqual(workers.map(({ id }) => id).toSorted());
    expect((await classes('q')).toSorted()).toEqual(names.toSorted());
    expect((await records('q')).every((record) => record?.deaths === 1)).toBe(true);
  });

  it('reclaims the workers whose leases ended first, no more than it was told', async () => {
    const workers = Array.from({ length: 5 }, () => stores.worker());
    for (const [i, worker] of workers.entries()) await worker.turn({ leaseEnd: NOW - i });
    const ids = workers.map(({ id }) => id);

    const reclaimed = async (limit: number) => (await stores.store.reclaim(limit)).map(({ worker }) => worker);

    expect((await reclaimed(2)).toSorted()).toEqual([ids[4], ids[3]].toSorted());
    expect((await reclaimed(10)).toSorted()).toEqual([ids[2], ids[1], ids[0]].toSorted());
  });

  it('keeps the order of a queue in which several workers died, the first of them first', async () => {
    await stores.produce('q', ...['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(job));
    for (let i = 0; i < 3; i++) await stores.worker().turn({ leaseEnd: NOW + i, reserve: from('q', 2) });

    await stores.at(NOW + LEASE).reclaim(10);

    expect(await classes('q')).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  });

  it('counts no death for jobs that their worker cannot have started', async () => {
    await stores.produce('q', ...['a', 'b', 'c', 'd'].map(job));
    await stores.worker().turn({ reserve: from('q', 3), started: 0 });

    await stores.at(NOW + LEASE).reclaim(10);

    expect(await stores.queued('q')).toEqual([expect.stringContaining('"deaths":1'), job('b'), job('c'), job('d')]);
  });

  it('counts deaths for all that may have started by the last turn', async () => {
    await stores.produce('q', ...['a', 'b', 'c'].map(job));
    const worker = stores.worker();
    await worker.turn({ reserve: from('q', 3), started: 0 });
    await worker.turn({ started: 1 });

    await stores.at(NOW + LEASE).reclaim(10);

    expect((await records('q')).map((record) => record?.deaths)).toEqual([1, 1, undefined]);
  });

  it('forgets a dead worker that held nothing, also one that died while it registered', async () => {
    await stores.worker().turn({ heartbeat: new Date(NOW) });

    expect(await stores.at(NOW + LEASE).reclaim(10)).toEqual([
      { worker: expect.any(String), jobs: 0, failed: 0, wrong: [] },
    ]);

    expect(await dump(stores.db)).toEqual({});
  });

  it('brings a queue back whose name was removed from the list of queues meanwhile', async () => {
    await stores.produce('gone', job('a'));
    await stores.worker().take('gone');
    await stores.db.srem(stores.keys.queues, 'gone');

    await stores.at(NOW + LEASE).reclaim(10);

    expect(await stores.store.queues()).toEqual(['gone']);
    expect(await classes('gone')).toEqual(['a']);
  });

  it('leaves the totals as they were: a death is not a processed job', async () => {
    await stores.produce('q', job('a'), job('b'));
    const worker = stores.worker();
    const [a] = await worker.take('q');
    if (!a) throw new Error('two jobs were queued');
    await worker.turn({ settle: [done(a)] });

    await stores.at(NOW + LEASE).reclaim(10);

    expect(await stores.db.get(stores.keys.stat('processed'))).toBe('1');
    expect(await stores.db.get(stores.keys.stat('failed'))).toBe(null);
  });
});
