import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { WorkerPlace } from '../../../shared/broker/broker.ts';
import { redisStartsBroker } from '../../../shared/broker/redis/starts.ts';
import { functionWorkerId } from '../../../shared/wire/worker-id.ts';
import { dump, from, LEASE, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { TestWorker } from '../../helpers/test-worker.ts';

withBrokers((stores) => {
  const worker = (consumer = 'mail', system = 'Shop') =>
    new TestWorker(stores.store, functionWorkerId({ consumer, system, requestId: randomUUID() }, ['q']));
  const ask = (one: TestWorker, place: WorkerPlace) => one.next({ place, reserve: from('q', 1) });

  it('registers as many workers as may, however many start at once; the others leave no trace', async () => {
    const [most, all] = [3, 60];
    await stores.produce('q', ...Array.from({ length: all }, () => 'job'));
    const workers = Array.from({ length: all }, () => worker());

    // Each twice, as where the answer to the first was lost.
    const answers = await Promise.all(
      workers.flatMap((one) => {
        const request = ask(one, { maxWorkers: most });
        return [stores.store.sync(request), stores.store.sync(request)];
      }),
    );

    const kinds = workers.map((_, i) => [answers[2 * i]?.kind, answers[2 * i + 1]?.kind].join());
    const held = workers.filter((_, i) => kinds[i] === 'held,held');
    expect(held).toHaveLength(most);
    expect(kinds.filter((one) => one === 'no place,no place')).toHaveLength(all - most);
    expect((await stores.db.zrange(stores.keys.leases, '0', '-1')).sort()).toEqual(held.map(({ id }) => id).sort());
    expect(await stores.db.llen(stores.keys.queue('q'))).toBe(all - most);
    const seen = JSON.stringify(await dump(stores.db));
    for (const one of workers) if (!held.includes(one)) expect(seen).not.toContain(one.id);
  });

  it('has a place again when one has left', async () => {
    const [first, second] = [worker(), worker()];
    expect(await stores.store.sync(ask(first, { maxWorkers: 1 }))).toMatchObject({ kind: 'held' });
    expect(await stores.store.sync(ask(second, { maxWorkers: 1 }))).toEqual({ kind: 'no place' });
    await first.unregister();
    expect(await stores.store.sync(ask(worker(), { maxWorkers: 1 }))).toMatchObject({ kind: 'held' });
  });

  it('counts the workers of its own consumer and system only', async () => {
    for (const [consumer, system] of [
      ['mail', 'Shop-1'],
      ['mail', 'Blog'],
      ['mail-2', 'Shop'],
      ['a.mail', 'Shop'],
    ] as const) {
      await worker(consumer, system).sync();
    }
    await stores.worker().sync();
    expect(await stores.store.sync(ask(worker(), { maxWorkers: 1 }))).toMatchObject({ kind: 'held' });
  });

  it('a worker whose lease has ended goes on where its place is free, and has lost it where it is not', async () => {
    const place = { maxWorkers: 1 };
    const [slow, next] = [worker(), worker()];
    await slow.sync({ place });
    redisTime.move(LEASE + 1);
    expect(await stores.store.sync(slow.next({ place }))).toMatchObject({ kind: 'held' });
    redisTime.move(LEASE + 1);
    expect(await stores.store.sync(ask(next, place))).toMatchObject({ kind: 'held' });
    expect(await stores.store.sync(slow.next({ place }))).toEqual({ kind: 'lease lost' });
  });

  it('a list of leases of another type lets everybody run, and is told', async () => {
    await stores.db.set(stores.keys.leases, 'no sorted set');
    const one = worker();
    const answer = await stores.store.sync(ask(one, { maxWorkers: 1 }));
    expect(answer).toMatchObject({ kind: 'held', wrong: [{ key: stores.keys.leases }] });
    await stores.db.del(stores.keys.leases);
    await one.unregister();
  });

  it('remembers starts until a worker has come of them, or their time is over', async () => {
    const starts = redisStartsBroker(stores.client(), 'resque:', 'Shop', redisTime.now);
    const start = (consumer: string) => ({ consumer, id: randomUUID(), within: 75_000 });
    const [first, second, third, other] = [start('mail'), start('mail'), start('mail'), start('ledger')] as const;
    const pending = async () => Object.fromEntries((await starts.pending([], [])).counts);
    await starts.add([first, second, third, other]);
    expect(await pending()).toEqual({ mail: 3, ledger: 1 });
    expect(await stores.db.pttl(stores.keys.starts('Shop'))).toBeGreaterThan(60_000);
    const came = (one: { consumer: string; id: string }, maxWorkers: number) =>
      stores.store.sync(ask(worker(one.consumer), { maxWorkers, start: { system: 'Shop', ...one } }));
    await came(first, 1);
    // It found no place: nothing more will come of it either.
    expect(await came(second, 1)).toEqual({ kind: 'no place' });
    expect(await pending()).toEqual({ mail: 1, ledger: 1 });
    await starts.remove([other]);
    expect(await pending()).toEqual({ mail: 1 });
    redisTime.move(75_000);
    expect(await pending()).toEqual({});
    await stores.db.set(stores.keys.starts('Shop'), 'no sorted set');
    expect(await starts.pending([], [])).toMatchObject({ wrong: [{ key: stores.keys.starts('Shop') }] });
    await stores.db.del(stores.keys.starts('Shop'));
  });

  it('knows of what classes the jobs are that wait, in all of a queue, and that a worker holds; and how long they take', async () => {
    const starts = redisStartsBroker(stores.client(), 'resque:', 'Shop', redisTime.now);
    const of = (name: string, more = '') => `{"class":"${name}","args":[${more}]}`;
    const [one, other] = [worker(), worker()];
    await stores.produce('q', of('Mail'), of('Export', JSON.stringify('é'.repeat(5_000))), 'no JSON');
    await one.sync({ reserve: from('q', 3) });
    await other.sync();
    await stores.produce('q', ...Array.from({ length: 500 }, () => of('Mail')));
    await stores.produce('q', ...Array.from({ length: 500 }, () => of('Export')));
    await stores.db.set(stores.keys.queue('broken'), 'no list');
    for (const share of [1_000, 2_000]) {
      await one.sync({ paces: [{ class: 'Mail', share, took: 10 * share }] });
    }
    const garbage = ['', ':', 'x:y', '0:0', '-1:-1', 'NaN:NaN', 'inf:inf', 'Infinity:Infinity', `${'9'.repeat(400)}:1`];
    await stores.db.hset(stores.keys.paces, Object.fromEntries(garbage.map((value, i) => [`Odd${i}`, value])));
    const { load, wrong } = await starts.pending(['q', 'broken'], [one.id, other.id]);
    expect(load.paces).toEqual(new Map([['Mail', { share: 1.3, took: 13 }]]));
    const some = load.waiting.get('q') ?? [];
    expect([some.filter((name) => name === 'Mail').length, some.filter((name) => name === 'Export').length]).toEqual([
      16, 16,
    ]);
    expect(load.waiting.get('broken')).toEqual([]);
    const held = load.held.get(one.id);
    expect({ ...held, some: held?.some.toSorted() }).toEqual({ jobs: 3, some: ['Export', 'Mail', undefined] });
    expect(load.held.get(other.id)).toEqual({ jobs: 0, some: [] });
    expect(wrong).toMatchObject([{ key: stores.keys.queue('broken') }]);
    await stores.db.del(stores.keys.queue('broken'));
    await Promise.all([one.unregister(), other.unregister()]);
  });
});
