import { expect } from 'vitest';
import { tcpClient } from '../../shared/broker/redis/tcp.ts';
import {
  createRegistry,
  redisBroker,
  silentLogger,
  systemClock,
  type TickResult,
  tick,
} from '../../shared/internal.ts';
import type { TestRedis } from './redis-server.ts';

/** A failed entry as it stands in Redis. */
export interface FailedEntry {
  readonly failed_at: string;
  readonly payload: unknown;
  readonly exception: string;
  readonly error: string;
  readonly backtrace: readonly string[];
  readonly worker: string;
  readonly queue: string;
  readonly payload_base64?: string;
}

type Client = TestRedis['client'];

/** Pushes payloads as redis-cli would, byte for byte. */
export async function push(redis: Client, queue: string, ...payloads: readonly (string | Buffer)[]): Promise<void> {
  await redis.sadd('resque:queues', queue);
  for (let i = 0; i < payloads.length; i += 5_000) {
    await redis.rpush(`resque:queue:${queue}`, ...payloads.slice(i, i + 5_000));
  }
}

export const payloads = (className: string, names: readonly (string | number)[]): string[] =>
  names.map((name) => `{"class":"${className}","args":[${JSON.stringify(name)}]}`);

export const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

export const queued = (redis: Client, queue: string): Promise<string[]> => redis.lrange(`resque:queue:${queue}`, 0, -1);

export const failedTexts = (redis: Client): Promise<string[]> => redis.lrange('resque:failed', 0, -1);

export async function failed(redis: Client): Promise<FailedEntry[]> {
  return (await failedTexts(redis)).map((text) => JSON.parse(text) as FailedEntry);
}

/** How many jobs are in flight, of all workers. */
export async function inFlight(redis: Client): Promise<number> {
  const keys = await redis.keys('resque:inflight:*');
  const fields = await Promise.all(keys.map((key) => redis.hkeys(key)));
  return fields.flat().filter((field) => /^\d+:/.test(field)).length;
}

/** Nothing waits, nothing is held, no worker is registered and none has left a key. */
export async function expectIdle(redis: Client, ...queues: readonly string[]): Promise<void> {
  for (const queue of queues) expect(await redis.llen(`resque:queue:${queue}`), `jobs in ${queue}`).toBe(0);
  const left = await redis.keys('resque:*');
  expect(left.filter((key) => /^resque:(inflight|leases|worker|stat:.*:|retry)/.test(key))).toEqual([]);
}

/** One tick of a scheduler when so many ms more have passed on Redis's clock, so that every lease has ended by then. */
export async function tickAhead(redis: Pick<TestRedis, 'url' | 'client'>, ahead = 600_000): Promise<TickResult> {
  const [seconds = 0] = (await redis.client.time()).map(Number);
  const store = redisBroker(tcpClient({ url: redis.url }), 'resque:', () => seconds * 1_000 + ahead);
  try {
    return await tick({ store, registry: createRegistry([]), clock: systemClock, log: silentLogger });
  } finally {
    await store.close();
  }
}
