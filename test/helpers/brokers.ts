/**
 * The job store over each backend, on one real Redis for each test file; and a check after each test that nothing is left
 * in Redis which no test and no other Resque program expects there.
 */
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import type { Broker, Reservation, SyncRequest, SyncResult } from '../../shared/broker/broker.ts';
import { type Keys, keysOf } from '../../shared/broker/keys.ts';
import { redisBroker } from '../../shared/broker/redis/broker.ts';
import type { RedisClient } from '../../shared/broker/redis/client.ts';
import { tcpClient } from '../../shared/broker/redis/tcp.ts';
import { upstashClient } from '../../shared/broker/redis/upstash.ts';
import type { RawJob, Settlement } from '../../shared/types.ts';
import { workerId } from '../../shared/wire/worker-id.ts';
import { startRedis, type TestRedis } from './redis-server.ts';
import { startUpstash, type UpstashServer } from './upstash-server.ts';

/** The time in all tests, epoch ms: 2026-11-20 20:29:37 UTC. */
export const NOW = Date.UTC(2026, 10, 20, 20, 29, 37);
/** After everything that a test knows of, epoch ms. */
const FAR = Date.UTC(2100, 0);
/** Milliseconds. */
export const LEASE = 60_000;
const MOST_BYTES = 64 * 1_048_576;

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
  /** What Redis's clock says to it, epoch ms. @default NOW */
  readonly time?: number;
}

export interface Brokers {
  readonly backend: Backend;
  readonly redis: TestRedis;
  readonly upstash: UpstashServer;
  /** To look at the database, and to do what other programs do. */
  readonly db: Redis;
  readonly keys: Keys;
  readonly store: Broker;
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
  /** What a worker has in flight: `<number>:<queue>` → payload. */
  held(worker: TestWorker): Promise<Record<string, string>>;
}

