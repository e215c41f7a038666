/**
 * The job store over each backend, on one real Redis for each test file; and a check after each test that nothing is left
 * in Redis which no test and no other Resque program expects there.
 */
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import type { Broker } from '../../shared/broker/broker.ts';
import { type Keys, keysOf } from '../../shared/broker/keys.ts';
import { redisBroker } from '../../shared/broker/redis/broker.ts';
import type { RedisClient } from '../../shared/broker/redis/client.ts';
import { tcpClient } from '../../shared/broker/redis/tcp.ts';
import { upstashClient } from '../../shared/broker/redis/upstash.ts';
import { systemClock } from '../../shared/clock.ts';
import { createRegistry } from '../../shared/job/registry.ts';
import { type Logger, silentLogger } from '../../shared/log.ts';
import { type TickResult, tick } from '../../shared/scheduler/tick.ts';
import { startRedis, type TestRedis } from './redis-server.ts';
import { NOW, redisTime } from './redis-time.ts';
import { TestWorker } from './test-worker.ts';
import { startUpstash, type UpstashServer } from './upstash-server.ts';

export { NOW, redisTime } from './redis-time.ts';
export * from './test-worker.ts';

/** After so many ms every lease has ended. */
const CENTURY = 100 * 365 * 86_400_000;

/** What ends before a test's database is looked at for what it has left: its workers. */
export const endings = new Set<() => Promise<void>>();

const BACKENDS = ['TCP', 'Upstash REST'] as const;
export type Backend = (typeof BACKENDS)[number];

export interface OpenOptions {
  /** @default that of the suite */
  readonly backend?: Backend;
  /** @default `resque:` */
  readonly namespace?: string;
  /** Of something between it and the Redis, over TCP. @default the Redis itself */
  readonly url?: string;
  /** Milliseconds. @default the client's own */
  readonly commandTimeout?: number;
  /** Redis is asked for the time, as everywhere but in tests. @default false: it is what `redisTime` says */
  readonly realTime?: boolean;
  /** What Redis's clock says to it, epoch ms. @default what `redisTime` says */
  readonly time?: number;
}

export interface Brokers {
  readonly backend: Backend;
  readonly redis: TestRedis;
  readonly upstash: UpstashServer;
  /** To look at the database, and to do what other programs do. */
  readonly db: Redis;
  readonly keys: Keys;
  /** Its time is `redisTime`. */
  readonly store: Broker;
  /** A client of the suite's backend, with a connection of its own; closed after the file. */
  client(options?: OpenOptions): RedisClient;
  /** Another store, with a connection of its own; closed after the file. */
  open(options?: OpenOptions): Broker;
  /** The store when Redis's clock says this, epoch ms; '' for what it says in truth. */
  at(time: number | '', namespace?: string): Broker;
  /** A worker that has not registered yet. */
  worker(store?: Broker): TestWorker;
  /** What a producer does: `SADD queues`, then `RPUSH`. */
  produce(queue: string, ...payloads: readonly (string | Buffer)[]): Promise<void>;
  /** Payloads of a queue, from the head. */
  queued(queue: string): Promise<string[]>;
  /** What a worker has in flight: `<number>:<queue>`, behind a `!` once it may have started → payload. */
  held(worker: { readonly id: string }): Promise<Record<string, string>>;
  /** So many ms later, gives the jobs of workers back whose leases have ended by then. */
  reclaimAfter(ms: number): ReturnType<Broker['reclaim']>;
  /** Moves the retries that are due by now. @returns how many */
  promoteRetries(limit?: number): Promise<number>;
  /** One run of a scheduler. */
  tick(log?: Logger): Promise<TickResult>;
}

