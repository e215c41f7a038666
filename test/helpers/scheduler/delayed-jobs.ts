import type { RedisClient } from '../../../shared/broker/redis/client.ts';
import {
  createRegistry,
  redisBroker,
  silentLogger,
  type TickOptions,
  type TickResult,
  tick,
} from '../../../shared/internal.ts';
import { NAMESPACE, type OneBackend } from '../backends.ts';
import { Report, START } from './test-scheduler.ts';

/** The due time in most tests, epoch seconds. */
export const SECONDS = START / 1000;

/** A delayed payload as resque-scheduler writes it. */
export const delayed = (name: string | number, queue = 'q') => `{"class":"Job","args":["${name}"],"queue":"${queue}"}`;

/** The first arguments of payloads. */
export const names = (payloads: readonly string[]) =>
  payloads.map((payload) => (JSON.parse(payload) as { args: unknown[] }).args[0]);

const AT_ONCE = 5_000;

/** As resque-scheduler's `enqueue_at` does it: the list, the index, the schedule. */
export async function enqueueAt(bed: OneBackend, seconds: number, ...payloads: readonly string[]): Promise<void> {
  for (let from = 0; from < payloads.length; from += AT_ONCE) {
    const some = payloads.slice(from, from + AT_ONCE);
    const pipeline = bed.db.pipeline().rpush(bed.keys.delayed(seconds), ...some);
    for (const payload of some) pipeline.sadd(bed.keys.timestamps(payload), `delayed:${seconds}`);
    await pipeline.exec();
  }
  await bed.db.zadd(bed.keys.delayedSchedule, seconds, seconds);
}

/** As php-resque-scheduler does it: without the index. */
export async function enqueueAtAsPhp(
  bed: OneBackend,
  seconds: number,
  ...payloads: (string | Buffer)[]
): Promise<void> {
  await bed.db.rpush(bed.keys.delayed(seconds), ...payloads);
  await bed.db.zadd(bed.keys.delayedSchedule, seconds, seconds);
}

/** As a consumer leaves a job that failed: the record of its attempt in the payload. @param at epoch ms */
export async function addRetry(bed: OneBackend, name: string | number, at: number, queue = 'q'): Promise<string> {
  const member = `token-${name}:${queue}`;
  const record = `"lambdesque":{"id":"token-${name}","attempts":1,"deaths":0},`;
  await bed.db.hset(bed.keys.retryPayloads, member, `{${record}"class":"Job","args":["${name}"]}`);
  await bed.db.zadd(bed.keys.retry, at, member);
  return member;
}

/** One tick of a scheduler without cron entries. @param now Redis's time, epoch ms: it stands still meanwhile */
export async function tickAt(client: RedisClient, now: number, options?: TickOptions): Promise<TickResult> {
  const store = redisBroker(client, NAMESPACE, () => now);
  const clock = { now: () => 0, after: () => () => {} };
  const deps = { store, registry: createRegistry([Report]), clock, log: silentLogger };
  const result = await tick(deps, options);
  if (result.errors[0]) throw result.errors[0];
  return result;
}
