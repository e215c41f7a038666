import { expect, it } from 'vitest';
import type { Settlement } from '../../../shared/types.ts';
import { unsplice } from '../../../shared/wire/attempts-record.ts';
import { type Backend, dump, NOW, retry, withBrokers } from '../../helpers/brokers.ts';

withBrokers((stores) => {
  const payload = (name: string) => `{"class":"${name}","args":[]}`;
  const classes = async (queue: string) =>
    (await stores.queued(queue)).map((one) => (JSON.parse(unsplice(one).payload) as { class: string }).class);

  async function promoted(now: number, limit: number): Promise<number> {
    const { moved, wrong } = await stores.at(now).promoteRetries(limit);
    expect(wrong).toEqual([]);
    return moved;
  }

  /** Lets a worker take a job of each name and fail it, so that it is to be tried again at its time. */
  async function retryAt(times: Readonly<Record<string, number>>, queue = 'q'): Promise<void> {
    const names = Object.keys(times);
    await stores.produce(queue, ...names.map(payload));
    const worker = stores.worker();
    const jobs = await worker.take(queue, names.length);
    const settle = jobs.map((raw, i): Settlement => {
      const name = names[i] as string;
      return retry(raw, { id: `id-${name}` }, (times[name] as number) - NOW);
    });
    await worker.sync({ settle });
    await worker.unregister();
  }

  it('moves what is due to the tail of its queue, in time order', async () => {
    await retryAt({ c: NOW - 1, a: NOW - 10_000, later: NOW + 1, b: NOW - 10_000 + 1, now: NOW });
    await stores.produce('q', payload('new'));

    expect(await promoted(NOW, 100)).toBe(4);

    expect(await classes('q')).toEqual(['new', 'a', 'b', 'c', 'now']);
    expect(await stores.db.zcard(stores.keys.retry)).toBe(1);
    expect(await promoted(NOW, 100)).toBe(0);
    expect(await promoted(NOW + 1, 100)).toBe(1);
    expect(await classes('q')).toEqual(['new', 'a', 'b', 'c', 'now', 'later']);
  });

  it('does nothing where nothing waits', async () => {
    expect(await promoted(NOW, 100)).toBe(0);
    expect(await dump(stores.db)).toEqual({});
  });

  it('keeps the fraction of a second, as milliseconds', async () => {
    await retryAt({ a: 1_000_000_000_123 });

    expect(await promoted(1_000_000_000_122, 100)).toBe(0);
    expect(await promoted(1_000_000_000_123, 100)).toBe(1);
  });

  it('moves no more than it was told, the earliest first', async () => {
    const names = Array.from({ length: 25 }, (_, i) => `${i}`);
    await retryAt(Object.fromEntries(names.map((name, i) => [name, NOW - 1_000 + i])));

    const moved: number[] = [];
    for (let i = 0; i < 4; i++) moved.push(await promoted(NOW, 10));

    expect(moved).toEqual([10, 10, 5, 0]);
    expect(await classes('q')).toEqual(names);
  });

  it('moves each to its own queue, whatever it is called, and puts that on the list of queues', async () => {
    const queues = ['plain', 'a:b', ':', '1:2:3', 'with space', 'Zoë ☃ 😀', '"quoted\\"', '%d+(.*)$'];
    for (const [i, queue] of queues.entries()) await retryAt({ [`${i}`]: NOW }, queue);
    await stores.db.del(stores.keys.queues);

    expect(await promoted(NOW, 100)).toBe(queues.length);

    for (const [i, queue] of queues.entries()) expect([queue, await classes(queue)]).toEqual([queue, [`${i}`]]);
    expect(await stores.store.queues()).toEqual(queues.toSorted());
  });

  it('leaves nothing of a retry behind', async () => {
    await retryAt({ a: NOW });

    await stores.store.promoteRetries(100);

    expect(Object.keys(await dump(stores.db))).toEqual(['resque:queue:q', 'resque:queues', 'resque:stat:processed']);
  });

  it('forgets a member whose payload is gone, and goes on', async () => {
    await retryAt({ a: NOW, b: NOW, c: NOW });
    const payloads = Object.entries(await stores.db.hgetall(stores.keys.retryPayloads));
    const [member = ''] = payloads.find(([, one]) => one.includes('"b"')) ?? [];
    expect(await stores.db.hdel(stores.keys.retryPayloads, member)).toBe(1);

    const { wrong } = await stores.store.promoteRetries(100);

    expect(wrong).toEqual([{ key: stores.keys.retryPayloads, error: expect.stringContaining(member) }]);
    expect((await classes('q')).toSorted()).toEqual(['a', 'c']);
    expect(await stores.db.zcard(stores.keys.retry)).toBe(0);
  });

  it('moves each exactly once, in order, when five callers on both backends do it at the same time', async () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `${i}`);
    await retryAt(Object.fromEntries(names.map((name, i) => [name, NOW - names.length + i])));
    const backends: Backend[] = ['TCP', 'Upstash REST', 'TCP', 'Upstash REST', 'TCP'];
    const callers = backends.map((backend) => stores.open({ backend }));

    let moved = 0;
    while ((await stores.db.zcard(stores.keys.retry)) > 0) {
      const counts = await Promise.all(callers.map((caller) => caller.promoteRetries(90)));
      moved += counts.reduce((sum, count) => sum + count.moved, 0);
    }

    expect(moved).toBe(names.length);
    expect(await classes('q')).toEqual(names);
  });

  it('moves thousands in one call', async () => {
    const names = Array.from({ length: 9_000 }, (_, i) => `${i}`);
    await retryAt(Object.fromEntries(names.map((name, i) => [name, NOW - names.length + i])));

    expect(await promoted(NOW, 9_000)).toBe(9_000);

    expect(await classes('q')).toEqual(names);
  });
});