/** Runs the same suite over both backends. */
export function withBrokers(suite: (stores: Brokers) => void, backends: readonly Backend[] = BACKENDS): void {
  describe.each(backends)('over %s', (backend) => {
    const opened: RedisClient[] = [];
    const keys = keysOf('resque:');
    let redis: TestRedis;
    let upstash: UpstashServer;
    let shared: RedisClient;
    let store: Broker;

    const stores: Brokers = {
      backend,
      keys,
      get redis() {
        return redis;
      },
      get upstash() {
        return upstash;
      },
      get db() {
        return redis.client;
      },
      get store() {
        return store;
      },
      client({ backend: other = backend, url = redis.url, commandTimeout } = {}) {
        const timeout = commandTimeout === undefined ? {} : { commandTimeout };
        const one =
          other === 'TCP'
            ? tcpClient({ url, ...timeout })
            : upstashClient({ url: upstash.url, token: upstash.token, ...timeout });
        opened.push(one);
        return one;
      },
      open({ namespace = 'resque:', realTime = false, time, ...options } = {}) {
        const source = time === undefined ? redisTime.now : () => time;
        return redisBroker(stores.client(options), namespace, realTime ? undefined : source);
      },
      at: (time, namespace = 'resque:') => redisBroker(shared, namespace, () => time),
      worker: (one = store) => new TestWorker(one),
      async produce(queue, ...payloads) {
        await redis.client.sadd(keys.queues, queue);
        await redis.client.rpush(keys.queue(queue), ...payloads);
      },
      queued: (queue) => redis.client.lrange(keys.queue(queue), 0, -1),
      async held(worker) {
        const fields = Object.entries(await redis.client.hgetall(keys.inflight(worker.id)));
        return Object.fromEntries(fields.filter(([field]) => /^!?\d+:/.test(field)));
      },
      reclaimAfter(ms) {
        redisTime.move(ms);
        return store.reclaim(10_000);
      },
      promoteRetries: async (limit = 10_000) => (await store.promoteRetries(limit)).moved,
      tick: (log = silentLogger) => tick({ store, registry: createRegistry([]), clock: systemClock, log }),
    };

    beforeAll(async () => {
      redis = await startRedis();
      upstash = await startUpstash(redis.url);
      shared = stores.client();
      store = redisBroker(shared, 'resque:', redisTime.now);
    });

    afterEach(async () => {
      upstash.fault(undefined);
      upstash.requests.length = 0;
      for (const end of endings) await end();
      try {
        await stores.reclaimAfter(CENTURY);
        expect(await leaks(redis.client, keys), 'keys left behind when every worker has ended').toEqual([]);
      } finally {
        await redis.client.flushall();
        redisTime.set(NOW);
      }
    });

    afterAll(async () => {
      await Promise.all(opened.map((one) => one.close()));
      await upstash.stop();
      await redis.stop();
    });

    suite(stores);
  });
}

/** The whole database: key → type, value and whether it expires; strings byte by byte, as Latin-1. */
export async function dump(db: Redis): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const key of (await db.keysBuffer('*')).sort(Buffer.compare)) {
    const type = await db.type(key);
    const expires = (await db.ttl(key)) !== -1 ? { expires: true } : {};
    all[key.toString('latin1')] = { type, value: await contentOf(db, key, type), ...expires };
  }
  return all;
}

async function contentOf(db: Redis, key: Buffer, type: string): Promise<unknown> {
  const text = (bytes: Buffer) => bytes.toString('latin1');
  switch (type) {
    case 'string':
      return text((await db.getBuffer(key)) as Buffer);
    case 'list':
      return (await db.lrangeBuffer(key, 0, -1)).map(text);
    case 'set':
      return (await db.smembersBuffer(key)).map(text).sort();
    case 'zset':
      return ((await db.callBuffer('ZRANGE', key, '0', '-1', 'WITHSCORES')) as Buffer[]).map(text);
    default: {
      const flat = ((await db.callBuffer('HGETALL', key)) as Buffer[]).map(text);
      const pairs = flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1]]] : []));
      return Object.fromEntries(pairs.sort());
    }
  }
}

const RESQUES =
  /^resque:(queues|queue:.*|failed|stat:processed|stat:failed|pause-all-workers|serial|delayed_queue_schedule|delayed:\d+|timestamps:.*|job:[^:]+:status|retry|retry:payloads)$/s;

/** What must not be there once every worker has ended. */
async function leaks(db: Redis, keys: Keys): Promise<string[]> {
  const text = (bytes: Buffer) => bytes.toString('latin1');
  const [all, queues, retries, payloads, due, serial] = await Promise.all([
    db.keysBuffer('*').then((found) => found.map(text)),
    db.smembersBuffer(keys.queues).then((found) => new Set(found.map(text))),
    db.zrange(keys.retry, '0', '-1').then((found) => new Set(found)),
    db.hkeys(keys.retryPayloads).then((found) => new Set(found)),
    db.zrange(keys.delayedSchedule, '0', '-1').then((found) => new Set(found)),
    db.hgetall(keys.serial),
  ]);
  const after = (prefix: string) => all.flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
  const lists = new Set(after('resque:delayed:'));
  const found = [
    ...all.filter((key) => !RESQUES.test(key)).map((key) => `unexpected key ${key}`),
    ...after('resque:queue:')
      .filter((name) => !queues.has(name))
      .map((name) => `queue ${name}, of which no worker on * knows`),
    ...[...retries.difference(payloads)].map((member) => `retry without payload ${member}`),
    ...[...payloads.difference(retries)].map((member) => `payload without retry ${member}`),
    ...[...lists.difference(due)].map((time) => `delayed:${time}, which is not on the schedule`),
    ...[...due.difference(lists)].map((time) => `due time ${time} without jobs`),
    ...Object.entries(serial).flatMap(([queue, holder]) => (holder === '' ? [] : `serial queue ${queue}, still held`)),
  ];
  for (const payload of after('resque:timestamps:')) {
    for (const list of await db.smembers(Buffer.from(`resque:timestamps:${payload}`, 'latin1'))) {
      const held = await db.lrangeBuffer(`resque:${list}`, 0, -1);
      if (!held.some((one) => text(one) === payload)) found.push(`index of ${payload} names ${list} without it`);
    }
  }
  return found;
}
