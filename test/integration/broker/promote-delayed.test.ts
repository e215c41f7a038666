import { expect, it } from 'vitest';
import type { DelayedMove } from '../../../shared/broker/broker.ts';
import { type Backend, dump, NOW, withBrokers } from '../../helpers/brokers.ts';
import { vectors } from '../../helpers/payloads.ts';
import { dueLists, promoteDelayed } from '../../helpers/scheduler/run-step.ts';

const SECONDS = NOW / 1000;

withBrokers((stores) => {
  const delayed = (name: string, queue = 'q') => `{"class":"${name}","args":[],"queue":"${queue}"}`;
  const toQueue = (bytes: Buffer): DelayedMove => ({ bytes, to: 'queue', queue: 'q' });
  const add = (seconds: number, ...payloads: string[]) =>
    stores.store.enqueueDelayed(payloads.map((payload) => ({ seconds, payload })));
  const left = (seconds: number) => stores.db.lrange(stores.keys.delayed(seconds), 0, -1);

  /** As php-resque-scheduler does: without the index. */
  async function addAsPhp(seconds: number, ...payloads: (string | Buffer)[]): Promise<void> {
    await stores.db.rpush(stores.keys.delayed(seconds), ...payloads);
    await stores.db.zadd(stores.keys.delayedSchedule, seconds, seconds);
  }

  async function read(limit = 100) {
    const [due] = await dueLists(stores.store, limit, 1e6);
    if (!due) throw new Error('something should be due');
    return due;
  }

  it('finds the earliest due list, and nothing before its second', async () => {
    await add(SECONDS + 1, delayed('later'));
    expect(await dueLists(stores.at(NOW + 999), 10, 1e6)).toEqual([]);
    await add(SECONDS, delayed('now'));
    await add(SECONDS - 5, delayed('a'), delayed('b'), delayed('c'));

    const [due] = await dueLists(stores.store, 2, 1e6);

    expect(due?.time).toBe(`${SECONDS - 5}`);
    expect(due?.payloads.map(String)).toEqual([delayed('a'), delayed('b')]);
    expect((await dueLists(stores.at(NOW + 1_000), 2, 1e6))[0]?.time).toBe(`${SECONDS - 5}`);
  });

  it('promotes list after list in time order, and leaves all clean', async () => {
    await add(SECONDS, delayed('d'), delayed('e', 'other'));
    await add(SECONDS - 10, delayed('a'), delayed('b'), delayed('c'));
    await add(SECONDS + 10, delayed('later'));
    await stores.produce('q', 'new');

    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 5, failed: 0 });

    expect(await dump(stores.db)).toEqual({
      'resque:queues': { type: 'set', value: ['other', 'q'] },
      'resque:queue:q': { type: 'list', value: ['new', ...['a', 'b', 'c', 'd'].map((name) => delayed(name))] },
      'resque:queue:other': { type: 'list', value: [delayed('e', 'other')] },
      [`resque:delayed:${SECONDS + 10}`]: { type: 'list', value: [delayed('later')] },
      [`resque:timestamps:${delayed('later')}`]: { type: 'set', value: [`delayed:${SECONDS + 10}`] },
      'resque:delayed_queue_schedule': { type: 'zset', value: [`${SECONDS + 10}`, `${SECONDS + 10}`] },
    });
  });

  it('takes only its own time off the index of a payload that is delayed more than once', async () => {
    await add(SECONDS, delayed('a'));
    await add(SECONDS + 60, delayed('a'));

    await promoteDelayed(stores.store);

    expect(await stores.db.smembers(stores.keys.timestamps(delayed('a')))).toEqual([`delayed:${SECONDS + 60}`]);
  });

  it('promotes equal payloads as often as they stand in the list', async () => {
    await add(SECONDS, delayed('a'), delayed('a'), delayed('b'), delayed('a'));

    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 4, failed: 0 });

    expect(await stores.queued('q')).toEqual(['a', 'a', 'b', 'a'].map((name) => delayed(name)));
  });

  it('promotes jobs that have no index, as PHP writes them', async () => {
    await addAsPhp(SECONDS, '{"args":[{"a":1.0}],"class":"PHP_Job","queue":"php\\/x"}');

    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 1, failed: 0 });

    expect(await stores.queued('php/x')).toEqual(['{"args":[{"a":1.0}],"class":"PHP_Job","queue":"php\\/x"}']);
    expect(await stores.db.keys('*')).toHaveLength(2);
  });

  it.each(vectors.filter(({ key }) => key.startsWith('resque:delayed:')))(
    'promotes what $producer wrote: $note',
    async ({ key, raw }) => {
      const seconds = Number(key.slice('resque:delayed:'.length));
      await add(seconds, raw);

      expect(await promoteDelayed(stores.at(seconds * 1000 - 1))).toEqual({ promoted: 0, failed: 0 });
      expect(await promoteDelayed(stores.at(seconds * 1000))).toEqual({ promoted: 1, failed: 0 });

      expect(await stores.queued((JSON.parse(raw) as { queue: string }).queue)).toEqual([raw]);
    },
  );

  it('takes a time off the schedule whose list is empty, and goes on', async () => {
    await stores.db.zadd(stores.keys.delayedSchedule, SECONDS - 9, SECONDS - 9, SECONDS - 8, SECONDS - 8);
    await add(SECONDS, delayed('a'));

    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 1, failed: 0 });

    expect(await stores.db.zcard(stores.keys.delayedSchedule)).toBe(0);
  });

  it('moves what cannot be queued to the failed list, and the rest to its queue', async () => {
    await addAsPhp(SECONDS, delayed('a'), 'not JSON', '{"class":"B","args":[1.0]}', Buffer.from([0xff, 0x7b]), '[]');
    await addAsPhp(SECONDS, delayed('c'));

    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 2, failed: 4 });

    expect(await stores.queued('q')).toEqual([delayed('a'), delayed('c')]);
    const entries = await stores.db.lrange(stores.keys.failed, 0, -1);
    expect(entries.map((entry) => (JSON.parse(entry) as { payload: unknown }).payload)).toEqual([
      'not JSON',
      { class: 'B', args: [1] },
      '\ufffd{',
      '[]',
    ]);
    expect(entries[1]).toContain(',"payload":{"class":"B","args":[1.0]},"exception":');
    expect(entries[2]).toContain(`"payload_base64":"${Buffer.from([0xff, 0x7b]).toString('base64')}"`);
  });

  it('does not touch the hash that resque-scheduler keeps under a name that looks like a list', async () => {
    await stores.db.hset('resque:delayed:last_enqueued_at', 'name', '2026-11-20 20:29:37 +0000');
    await add(SECONDS, delayed('a'));

    await promoteDelayed(stores.store);

    expect(await stores.db.hgetall('resque:delayed:last_enqueued_at')).toEqual({ name: '2026-11-20 20:29:37 +0000' });
    await stores.db.del('resque:delayed:last_enqueued_at');
  });

  it('moves only what still stands where it was read', async () => {
    await add(SECONDS, delayed('a'), delayed('b'), delayed('c'), delayed('d'));
    const { payloads } = await read();
    await stores.db.lrem(stores.keys.delayed(SECONDS), 1, delayed('c'));
    await stores.db.del(stores.keys.timestamps(delayed('c')));

    expect(await stores.store.promoteDelayed([{ time: `${SECONDS}`, moves: payloads.map(toQueue) }])).toMatchObject({
      queued: 2,
      failed: 0,
    });

    expect(await stores.queued('q')).toEqual([delayed('a'), delayed('b')]);
    expect(await left(SECONDS)).toEqual([delayed('d')]);
    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 1, failed: 0 });
  });

  it('moves nothing when another came before the first', async () => {
    await add(SECONDS, delayed('a'));
    const { payloads } = await read();
    await stores.db.lpush(stores.keys.delayed(SECONDS), delayed('before'));

    expect(await stores.store.promoteDelayed([{ time: `${SECONDS}`, moves: payloads.map(toQueue) }])).toMatchObject({
      queued: 0,
      failed: 0,
    });

    expect(await left(SECONDS)).toEqual([delayed('before'), delayed('a')]);
  });

  it('leaves what was added behind, and keeps its time on the schedule', async () => {
    await add(SECONDS, delayed('a'));
    const { payloads } = await read();
    await add(SECONDS, delayed('b'));

    expect(await stores.store.promoteDelayed([{ time: `${SECONDS}`, moves: payloads.map(toQueue) }])).toMatchObject({
      queued: 1,
      failed: 0,
    });

    expect(await left(SECONDS)).toEqual([delayed('b')]);
    expect(await stores.db.zscore(stores.keys.delayedSchedule, SECONDS)).toBe(`${SECONDS}`);
  });

  it('moves nothing when all was removed, and takes the time off the schedule', async () => {
    await add(SECONDS, delayed('a'));
    const { payloads } = await read();
    await stores.db.del(stores.keys.delayed(SECONDS), stores.keys.timestamps(delayed('a')));

    expect(await stores.store.promoteDelayed([{ time: `${SECONDS}`, moves: payloads.map(toQueue) }])).toMatchObject({
      queued: 0,
      failed: 0,
    });

    expect(await dump(stores.db)).toEqual({});
  });

  it('promotes each exactly once, in order, when five callers on both backends do it at the same time', async () => {
    const names = Array.from({ length: 1_200 }, (_, i) => `${i % 400}`);
    for (const [i, at] of [SECONDS - 2, SECONDS - 1, SECONDS].entries()) {
      await add(at, ...names.slice(i * 400, (i + 1) * 400).map((name) => delayed(name)));
    }
    const backends: Backend[] = ['TCP', 'Upstash REST', 'TCP', 'Upstash REST', 'TCP'];
    const callers = backends.map((backend) => stores.open({ backend }));

    const results = await Promise.all(callers.map((caller) => promoteDelayed(caller)));

    expect(results.reduce((sum, { promoted }) => sum + promoted, 0)).toBe(1_200);
    expect(await stores.queued('q')).toEqual(names.map((name) => delayed(name)));
    expect(await stores.db.keys('resque:timestamps:*')).toEqual([]);
  });

  it('promotes a list of thousands, batch by batch', async () => {
    const names = Array.from({ length: 9_000 }, (_, i) => `${i}`);
    await add(SECONDS, ...names.map((name) => delayed(name)));

    expect(await promoteDelayed(stores.store)).toEqual({ promoted: 9_000, failed: 0 });

    expect(await stores.queued('q')).toEqual(names.map((name) => delayed(name)));
  });
});