/** Runs the same suite over both backends. */
export function withBrokers(suite: (stores: Brokers) => void): void {
  describe.each(BACKENDS)('over %s', (backend) => {
    const opened: Broker[] = [];
    const keys = keysOf('resque:');
    let redis: TestRedis;
    let upstash: UpstashServer;
    let client: RedisClient;
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
      open({ backend: other = backend, namespace = 'resque:', url = redis.url, commandTimeout, time = NOW } = {}) {
        const timeout = commandTimeout === undefined ? {} : { commandTimeout };
        const client =
          other === 'TCP'
            ? tcpClient({ url, ...timeout })
            : upstashClient({ url: upstash.url, token: upstash.token, ...timeout });
        const one = redisBroker(client, namespace, () => time);
        opened.push(one);
        return one;
      },
      at: (time, namespace = 'resque:') => redisBroker(client, namespace, () => time),
      worker: (one = store) => new TestWorker(one),
      async produce(queue, ...payloads) {
        await redis.client.sadd(keys.queues, queue);
        await redis.client.rpush(keys.queue(queue), ...payloads);
      },
      queued: (queue) => redis.client.lrange(keys.queue(queue), 0, -1),
      async held(worker) {
        const fields = Object.entries(await redis.client.hgetall(keys.inflight(worker.id)));
        return Object.fromEntries(fields.filter(([field]) => /^\d+:/.test(field)));
      },
    };

    beforeAll(async () => {
      redis = await startRedis();
      upstash = await startUpstash(redis.url);
      const options = { url: upstash.url, token: upstash.token };
      client = backend === 'TCP' ? tcpClient({ url: redis.url }) : upstashClient(options);
      store = redisBroker(client, 'resque:', () => NOW);
      opened.push(store);
    });

    afterEach(async () => {
      upstash.fault(undefined);
      upstash.requests.length = 0;
      try {
        await stores.at(FAR).reclaim(10_000);
        expect(await leaks(redis.client, keys), 'keys left behind when every worker has ended').toEqual([]);
      } finally {
        await redis.client.flushall();
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

export type SyncReply = Extract<SyncResult, { leaseLost: false }>;
export type Reserving = Omit<Reservation, 'firstSeq'>;
/** What a test says of a turn; jobs count as started as soon as they are reserved, unless it says otherwise. */
export type SyncPlan = Partial<Omit<SyncRequest, 'worker' | 'call' | 'reserve'>> & { readonly reserve?: Reserving };

/** A worker as the consumer is one: it numbers its turns and jobs, and registers with its first turn. */
export class TestWorker {
  readonly id = workerId('test', process.pid, ['*']);
  readonly #store: Broker;
  #call = 0;
  #seq = 0;

  constructor(store: Broker) {
    this.#store = store;
  }

  /** Its next turn, not sent yet: to send it twice. */
  next({ reserve, ...plan }: SyncPlan = {}): SyncRequest {
    return {
      leaseEnd: NOW + LEASE,
      settle: [],
      started: this.#seq + (reserve?.count ?? 0) - 1,
      ...(this.#call === 0 ? { register: new Date(NOW) } : {}),
      ...plan,
      worker: this.id,
      call: ++this.#call,
      ...(reserve ? { reserve: { ...reserve, firstSeq: this.#seq } } : {}),
    };
  }

  async send(turn: SyncRequest): Promise<SyncReply> {
    const result = await this.#store.sync(turn);
    if (result.leaseLost) throw new Error(`${this.id} has lost its lease`);
    this.#seq = Math.max(this.#seq, ...result.jobs.map((job) => job.seq + 1));
    return result;
  }

  async turn(plan?: SyncPlan): Promise<SyncReply> {
    return this.send(this.next(plan));
  }

  /** Reserves from the queues in strict order. */
  async take(queues: string | readonly string[], count = 100): Promise<readonly RawJob[]> {
    return (await this.turn({ reserve: from(queues, count) })).jobs;
  }

  /** Takes exactly one job. */
  async takeOne(queue: string): Promise<RawJob> {
    const [job] = await this.take(queue, 1);
    if (!job) throw new Error(`Queue ${queue} is empty.`);
    return job;
  }
}

/** A reservation from the queues in strict order. */
export function from(queues: string | readonly string[], count = 100, rest: Partial<Reserving> = {}): Reserving {
  const shares = [queues].flat().map((queue) => ({ queue, limit: count }));
  return { count, bytes: MOST_BYTES, shares, listQueues: false, countLeft: false, mayRisk: true, ...rest };
}

export const done = (raw: RawJob): Settlement => ({ kind: 'done', raw });
export const release = (raw: RawJob, to: 'head' | 'tail' = 'head'): Settlement => ({ kind: 'release', raw, to });
export const texts = (jobs: readonly RawJob[]) => jobs.map((job) => job.bytes.toString());

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
  /^resque:(queues|queue:.*|failed|stat:processed|stat:failed|pause-all-workers|delayed_queue_schedule|delayed:\d+|timestamps:.*|job:[^:]+:status|retry|retry:payloads)$/s;

/** What must not be there once every worker has ended. */
async function leaks(db: Redis, keys: Keys): Promise<string[]> {
  const text = (bytes: Buffer) => bytes.toString('latin1');
  const [all, queues, retries, payloads, due] = await Promise.all([
    db.keysBuffer('*').then((found) => found.map(text)),
    db.smembersBuffer(keys.queues).then((found) => new Set(found.map(text))),
    db.zrange(keys.retry, '0', '-1').then((found) => new Set(found)),
    db.hkeys(keys.retryPayloads).then((found) => new Set(found)),
    db.zrange(keys.delayedSchedule, '0', '-1').then((found) => new Set(found)),
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
  ];
  for (const payload of after('resque:timestamps:')) {
    for (const list of await db.smembers(Buffer.from(`resque:timestamps:${payload}`, 'latin1'))) {
      const held = await db.lrangeBuffer(`resque:${list}`, 0, -1);
      if (!held.some((one) => text(one) === payload)) found.push(`index of ${payload} names ${list} without it`);
    }
  }
  return found;
}
