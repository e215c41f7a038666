/**
 * The job store over each backend, on one real Redis for each test file; and a check after each test that nothing is left
 * in Redis which no test and no other Resque program expects there.
 */
import type { Redis } from 'ioredis';
import { afterEach, beforeAll, expect } from 'vitest';
import type { Broker } from '../../shared/broker/broker.ts';
import type { Keys } from '../../shared/broker/keys.ts';
import { redisBroker } from '../../shared/broker/redis/broker.ts';
import type { RedisClient } from '../../shared/broker/redis/client.ts';
import { systemClock } from '../../shared/clock.ts';
import { createRegistry } from '../../shared/job/registry.ts';
import { type Logger, silentLogger } from '../../shared/log.ts';
import { type TickResult, tick } from '../../shared/scheduler/tick.ts';
import { type Backend, type ClientOptions, NAMESPACE, type OneBackend, withBackends } from './backends.ts';
import { NOW, redisTime } from './redis-time.ts';
import { TestWorker } from './test-worker.ts';

export type { Backend } from './backends.ts';
export { NOW, redisTime } from './redis-time.ts';
export * from './test-worker.ts';

/** After so many ms every lease has ended. */
const CENTURY = 100 * 365 * 86_400_000;

/** What ends before a test's database is looked at for what it has left: its workers. */
export const endings = new Set<() => Promise<void>>();

export interface OpenOptions extends ClientOptions {
  /** @default `resque:` */
  readonly namespace?: string;
  /** Redis is asked for the time, as everywhere but in tests. @default false: it is what `redisTime` says */
  readonly realTime?: boolean;
  /** What Redis's clock says to it, epoch ms. @default what `redisTime` says */
  readonly time?: number;
}

export interface Brokers extends OneBackend {
  /** Its time is `redisTime`. */
  readonly store: Broker;
  /** Another store, with a connection of its own; closed after the file. */
  open(options?: OpenOptions): Broker;
  /** The store when Redis's clock says this, epoch ms; '' for what it says in truth. */
  at(time: number | '', namespace?: string): Broker;
  /** A worker that has not registered yet. */
  worker(store?: Broker): TestWorker;
  /** What a producer does: `SADD queues`, then `RPUSH`. */
  produce(queue: string, ...payloads: readonly (string | Buffer)[]): Promise<void>;
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
export function withBrokers(suite: (stores: Brokers) => void, backends?: readonly Backend[]): void {
  withBackends((one) => {
    const { keys } = one;
    let shared: RedisClient;
    let store: Broker;

    const stores = extended(one, {
      get store() {
        return store;
      },
      open({ namespace = NAMESPACE, realTime = false, time, ...options }: OpenOptions = {}) {
        const source = time === undefined ? redisTime.now : () => time;
        return redisBroker(one.client(options), namespace, realTime ? undefined : source);
      },
      at: (time: number | '', namespace = NAMESPACE) => redisBroker(shared, namespace, () => time),
      worker: (own = store) => new TestWorker(own),
      async produce(queue: string, ...payloads: readonly (string | Buffer)[]) {
        await one.db.sadd(keys.queues, queue);
        await one.db.rpush(keys.queue(queue), ...payloads);
      },
      async held(worker: { readonly id: string }) {
        const fields = Object.entries(await one.db.hgetall(keys.inflight(worker.id)));
        return Object.fromEntries(fields.filter(([field]) => /^!?\d+:/.test(field)));
      },
      reclaimAfter(ms: number) {
        redisTime.move(ms);
        return store.reclaim(10_000);
      },
      promoteRetries: async (limit = 10_000) => (await store.promoteRetries(limit)).moved,
      tick: (log = silentLogger) => tick({ store, registry: createRegistry([]), clock: systemClock, log }),
    });

    beforeAll(() => {
      shared = one.client();
      store = redisBroker(shared, NAMESPACE, redisTime.now);
      // A file before this one, in the same process, may have moved it.
      redisTime.set(NOW);
    });

    afterEach(async () => {
      one.upstash.fault(undefined);
      for (const end of endings) await end();
      try {
        await stores.reclaimAfter(CENTURY);
        expect(await leaks(one.db, keys), 'keys left behind when every worker has ended').toEqual([]);
      } finally {
        redisTime.set(NOW);
      }
    });

    suite(stores);
  }, backends);
}

/** The same object with more in it: a getter stays one. */
function extended<Base extends object, More extends object>(base: Base, more: More): Base & More {
  return Object.defineProperties(base, Object.getOwnPropertyDescriptors(more)) as Base & More;
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
  /^resque:(queues|queue:.*|failed|failed_queues|[^:]+_failed|stat:processed|stat:failed|pause-all-workers|serial|delayed_queue_schedule|delayed:\d+|timestamps:.*|job:[^:]+:status|retry|retry:payloads|queues:paused|control|paces|parked|parked:.*|limit:.*|flows|flows:ended|flow:[^:]+(:nodes|:states)?|stats:(day|minute|times|sizes):[\d:T-]+)$/s;

/** What must not be there once every worker has ended. */
async function leaks(db: Redis, keys: Keys): Promise<string[]> {
  const text = (bytes: Buffer) => bytes.toString('latin1');
  const [all, queues, retries, payloads, due, serial, parked] = await Promise.all([
    db.keysBuffer('*').then((found) => found.map(text)),
    db.smembersBuffer(keys.queues).then((found) => new Set(found.map(text))),
    db.zrange(keys.retry, '0', '-1').then((found) => new Set(found)),
    db.hkeys(keys.retryPayloads).then((found) => new Set(found)),
    db.zrange(keys.delayedSchedule, '0', '-1').then((found) => new Set(found)),
    db.hgetall(keys.serial),
    db.zrange(keys.parked, '0', '-1').then((found) => new Set(found)),
  ]);
  const after = (prefix: string) => all.flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
  const lists = new Set(after('resque:delayed:'));
  const gates = new Set(after('resque:parked:'));
  const found = [
    ...all.filter((key) => !RESQUES.test(key)).map((key) => `unexpected key ${key}`),
    ...after('resque:queue:')
      .filter((name) => !queues.has(name))
      .map((name) => `queue ${name}, of which no worker on * knows`),
    ...[...gates.difference(parked)].map((gate) => `jobs parked for ${gate}, at which nobody looks`),
    ...[...parked.difference(gates)].map((gate) => `gate ${gate} without parked jobs`),
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
