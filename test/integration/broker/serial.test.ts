import { describe, expect, it } from 'vitest';
import { redisSchedulerBroker } from '../../../shared/broker/redis/scheduler.ts';
import { unsplice } from '../../../shared/wire/attempts-record.ts';
import {
  done,
  fail,
  from,
  fromSerial,
  LEASE,
  redisTime,
  release,
  retry,
  texts,
  withBrokers,
} from '../../helpers/brokers.ts';

/** One worker at a time holds jobs of a serial queue; Redis holds that promise, for workers that were not told as well. */
withBrokers((stores) => {
  const job = (name: string) => `{"class":"${name}","args":[]}`;
  const classes = (payloads: readonly string[]) =>
    payloads.map((payload) => (JSON.parse(unsplice(payload).payload) as { class: string }).class);
  const queued = async () => classes(await stores.queued('s'));
  const holder = () => stores.db.hget(stores.keys.serial, 's');

  it('belongs to the worker that has jobs of it, until that lets go', async () => {
    await stores.produce('s', ...['a', 'b', 'c'].map(job));
    const [one, two] = [stores.worker(), stores.worker()];

    const shares = [{ queue: 's', limit: 1, serial: true }];

    const first = await one.sync({ reserve: from([], 10, { shares }) });
    expect(texts(first.jobs)).toEqual([job('a')]);
    expect(first).toMatchObject({ heldElsewhere: false, more: false, serial: [{ queue: 's', more: true }] });
    expect(await holder()).toBe(one.id);
    expect(await two.sync({ reserve: fromSerial('s') })).toMatchObject({ jobs: [], heldElsewhere: true, more: false });

    await one.sync({ settle: first.jobs.map(done), letGo: ['s'] });
    expect(await holder()).toBe('');
    expect(texts((await two.sync({ reserve: fromSerial('s') })).jobs)).toEqual([job('b'), job('c')]);
    expect(await one.sync({ reserve: fromSerial('s') })).toMatchObject({ jobs: [], heldElsewhere: true });
  });

  it('gives the same worker more while it has some', async () => {
    await stores.produce('s', ...['a', 'b', 'c'].map(job));
    const worker = stores.worker();
    await worker.sync({ reserve: fromSerial('s', 1) });

    const reply = await worker.sync({ reserve: fromSerial('s', 10) });

    expect(texts(reply.jobs)).toEqual([job('b'), job('c')]);
    expect(reply.serial).toEqual([{ queue: 's', more: false }]);
  });

  it('keeps a worker that was not told from taking its jobs, and tells it what the queue is', async () => {
    await stores.produce('s', ...['a', 'b'].map(job));
    await stores.produce('q', job('c'));
    const [told, other] = [stores.worker(), stores.worker()];
    const { jobs } = await told.sync({ reserve: fromSerial('s', 1) });

    const first = await other.sync({ reserve: from(['s', 'q']) });
    expect(texts(first.jobs)).toEqual([job('c')]);
    expect(first).toMatchObject({ heldElsewhere: true, serial: [{ queue: 's', more: false }] });

    await told.sync({ settle: jobs.map(done), letGo: ['s'] });
    const second = await other.sync({ reserve: from(['s', 'q']) });
    expect(texts(second.jobs)).toEqual([job('b')]);
    expect(await holder(), 'it is its now').toBe(other.id);
    expect(second.serial).toEqual([{ queue: 's', more: false }]);
  });

  it('stays serial while it is empty, and when all workers have ended', async () => {
    await stores.worker().sync({ reserve: fromSerial('s') });
    await stores.reclaimAfter(LEASE);
    await stores.produce('s', job('a'));

    expect(await stores.worker().sync({ reserve: from('s') })).toMatchObject({ serial: [{ queue: 's' }] });
  });

  it('does not belong to a worker that only looked, or found it empty', async () => {
    const [one, two] = [stores.worker(), stores.worker()];
    await one.sync({ reserve: fromSerial('s') });
    await stores.produce('s', job('a'));

    expect(texts((await two.sync({ reserve: fromSerial('s') })).jobs)).toEqual([job('a')]);
  });

  it('is let go of only by its holder', async () => {
    await stores.produce('s', ...['a', 'b'].map(job));
    const [one, two] = [stores.worker(), stores.worker()];
    await one.sync({ reserve: fromSerial('s', 1) });

    await two.sync({ letGo: ['s'] });
    await two.unregister();

    expect(await holder()).toBe(one.id);
  });

  it('is let go of by a worker that unregisters with nothing in flight, and kept by one that holds jobs', async () => {
    await stores.produce('s', ...['a', 'b'].map(job));
    const [one, two] = [stores.worker(), stores.worker()];
    const { jobs } = await one.sync({ reserve: fromSerial('s', 1) });

    expect(await one.unregister()).toBe(1);
    expect(await two.sync({ reserve: fromSerial('s') })).toMatchObject({ jobs: [], heldElsewhere: true });

    await one.sync({ settle: jobs.map(done) });
    expect(await one.unregister()).toBe(0);
    expect(texts((await two.sync({ reserve: fromSerial('s') })).jobs)).toEqual([job('b')]);
  });

  it('is taken over only when all jobs of a dead worker were given back, in their order', async () => {
    const names = Array.from({ length: 1_300 }, (_, i) => `${i}`);
    await stores.produce('s', ...names.map(job));
    const [dead, next] = [stores.worker(), stores.worker()];
    await dead.sync({ reserve: fromSerial('s', 1_200) });
    // The next one has its own lease, and asks after each step.
    const asks = () => next.sync({ lease: 10 * LEASE, reserve: fromSerial('s', 1) });
    redisTime.move(LEASE);
    expect(await asks(), 'its lease has ended, but its jobs are not back').toMatchObject({ heldElsewhere: true });

    const client = stores.client();
    const taken: string[] = [];
    const script: typeof client.script = async (...call) => {
      const answer = await client.script(...call);
      taken.push(...texts((await asks()).jobs));
      return answer;
    };
    await redisSchedulerBroker({ ...client, script }, 'resque:', redisTime.now).reclaim(10);

    expect(classes(taken)).toEqual(['0']);
    expect(await queued()).toEqual(names.slice(1));
  });

  it('keeps its order through a release, to the head, of what did not start', async () => {
    await stores.produce('s', ...['a', 'b', 'c', 'd', 'e'].map(job));
    const worker = stores.worker();
    const [a, b, c, d] = (await worker.sync({ reserve: fromSerial('s', 4) })).jobs;
    if (!a || !b || !c || !d) throw new Error('five jobs were queued');

    await worker.sync({ settle: [done(a), release(c), release(d), release(b)], letGo: ['s'] });

    expect(await queued()).toEqual(['b', 'c', 'd', 'e']);
    expect(await holder()).toBe('');
  });

  it('keeps its order through a recover', async () => {
    await stores.produce('s', ...['a', 'b', 'c', 'd'].map(job));
    const worker = stores.worker();
    const { jobs } = await worker.sync({ reserve: fromSerial('s', 3) });
    const [a] = jobs;
    if (!a) throw new Error('four jobs were queued');
    // Redis has forgotten that they were settled.
    expect(await worker.recover([])).toMatchObject({ given: 3, missing: [] });

    expect(await queued()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is not left to others while a key does not take one of its jobs', async () => {
    await stores.produce('s', ...['a', 'b'].map(job));
    const [one, two] = [stores.worker(), stores.worker()];
    const { jobs } = await one.sync({ reserve: fromSerial('s', 1) });
    await stores.db.set(stores.keys.failed, 'no list');

    const { refused } = await one.sync({ settle: jobs.map((raw) => fail(raw)), letGo: ['s'] });
    expect(refused).toHaveLength(1);
    expect(await two.sync({ reserve: fromSerial('s') })).toMatchObject({ jobs: [], heldElsewhere: true });

    await stores.db.del(stores.keys.failed);
    await one.sync({ settle: refused, letGo: ['s'] });
    expect(texts((await two.sync({ reserve: fromSerial('s') })).jobs)).toEqual([job('b')]);
  });

  it('of many, each has its own holder', async () => {
    for (const queue of ['s1', 's2', 's3']) await stores.produce(queue, job(`${queue}-a`), job(`${queue}-b`));
    const [one, two] = [stores.worker(), stores.worker()];
    const all = ['s1', 's2', 's3'];
    const shares = all.map((queue) => ({ queue, limit: 1, serial: true }));

    expect(classes(texts((await one.sync({ reserve: from([], 2, { shares }) })).jobs))).toEqual(['s1-a', 's2-a']);
    const { jobs, heldElsewhere, serial } = await two.sync({ reserve: from([], 9, { shares }) });

    expect(classes(texts(jobs))).toEqual(['s3-a']);
    expect(heldElsewhere).toBe(true);
    expect(serial).toEqual([
      { queue: 's1', more: false },
      { queue: 's2', more: false },
      { queue: 's3', more: true },
    ]);
  });

  it('is passed over where it is held, also on the answer to a lost one', async () => {
    await stores.produce('s', ...['a', 'b', 'c'].map(job));
    const worker = stores.worker();
    const request = worker.next({ reserve: fromSerial('s', 2) });
    const first = await worker.send(request);
    const again = await worker.send(request);

    expect(again.jobs).toEqual(first.jobs);
    expect(again.serial).toEqual([{ queue: 's', more: true }]);
    expect(await queued()).toEqual(['c']);
  });

  it('goes on with the next job while one waits for its next attempt', async () => {
    await stores.produce('s', ...['a', 'b'].map(job));
    const worker = stores.worker();
    const { jobs } = await worker.sync({ reserve: fromSerial('s', 1) });

    const next = await worker.sync({ settle: jobs.map((raw) => retry(raw)), reserve: fromSerial('s', 1) });
    expect(texts(next.jobs)).toEqual([job('b')]);
    await stores.promoteRetries();
    expect(await queued()).toEqual(['a']);
  });

  describe('a job that was in deaths', () => {
    it('goes back to the head with each, in order, and comes alone after the second', async () => {
      await stores.produce('s', ...['a', 'b', 'c'].map(job));
      for (let death = 1; death <= 2; death++) {
        const { jobs } = await stores.worker().sync({ reserve: fromSerial('s', 2) });
        expect(classes(texts(jobs))).toEqual(death === 1 ? ['a', 'b'] : ['a']);
        await stores.reclaimAfter(LEASE);
        expect(await queued()).toEqual(['a', 'b', 'c']);
      }
      const worker = stores.worker();
      const alone = await worker.sync({ reserve: fromSerial('s', 2) });
      expect(alone).toMatchObject({ alone: true });
      expect(classes(texts(alone.jobs))).toEqual(['a']);
      const next = await worker.sync({ settle: alone.jobs.map(done), letGo: ['s'], reserve: fromSerial('s', 2) });
      expect(classes(texts(next.jobs))).toEqual(['b', 'c']);
    });
  });
});
