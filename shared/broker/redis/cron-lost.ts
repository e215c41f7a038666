import { createHash } from 'node:crypto';
import type { Keys } from '../keys.ts';
import { readHolder } from '../lock-value.ts';
import { FREED, freeLost } from '../scripts/cron-lost.ts';
import { orNothing } from '../wrong-key.ts';
import { list, type RedisClient, text } from './client.ts';

/** A job that was enqueued less than so many ms ago is not looked for: it may be on its way somewhere. */
const YOUNG_MS = 300_000;
/** Of more workers nobody knows all that they hold. */
const MOST_WORKERS = 1_000;

/**
 * Gives back the locks of those jobs that are nowhere any more.
 * @param names of locks  @param now Redis's time, epoch ms
 */
export async function freeLostLocks(
  client: RedisClient,
  keys: Keys,
  names: readonly string[],
  now: number,
): Promise<string[]> {
  const values = list(await orNothing(client.command(['MGET', ...names.map(keys.unique)])));
  const freed: string[] = [];
  for (const [i, name] of names.entries()) {
    const value = values[i];
    if (Buffer.isBuffer(value) && (await isLost(client, keys, name, value, now))) freed.push(name);
  }
  return freed;
}

async function isLost(client: RedisClient, keys: Keys, name: string, value: Buffer, now: number): Promise<boolean> {
  const holder = readHolder(value);
  // One of a time to come was left by a wrong clock.
  if (holder && Math.abs(now - (enqueuedAt(holder.payload) ?? 0)) < YOUNG_MS) return false;
  const found = [await orNothing(client.command(['ZRANGE', keys.leases, 0, -1]))];
  found.push(await orNothing(client.command(['SMEMBERS', keys.workers])));
  if (found.includes(null)) return false;
  const [leases = [], workers = []] = found.map((reply) => list(reply ?? undefined).map(text));
  if (leases.length > MOST_WORKERS || workers.length > MOST_WORKERS) return false;
  const mark = createHash('sha1').update(value).digest('hex');
  const answer = await client.script(
    freeLost,
    [
      keys.unique(name),
      keys.queue(holder?.queue ?? ''),
      keys.retryPayloads,
      keys.leases,
      keys.workers,
      ...leases.map(keys.inflight),
      ...workers.map(keys.worker),
    ],
    // What somebody else has written there is no job at all.
    [mark, JSON.stringify(holder?.id ?? `no job ${mark}`), leases.length, ...leases, workers.length, ...workers],
  );
  return answer === FREED;
}

/** Epoch ms. */
function enqueuedAt(payload: string): number | undefined {
  try {
    const { queue_time: seconds } = JSON.parse(payload) as { queue_time?: unknown };
    return typeof seconds === 'number' ? seconds * 1000 : undefined;
  } catch {
    return undefined;
  }
}
