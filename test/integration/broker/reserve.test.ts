import { expect, it } from 'vitest';
import { done, from, texts, withBrokers } from '../../helpers/brokers.ts';

const MB = 1_048_576;
const numbered = (count: number, prefix = '') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

withBrokers((stores) => {
  it('takes jobs off the head, in order, and holds them in flight', async () => {
    await stores.produce('q', 'a', 'b', 'c');
    const worker = stores.worker();

    const { jobs, more, paused, missing, wrong, queues } = await worker.sync({ reserve: from('q', 2) });

    expect(texts(jobs)).toEqual(['a', 'b']);
    expect({ more, paused, missing, wrong, queues }).toEqual({
      more: true,
      paused: false,
      missing: 0,
      wrong: [],
      queues: [],
    });
    expect(await stores.queued('q')).toEqual(['c']);
    expect(await stores.held(worker)).toEqual({ '0:q': 'a', '1:q': 'b' });
  });

  it('numbers jobs from firstSeq, through all queues', async () => {
    await stores.produce('one', 'a', 'b');
    await stores.produce('two', 'c');
    const worker = stores.worker();
    await worker.sync();

    const { jobs } = await worker.send({
      ...worker.next(),
      reserve: { ...from(['one', 'two']), firstSeq: 41 },
    });

    expect(jobs.map(({ seq, queue, bytes }) => [seq, queue, `${bytes}`])).toEqual([
      [41, 'one', 'a'],
      [42, 'one', 'b'],
      [43, 'two', 'c'],
    ]);
  });

  it('looks at a queue only when those before it are empty', async () => {
    await stores.produce('low', 'l1', 'l2');
    await stores.produce('high', 'h1', 'h2');
    const worker = stores.worker();

    expect(texts(await worker.take(['high', 'none', 'low'], 3))).toEqual(['h1', 'h2', 'l1']);
    await stores.produce('high', 'h3');
    expect(texts(await worker.take(['high', 'none', 'low'], 1))).toEqual(['h3']);
    expect(texts(await worker.take(['high', 'none', 'low'], 3))).toEqual(['l2']);
  });

  it('asks in a few questions whether many queues are empty', async () => {
    const queues = numbered(1_000, 'q');
    await stores.produce('q700', 'a', 'b');
    await stores.produce('q999', 'c');
    const worker = stores.worker();
    await worker.sync();
    await stores.redis.client.config('RESETSTAT');
    expect(texts(await worker.take(queues, 10))).toEqual(['a', 'b', 'c']);
    const calls = [...(await stores.redis.client.info('commandstats')).matchAll(/calls=(\d+)/g)];
    expect(calls.reduce((sum, [, count]) => sum + Number(count), 0)).toBeLessThan(250);
    expect(await worker.take(queues, 10)).toEqual([]);
  });

  it('takes no more than its share from a queue, and the rest where the queue stands again', async () => {
    await stores.produce('a', ...numbered(5, 'a'));
    await stores.produce('b', ...numbered(2, 'b'));
    const shares = [
      { queue: 'a', limit: 2 },
      { queue: 'b', limit: 3 },
      { queue: 'a', limit: 6 },
    ];

    const { jobs } = await stores.worker().sync({ reserve: from([], 6, { shares }) });

    expect(texts(jobs)).toEqual(['a0', 'a1', 'b0', 'b1', 'a2', 'a3']);
    expect(jobs.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await stores.queued('a')).toEqual(['a4']);
  });

  it.each([1, 15, 16, 17, 143, 144, 145, 1_000, 5_000])('takes %i of more jobs, in order', async (count) => {
    const all = numbered(count + 3);
    await stores.produce('q', ...all);
    const worker = stores.worker();

    const { jobs, more } = await worker.sync({ reserve: from('q', count) });

    expect(texts(jobs)).toEqual(all.slice(0, count));
    expect(more).toBe(true);
    expect(await stores.queued('q')).toEqual(all.slice(count));
    expect(texts(await worker.take('q'))).toEqual(all.slice(count));
  });

  it('reads a thousand small jobs with few commands', async () => {
    await stores.produce('q', ...numbered(1_000));
    await stores.db.config('RESETSTAT');

    expect((await stores.worker().sync({ reserve: from('q', 1_000) })).jobs).toHaveLength(1_000);

    const stats = await stores.db.info('commandstats');
    const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    expect(calls('lrange') + calls('lindex') + calls('hset')).toBeLessThanOrEqual(120);
    expect(calls('ltrim')).toBe(1);
  });

  it('says that nothing is left when it found less than it asked for', async () => {
    await stores.produce('q', 'a');
    expect(await stores.worker().sync({ reserve: from('q', 2) })).toMatchObject({ more: false, jobs: [{ seq: 0 }] });
    expect(await stores.worker().sync({ reserve: from('q', 2) })).toMatchObject({ more: false, jobs: [] });
  });

  it("says that there may be more when a queue's share ended the reading", async () => {
    await stores.produce('q', 'a', 'b', 'c');

    const { jobs, more } = await stores
      .worker()
      .sync({ reserve: from([], 10, { shares: [{ queue: 'q', limit: 2 }] }) });

    expect(texts(jobs)).toEqual(['a', 'b']);
    expect(more).toBe(true);
  });

  it('stops before the byte limit is passed, and says that there is more', async () => {
    const all = numbered(10).map((n) => n.repeat(100));
    await stores.produce('q', ...all);
    const worker = stores.worker();

    const { jobs, more } = await worker.sync({ reserve: from('q', 100, { bytes: 350 }) });

    expect(texts(jobs)).toEqual(all.slice(0, 3));
    expect(more).toBe(true);
    expect((await worker.sync({ reserve: from('q', 100, { bytes: 700 }) })).jobs).toHaveLength(7);
  });

  it('counts bytes through all queues', async () => {
    await stores.produce('one', 'x'.repeat(60));
    await stores.produce('two', 'y'.repeat(60));
    const worker = stores.worker();

    const { jobs, more } = await worker.sync({ reserve: from(['one', 'two'], 100, { bytes: 100 }) });

    expect(jobs.map(({ queue }) => queue)).toEqual(['one']);
    expect(more).toBe(true);
    expect(await stores.queued('two')).toHaveLength(1);
  });

  it('takes one job even if it is larger than the byte limit, but only first', async () => {
    const [small, large] = ['small', 'x'.repeat(1_000)];
    await stores.produce('q', small, large, large, small);
    const worker = stores.worker();
    const taken = async () => texts((await worker.sync({ reserve: from('q', 100, { bytes: 100 }) })).jobs);

    expect(await taken()).toEqual([small]);
    expect(await taken()).toEqual([large]);
    expect(await taken()).toEqual([large]);
    expect(await taken()).toEqual([small]);
    expect(await taken()).toEqual([]);
  });

  it('takes payloads of 10 MB one by one, each with its bytes', async () => {
    const huge = ['a', 'b', 'c'].map((letter) => `{"class":"${letter}","args":["${letter.repeat(10 * MB)}"]}`);
    await stores.produce('q', ...huge);
    const worker = stores.worker();

    for (const payload of huge) {
      const { jobs, more } = await worker.sync({ reserve: from('q', 25, { bytes: MB }) });
      expect(jobs).toHaveLength(1);
      expect(jobs[0]?.bytes.equals(Buffer.from(payload))).toBe(true);
      expect(more).toBe(payload !== huge.at(-1));
    }
  });

  it('takes empty payloads', async () => {
    await stores.produce('q', ...Array.from({ length: 40 }, () => ''));
    expect(texts(await stores.worker().take('q'))).toEqual(Array.from({ length: 40 }, () => ''));
  });

  it('reserves nothing while pause-all-workers is set to true, but settles', async () => {
    await stores.produce('q', 'a', 'b');
    const worker = stores.worker();
    const raw = await worker.takeOne('q');
    await stores.db.set(stores.keys.paused, 'true');

    expect(await worker.sync({ settle: [done(raw)], reserve: from('q') })).toMatchObject({
      jobs: [],
      paused: true,
    });
    expect(await stores.held(worker)).toEqual({});

    await stores.db.set(stores.keys.paused, 'false');
    expect(await worker.sync({ reserve: from('q') })).toMatchObject({ jobs: [{ seq: 1 }], paused: false });
  });

  it('counts what is left in the queues looked at when asked', async () => {
    await stores.produce('a', ...numbered(5));
    await stores.produce('b', ...numbered(4));
    await stores.produce('c', ...numbered(3));
    const worker = stores.worker();

    const asked = await worker.sync({ reserve: from(['a', 'b'], 7, { countLeft: true }) });
    const notAsked = await worker.sync({ reserve: from(['a', 'b'], 1) });

    expect([...asked.left]).toEqual([
      ['a', 0],
      ['b', 2],
    ]);
    expect([...notAsked.left]).toEqual([]);
  });

  it('answers the names of all queues when asked', async () => {
    await stores.produce('b', 'x');
    await stores.db.sadd(stores.keys.queues, 'a:b', 'Zoë ☃ 😀');
    const worker = stores.worker();

    const asked = await worker.sync({ reserve: from([], 1, { listQueues: true }) });
    const notAsked = await worker.sync({ reserve: from([], 1) });

    expect(new Set(asked.queues)).toEqual(new Set(['b', 'a:b', 'Zoë ☃ 😀']));
    expect(notAsked.queues).toEqual([]);
    expect(await stores.store.queues()).toEqual(['Zoë ☃ 😀', 'a:b', 'b']);
  });

  it.each(['a:b', 'with space', 'Zoë ☃ 😀', '1:2:3', 'call', '%d+(.*)$', 'x'.repeat(300)])(
    'reserves from a queue named %s',
    async (queue) => {
      await stores.produce(queue, 'job');
      expect(await stores.worker().sync({ reserve: from(queue) })).toMatchObject({ jobs: [{ queue, seq: 0 }] });
    },
  );
});
