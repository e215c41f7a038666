import { expect, it } from 'vitest';
import { functionWorkerId, tokenOf } from '../../../shared/wire/worker-id.ts';
import {
  done,
  dump,
  from,
  fromSerial,
  LEASE,
  NOW,
  redisTime,
  release,
  retry,
  withBrokers,
} from '../../helpers/brokers.ts';
import { job, numbered, queuedJobs } from '../../helpers/queued-jobs.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { TestWorker } from '../../helpers/test-worker.ts';

withBrokers((stores) => {
  const { classes, records } = queuedJobs(stores);

  it('gives the jobs of a dead worker back to the tail of their queue, in order, and forgets the worker', async () => {
    await stores.produce('q', ...['a', 'b', 'c', 'd'].map(job));
    const worker = stores.worker();
    const jobs = await worker.take('q', 3);
    const [a, b] = jobs;
    if (!a || !b) throw new Error('four jobs were queued');
    await worker.sync({ heartbeat: true, settle: [done(a)] });
    await worker.sync({ workingOn: { raw: b, head: '<', tail: '>' } });
    await stores.produce('q', job('e'));

    expect(await stores.reclaimAfter(LEASE)).toMatchObject([{ worker: worker.id, jobs: 2, failed: 0, wrong: [] }]);

    expect(await classes('q'), 'those behind them are healthy, and come first').toEqual(['d', 'e', 'b', 'c']);
    expect(Object.keys(await dump(stores.db))).toEqual(['resque:queue:q', 'resque:queues', 'resque:stat:processed']);
  });

  it('names each job with the invocation that died with it, in lines of their own', async () => {
    const requestId = '0b6a3f6c-7d0e-4f6e-9a62-0d1c5c7a1f2e';
    const whose = { consumer: 'default', system: 'Shop', requestId };
    const worker = new TestWorker(stores.store, functionWorkerId(whose, ['q']));
    const php = '0123456789abcdef0123456789abcdef';
    await stores.produce(
      'q',
      job('Plain'),
      `{"class":"Php","args":[{}],"id":"${php}","queue_time":1.5}`,
      `{"class":"Long","args":["${'x'.repeat(9_000)}"],"id":"long-1"}`,
      '{"lambdesque":{"id":"first-7","attempts":2,"deaths":1},"class":"Again","args":[]}',
      job('Once'),
      'no JSON',
    );
    const jobs = await worker.take('q');
    await worker.start(...jobs.slice(4, 5));
    redisTime.move(LEASE);
    const log = recordingLogger();

    await stores.tick(log);

    const [whole, ...each] = log.lines.map(({ message, fields }) => ({ message, ...fields }));
    const token = tokenOf(worker.id);
    expect(whole).toMatchObject({
      message: expect.stringContaining('lease of a worker ended'),
      ...whose,
      jobs: 5,
      failed: 1,
    });
    const line = (name: string | undefined, id: string, deaths: number) => ({
      message: 'job reclaimed',
      ...(name === undefined ? {} : { class: name }),
      queue: 'q',
      id,
      deaths,
      worker: worker.id,
      ...whose,
    });
    expect(each).toEqual([
      line('Plain', `${token}-0`, 1),
      line('Php', php, 1),
      line('Long', 'long-1', 1),
      line('Again', 'first-7', 2),
      { ...line('Once', `${token}-4`, 1), message: 'job reclaimed, to the failed list: it may have started' },
      line(undefined, `${token}-5`, 0),
    ]);
  });

  it.each([9, 10, 11, 101, 1_000])('keeps the order of %i jobs', async (count) => {
    await stores.produce('q', ...numbered(count).map(job));
    await stores.worker().take('q', count);

    await stores.reclaimAfter(LEASE);

    expect(await classes('q')).toEqual(numbered(count));
  });

  it.each(['q', 'serial'])(
    'keeps the order in which a worker took jobs of %s in several syncs, with others in between',
    async (queue) => {
      const share = queue === 'serial' ? fromSerial : from;
      await stores.produce(queue, ...['a', 'b', 'c', 'd', 'e'].map(job));
      const worker = stores.worker();
      const [a, b] = (await worker.sync({ reserve: share(queue, 3) })).jobs;
      if (!a || !b) throw new Error('five jobs were queued');
      await worker.sync({ settle: [release(b, 'tail')], reserve: share(queue, 1) });

      await stores.reclaimAfter(LEASE);

      const order = queue === 'serial' ? ['a', 'c', 'd', 'e', 'b'] : ['e', 'b', 'a', 'c', 'd'];
      expect(await classes(queue)).toEqual(order);
    },
  );

  it('gives jobs of many queues back, each to its own, whatever the queues are called', async () => {
    const queues = [
      'plain',
      'a:b',
      'a:b:c',
      ':',
      '1:2',
      '!1:2',
      'with space',
      'Zoë ☃ 😀',
      '"quoted\\"',
      '%d+(.*)$',
      'call',
      'lease',
      '-',
      'two\nlines',
    ];
    for (const queue of queues) await stores.produce(queue, job('first'), job('second'), job('third'));
    const worker = stores.worker();
    const shares = queues.map((queue) => ({ queue, limit: 2 }));
    const { jobs } = await worker.sync({ reserve: from([], 100, { shares }) });
    expect(jobs).toHaveLength(2 * queues.length);
    // Every other one may have started, and must not run again.
    await worker.start(...jobs.filter((_, i) => i % 2 === 0));

    expect(await stores.reclaimAfter(LEASE)).toMatchObject([
      { worker: worker.id, jobs: queues.length, failed: queues.length, wrong: [] },
    ]);

    for (const queue of queues) expect([queue, await classes(queue)]).toEqual([queue, ['third', 'second']]);
    const failed = (await stores.db.lrange(stores.keys.failed, 0, -1)).map((text) => JSON.parse(text));
    expect(failed.map(({ queue }) => queue)).toEqual(queues);
    expect(await stores.store.queues()).toEqual(queues.toSorted());
  });

  it('counts a death for each job, and leaves its attempts as they were', async () => {
    await stores.produce('q', job('a'), job('b'));
    const worker = stores.worker();
    const [a] = await worker.take('q');
    if (!a) throw new Error('two jobs were queued');
    await worker.sync({ settle: [retry(a, { id: 'a', attempts: 3 })] });
    await stores.promoteRetries();
    await worker.take('q');

    await stores.reclaimAfter(LEASE);
    expect(await records('q')).toEqual([
      { id: `${tokenOf(worker.id)}-1`, attempts: 0, deaths: 1 },
      { id: 'a', attempts: 3, deaths: 1 },
    ]);
    await stores.worker().take('q');
    await stores.reclaimAfter(LEASE);

    expect(await classes('q')).toEqual(['b', 'a']);
    expect(await records('q')).toEqual([
      { id: `${tokenOf(worker.id)}-1`, attempts: 0, deaths: 2 },
      { id: 'a', attempts: 3, deaths: 2 },
    ]);
  });

  it('leaves a worker alone whose lease was extended, before or between', async () => {
    await stores.produce('q', job('a'));
    const worker = stores.worker();
    await worker.take('q');
    await worker.sync({ lease: 2 * LEASE });
    const before = await dump(stores.db);

    expect(await stores.reclaimAfter(LEASE)).toEqual([]);
    expect(await stores.reclaimAfter(LEASE - 1)).toEqual([]);

    expect(await dump(stores.db)).toEqual(before);
    expect(await stores.reclaimAfter(1)).toMatchObject([{ worker: worker.id, jobs: 1, failed: 0, wrong: [] }]);
  });

  it('does not take the jobs of a worker that extended its lease while another was reclaimed', async () => {
    await stores.produce('q', ...['a', 'b'].map(job));
    const [slow, dead] = [stores.worker(), stores.worker()];
    await dead.sync({ lease: LEASE - 1, reserve: from('q', 1) });
    await slow.sync({ reserve: from('q', 1) });

    const racing = await Promise.all([
      stores.reclaimAfter(LEASE),
      slow.sync({ lease: 2 * LEASE }).then(
        () => 'kept',
        () => 'lost',
      ),
    ]);

    const [reclaimed, lease] = racing;
    expect(reclaimed.map(({ worker }) => worker).includes(slow.id)).toBe(lease === 'lost');
    expect(await stores.db.llen(stores.keys.queue('q'))).toBe(lease === 'lost' ? 2 : 1);
  });

  it('gives each job back once when several reclaim at the same time', async () => {
    await stores.produce('q', ...numbered(200).map(job));
    const workers = Array.from({ length: 20 }, () => stores.worker());
    for (const worker of workers) await worker.take('q', 10);
    const reclaimers = [stores.store, stores.open({ backend: 'TCP' }), stores.open({ backend: 'Upstash REST' })];
    redisTime.move(LEASE);

    const reclaimed = await Promise.all(reclaimers.map((store) => store.reclaim(100)));

    const ids = reclaimed.flat().map(({ worker }) => worker);
    expect(ids.toSorted()).toEqual(workers.map(({ id }) => id).toSorted());
    expect((await classes('q')).toSorted()).toEqual(numbered(200).toSorted());
    expect((await records('q')).every((record) => record?.deaths === 1)).toBe(true);
  });

  it('reclaims the workers whose leases ended first, no more than it was told', async () => {
    const workers = Array.from({ length: 5 }, () => stores.worker());
    for (const [i, worker] of workers.entries()) await worker.sync({ lease: LEASE - i });
    const ids = workers.map(({ id }) => id);
    redisTime.move(LEASE);

    const reclaimed = async (limit: number) => (await stores.store.reclaim(limit)).map(({ worker }) => worker);

    expect((await reclaimed(2)).toSorted()).toEqual([ids[4], ids[3]].toSorted());
    expect((await reclaimed(10)).toSorted()).toEqual([ids[2], ids[1], ids[0]].toSorted());
  });

  it('forgets a dead worker that held nothing, also one that died while it registered', async () => {
    await stores.worker().sync({ heartbeat: true });

    expect(await stores.reclaimAfter(LEASE)).toMatchObject([
      { worker: expect.any(String), jobs: 0, failed: 0, wrong: [] },
    ]);

    expect(await dump(stores.db)).toEqual({});
  });

  it('brings a queue back whose name was removed from the list of queues meanwhile', async () => {
    await stores.produce('gone', job('a'));
    await stores.worker().take('gone');
    await stores.db.srem(stores.keys.queues, 'gone');

    await stores.reclaimAfter(LEASE);

    expect(await stores.store.queues()).toEqual(['gone']);
    expect(await classes('gone')).toEqual(['a']);
  });

  it('leaves the totals as they were: a death is not a processed job', async () => {
    await stores.produce('q', job('a'), job('b'));
    const worker = stores.worker();
    const [a] = await worker.take('q');
    if (!a) throw new Error('two jobs were queued');
    await worker.sync({ settle: [done(a)] });

    await stores.reclaimAfter(LEASE);

    expect(await stores.db.get(stores.keys.stat('processed'))).toBe('1');
    expect(await stores.db.get(stores.keys.stat('failed'))).toBe(null);
  });

  it('goes by the lease that the worker last wrote, also where somebody has changed the list of leases', async () => {
    await stores.produce('q', job('a'));
    const worker = stores.worker();
    await worker.take('q');
    await stores.db.zadd(stores.keys.leases, NOW - 1, worker.id);

    expect(await stores.reclaimAfter(0)).toEqual([]);
    expect(await stores.reclaimAfter(LEASE)).toMatchObject([{ worker: worker.id, jobs: 1 }]);
  });
});
