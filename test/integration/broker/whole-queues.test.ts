import { expect, it } from 'vitest';
import { from, texts, withBrokers } from '../../helpers/brokers.ts';

/** As splicing has it, of a job that was in so many deaths. */
const died = (deaths: number, name: string) =>
  `{"lambdesque":{"id":"x","attempts":0,"deaths":${deaths}},"class":"${name}"}`;

withBrokers((stores) => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `q${String(i).padStart(3, '0')}`);
  const each = (queue: string, count: number) => Array.from({ length: count }, (_, i) => `${queue}-${i}`);
  /** So many jobs in each. */
  const fill = async (queues: readonly string[], count: number) => {
    for (const queue of queues) await stores.produce(queue, ...each(queue, count));
    return queues.flatMap((queue) => each(queue, count).map((payload) => [queue, payload]));
  };
  const taken = async (queues: readonly string[], count: number, more: Parameters<typeof from>[2] = {}) => {
    const worker = stores.worker();
    const reply = await worker.sync({ reserve: from([...queues], count, more) });
    const held = await stores.held(worker);
    expect(reply.jobs.map(({ seq, queue, bytes }) => [`${seq}:${queue}`, `${bytes}`])).toEqual(
      Object.entries(held).toSorted(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10)),
    );
    return { ...reply, pairs: reply.jobs.map(({ queue, bytes }) => [queue, `${bytes}`]) };
  };
  const left = async (queues: readonly string[]) => (await Promise.all(queues.map(stores.queued))).flat();

  it('takes many queues of few jobs in their order, each job once, with few commands', async () => {
    const queues = names(120);
    const all = await fill(queues, 10);
    await stores.db.config('RESETSTAT');
    const { pairs, more } = await taken(queues, 1_205);
    const stats = await stores.db.info('commandstats');
    const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);

    expect(pairs).toEqual(all);
    expect(more).toBe(false);
    expect(await left(queues)).toEqual([]);
    expect(calls('hset')).toBeLessThan(60);
    expect(calls('ltrim')).toBeLessThan(20);
  });

  it.each([199, 200, 201, 437, 438, 440])('leaves what is beyond %i jobs', async (count) => {
    const queues = names(50);
    const all = await fill(queues, 9);
    const { pairs, more } = await taken(queues, count);
    expect(pairs).toEqual(all.slice(0, count));
    expect(more).toBe(true);
    expect(await left(queues)).toEqual(all.slice(count).map(([, payload]) => payload));
  });

  it('takes none twice of a queue that stands in the order twice', async () => {
    const queues = names(40);
    const all = await fill(queues, 8);
    const shares = [...queues, ...queues.toReversed()].map((queue) => ({ queue, limit: 20 }));
    expect((await taken([], 1_000, { shares })).pairs).toEqual(all);
  });

  it('keeps within the byte limit', async () => {
    const queues = names(50);
    const all = await fill(queues, 8);
    const bytes = 150 * 'q000-0'.length + 3;
    const { pairs, more } = await taken(queues, 1_000, { bytes });
    expect(pairs).toEqual(all.slice(0, 150));
    expect(more).toBe(true);
    expect(await left(queues)).toEqual(all.slice(150).map(([, payload]) => payload));
  });

  it('has each payload as it is, with newlines, and a large one among small ones', async () => {
    const queues = names(40);
    const all = await fill(queues, 6);
    const large = `"${'x'.repeat(40_000)}"`;
    await stores.db.lset('resque:queue:q020', 3, 'two\nlines');
    await stores.db.lset('resque:queue:q030', 2, large);
    const expected = all.map(([queue, payload]) => [
      queue,
      payload === 'q020-3' ? 'two\nlines' : payload === 'q030-2' ? large : payload,
    ]);
    expect((await taken(queues, 1_000)).pairs).toEqual(expected);
  });

  it('passes over a suspect among them that cannot start now', async () => {
    const queues = names(40);
    const all = await fill(queues, 6);
    await stores.db.lset('resque:queue:q020', 3, died(1, 'A'));
    await stores.db.lset('resque:queue:q030', 2, died(2, 'B'));
    const { pairs, passedOver } = await taken(queues, 1_000, { suspects: 0, alone: 'no' });
    expect(pairs).toEqual(all.filter(([, payload]) => payload !== 'q020-3' && payload !== 'q030-2'));
    expect(passedOver).toEqual({ forPlace: 1, forWorker: 1 });
    expect(await left(queues)).toEqual([died(1, 'A'), died(2, 'B')]);
  });

  it('takes them where it may not delete a key', async () => {
    const queues = names(40);
    const all = await fill(queues, 6);
    await stores.redis.client.call('ACL', 'SETUSER', 'default', '-del');
    try {
      expect((await taken(queues, 1_000)).pairs).toEqual(all);
    } finally {
      await stores.redis.client.call('ACL', 'SETUSER', 'default', '+@all');
    }
    expect(await left(queues)).toEqual([]);
  });

  it('steps over a key among them that is no list', async () => {
    const queues = names(40);
    const all = await fill(queues, 6);
    await stores.db.del('resque:queue:q020');
    await stores.db.set('resque:queue:q020', 'text');
    const { pairs, wrong } = await taken(queues, 1_000);
    expect(pairs).toEqual(all.filter(([queue]) => queue !== 'q020'));
    expect(wrong.map(({ key }) => key)).toEqual(['resque:queue:q020']);
  });

  it('settles jobs of many queues at once, and counts those that it did not hold any more', async () => {
    const queues = names(100);
    await fill(queues, 5);
    const worker = stores.worker();
    const jobs = await worker.take(queues, 1_000);
    expect(texts(jobs)).toHaveLength(500);
    await stores.db.hdel(`resque:inflight:${worker.id}`, '7:q001', '8:q001', '450:q090');
    const { missing } = await worker.sync({
      settle: jobs.map((raw) => ({ raw, marked: false, outcome: { kind: 'done' as const }, effects: [] })),
    });
    expect(missing).toBe(3);
    expect(await stores.held(worker)).toEqual({});
    expect(await stores.db.get('resque:stat:processed')).toBe('497');
  });
});
