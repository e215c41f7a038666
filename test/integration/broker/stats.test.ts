import { randomUUID } from 'node:crypto';
import { beforeEach, expect, it } from 'vitest';
import type { RedisClient } from '../../../shared/broker/redis/client.ts';
import { redisCronBroker } from '../../../shared/broker/redis/cron.ts';
import { readDueTimes } from '../../../shared/broker/redis/due-times.ts';
import { type LockBroker, redisLockBroker } from '../../../shared/broker/redis/scheduler-lock.ts';
import { type QueueStats, redisStatsBroker, type StatsBroker } from '../../../shared/broker/redis/stats.ts';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { upstashClient } from '../../../shared/broker/redis/upstash.ts';
import { NOW, withBrokers } from '../../helpers/brokers.ts';

const SYSTEM = 'Shop-Jobs';

withBrokers((stores) => {
  let client: RedisClient;
  let stats: StatsBroker;
  let lock: LockBroker;
  beforeEach(() => {
    client =
      stores.backend === 'TCP'
        ? tcpClient({ url: stores.redis.url })
        : upstashClient({ url: stores.upstash.url, token: stores.upstash.token });
    stats = redisStatsBroker(client, 'resque:', () => NOW);
    lock = redisLockBroker(client, 'resque:', SYSTEM, () => NOW);
    return () => client.close();
  });

  it('gives the right to tick to one scheduler at a time', async () => {
    expect(await lock.acquire('a', 60_000)).toBeDefined();
    expect(await lock.acquire('b', 60_000)).toBeUndefined();
    expect(await lock.acquire('a', 90_000)).toBeDefined();
    expect(await stores.db.pttl(stores.keys.schedulerLease(SYSTEM))).toBeGreaterThan(80_000);
    await lock.release('b');
    expect(await lock.acquire('b', 60_000)).toBeUndefined();
    await lock.release('a');
    expect(await lock.acquire('b', 60_000)).toBeDefined();
    await lock.release('b');
  });

  it('gives it away when it has expired', async () => {
    await lock.acquire('a', 60_000);
    await stores.db.pexpire(stores.keys.schedulerLease(SYSTEM), 0);
    expect(await lock.acquire('b', 60_000)).toBeDefined();
    await lock.release('b');
  });

  it('tells with it what a tick looks at first', async () => {
    const cron = redisCronBroker(client, 'resque:', () => NOW);
    await cron.change('tidy', '{"every":"1h"}');
    await cron.pause('tidy');
    await cron.note({ since: [{ field: 'tidy\nevery 3600000', from: '', to: `${NOW}:${NOW}` }] });
    await stores.store.enqueueDelayed([{ seconds: 2_000_000_000, payload: '{"class":"A","queue":"q"}' }]);
    await stores.db.zadd(stores.keys.retry, NOW + 5, 'r:q');
    await stores.db.zadd(stores.keys.leases, NOW + 7, 'worker');
    await stores.db.set(stores.keys.rubyScheduler, 'master', 'EX', 180);

    const snapshot = await lock.acquire('a', 60_000);

    expect(snapshot?.due).toEqual({
      now: NOW,
      leaseEnd: NOW + 7,
      retry: NOW + 5,
      delayed: 2_000_000_000_000,
      rubyScheduler: true,
      wrong: [],
    });
    expect(snapshot?.due).toEqual(await readDueTimes(client, 'resque:', () => NOW));
    expect(snapshot).toEqual(await stores.store.snapshot());
    expect(snapshot?.cron?.dynamic).toEqual(new Map([['tidy', '{"every":"1h"}']]));
    expect(snapshot?.cron?.paused).toEqual(new Set(['tidy']));
    expect(snapshot?.cron?.notes.get('tidy\nevery 3600000')).toMatchObject({ since: NOW, seen: NOW });
    await lock.release('a');
    await stores.db.flushall();
  });

  it('gives it also where a key is of another type, and tells which', async () => {
    await stores.db.set(stores.keys.cron.last, 'no hash');
    const snapshot = await lock.acquire('a', 60_000);
    expect(snapshot?.cron?.wrong).toMatchObject([
      { key: stores.keys.cron.last, error: expect.stringMatching(/WRONGTYPE/) },
    ]);
    await lock.release('a');
    await stores.db.del(stores.keys.cron.last);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['without an end', () => stores.db.set(stores.keys.schedulerLease(SYSTEM), 'somebody')],
    ['that ends in a year', () => stores.db.set(stores.keys.schedulerLease(SYSTEM), 'somebody', 'EX', 31_536_000)],
    ['of another type', () => stores.db.hset(stores.keys.schedulerLease(SYSTEM), 'a', 'b')],
  ])('is not kept from working by a lock %s, and tells it', async (_what, spoil) => {
    await spoil();
    const snapshot = await lock.acquire('a', 60_000);
    expect(snapshot?.due.wrong).toMatchObject([{ key: stores.keys.schedulerLease(SYSTEM) }]);
    await lock.release('a');
    await stores.db.del(stores.keys.schedulerLease(SYSTEM));
  });

  it('sees that an empty Redis is empty', async () => {
    expect(await stats.read([])).toEqual({
      now: NOW,
      wrong: [],
      queues: [],
      workers: [],
      delayed: 0,
      dueTimes: [],
      parkedGates: 0,
      retries: 0,
      failed: 0,
      paused: false,
    });
  });

  it('tells how many jobs wait, and since when, of all queues and of those that are named', async () => {
    const since = (NOW - 90_000) / 1000;
    const payload = (fields: object) => JSON.stringify({ class: 'A', args: [], ...fields });
    await stores.produce('ruby', payload({}), payload({}));
    await stores.produce('php', payload({ id: 'x', queue_time: since }), payload({}));
    await stores.produce('long', payload({ args: ['x'.repeat(100_000)], id: 'x', queue_time: since }));
    await stores.produce(
      'long, ours',
      payload({ args: ['x'.repeat(100_000)], id: 'x', queue_time: since, control: { keep: 1 } }),
    );
    await stores.produce('not JSON', `{"queue_time":${since}`);
    await stores.produce('deep', payload({ args: [{ queue_time: since }] }));
    await stores.produce('was delayed', payload({ queue: 'was delayed', queue_time: since }));
    await stores.produce(
      'was retried',
      payload({ lambdesque: { id: 'a-1', attempts: 1, deaths: 0 }, queue_time: since }),
    );
    await stores.produce('nonsense', payload({ queue_time: 'yesterday' }));
    await stores.db.rpush('resque:queue:unlisted', payload({}));

    const { queues } = await stats.read(['unlisted', 'php', 'empty']);

    const times = Object.fromEntries(queues.map((one) => [one.name, [one.depth, one.oldest]]));
    expect(times).toEqual({
      deep: [1, undefined],
      empty: [0, undefined],
      long: [1, since * 1000],
      'long, ours': [1, since * 1000],
      nonsense: [1, undefined],
      'not JSON': [1, undefined],
      php: [2, since * 1000],
      ruby: [2, undefined],
      unlisted: [1, undefined],
      'was delayed': [1, undefined],
      'was retried': [1, undefined],
    });
    expect(queues).toHaveLength(11);
    await stores.db.del('resque:queue:unlisted');
  });

  it('counts workers whose leases run, delayed jobs, retries, the failed list, and sees the pause', async () => {
    const [live, dead] = [`lambdesque-a-${'0'.repeat(12)}:${randomUUID()}:*`, 'dead'];
    await stores.db.zadd(stores.keys.leases, NOW + 1, live, NOW, dead);
    await stores.store.enqueueDelayed(
      [1, 1, 2, 3].map((seconds, i) => ({ seconds: 2_000_000_000 + seconds, payload: `{"class":"${i}","queue":"q"}` })),
    );
    await stores.db.hset(stores.keys.retryPayloads, 'r:q', '{"class":"A"}');
    await stores.db.zadd(stores.keys.retry, NOW, 'r:q');
    await stores.db.rpush(stores.keys.failed, '{}', '{}', '{}');
    await stores.db.set(stores.keys.paused, 'true');

    expect(await stats.read([])).toEqual({
      parkedGates: 0,
      now: NOW,
      wrong: [],
      queues: [],
      workers: [live],
      delayed: 4,
      dueTimes: ['2000000001', '2000000002', '2000000003'],
      retries: 1,
      failed: 3,
      paused: true,
    });
    await stores.db.del(stores.keys.leases);
  });

  it('reads no more than a thousand due times', async () => {
    const due = Array.from({ length: 1_500 }, (_, i) => 2_000_000_000 + i);
    await stores.db.zadd(stores.keys.delayedSchedule, ...due.flatMap((seconds) => [seconds, seconds]));
    for (const seconds of due) await stores.db.rpush(stores.keys.delayed(seconds), 'one', 'two');
    expect((await stats.read([])).delayed).toBe(2 * 1_000 + 500);
  });

  it('takes one call where it meets only what was there before', async () => {
    let calls = 0;
    const script: RedisClient['script'] = (...call) => {
      calls++;
      return client.script(...call);
    };
    const store = redisStatsBroker({ ...client, script }, 'resque:', () => NOW);
    const callsOf = async (before?: QueueStats) => {
      calls = 0;
      return { stats: await store.read(['named'], before), calls };
    };
    expect(await callsOf(), 'all queues are named').toMatchObject({ calls: 1 });

    await stores.produce('q', '{"n":1}', '{"n":2}');
    const delay = (...seconds: number[]) =>
      stores.store.enqueueDelayed(seconds.map((one, i) => ({ seconds: one, payload: `{"n":${i},"queue":"q"}` })));
    await delay(2_000_000_000, 2_000_000_000, 2_000_000_001);
    const first = await callsOf();
    expect(first).toMatchObject({ calls: 2, stats: { delayed: 3 } });
    expect(await callsOf(first.stats)).toEqual({ calls: 1, stats: first.stats });

    await stores.produce('q', '{"n":3}');
    await delay(2_000_000_001);
    const grown = await callsOf(first.stats);
    expect(grown).toMatchObject({ calls: 1, stats: { delayed: 4 } });
    expect(grown.stats.queues.map(({ name, depth }) => [name, depth])).toEqual([
      ['named', 0],
      ['q', 3],
    ]);

    await stores.produce('other', '{"n":4}');
    expect((await callsOf(grown.stats)).calls).toBe(2);
    await delay(2_000_000_002);
    expect(await callsOf(grown.stats)).toMatchObject({ calls: 2, stats: { delayed: 5 } });

    // What is gone is not there because it was.
    await stores.db.srem(stores.keys.queues, 'q', 'other');
    await stores.db.zrem(stores.keys.delayedSchedule, '2000000000', '2000000002');
    const { calls: last, stats: found } = await callsOf(grown.stats);
    expect([last, found.delayed, found.queues.map((one) => one.name)]).toEqual([1, 2, ['named']]);
    await stores.db.sadd(stores.keys.queues, 'q', 'other');
    await stores.db.zadd(stores.keys.delayedSchedule, 2_000_000_000, '2000000000', 2_000_000_002, '2000000002');
  });

  it('passes over a queue of another type', async () => {
    await stores.db.sadd(stores.keys.queues, 'broken', 'q');
    await stores.db.set(stores.keys.queue('broken'), 'no list');
    await stores.produce('q', '{"class":"A","args":[]}');
    const { queues, wrong } = await stats.read([]);
    expect(queues.map((one) => one.depth)).toEqual([0, 1]);
    expect(wrong).toMatchObject([{ key: 'resque:queue:broken', error: expect.stringMatching(/WRONGTYPE/) }]);
  });

  it('counts no lease that no worker could have', async () => {
    await stores.db.zadd(stores.keys.leases, 'inf', 'for ever', NOW + 400 * 86_400_000, 'a year', NOW + 60_000, 'live');
    expect((await stats.read([])).workers).toEqual(['live']);
    await stores.db.del(stores.keys.leases);
  });

  it('reads thousands of queues in calls of some thousand, and no more than some first payloads of a megabyte', async () => {
    const names = Array.from({ length: 9_000 }, (_, i) => `q${String(i).padStart(4, '0')}`);
    await stores.db.sadd(stores.keys.queues, ...names);
    const pipeline = stores.db.pipeline();
    for (const name of names) pipeline.rpush(stores.keys.queue(name), name);
    const large = 'x'.repeat(1_000_000);
    for (const name of names.slice(0, 50)) pipeline.lpush(stores.keys.queue(name), large);
    await pipeline.exec();
    const sizes: number[] = [];
    const script: RedisClient['script'] = (one, keys, args) => {
      sizes.push(keys.length);
      return client.script(one, keys, args);
    };
    await stores.db.config('RESETSTAT');

    const { queues } = await redisStatsBroker({ ...client, script }, 'resque:', () => NOW).read([]);

    expect(queues).toHaveLength(9_000);
    expect(queues.reduce((sum, { depth }) => sum + depth, 0)).toBe(9_050);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4_009);
    const stat = await stores.db.info('commandstats');
    expect(Number(/cmdstat_lindex:calls=(\d+)/.exec(stat)?.[1])).toBeLessThan(9_000);
    await stores.db.flushall();
  }, 60_000);
});
