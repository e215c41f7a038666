import { keysOf } from '../keys.ts';
import { clearQueue, countInFlight, moveQueue, peekQueue, removeQueue } from '../scripts/queues.ts';
import { list, type RedisClient, text } from './client.ts';
import type { TimeSource } from './time.ts';
import { untoldEndsOf } from './untold-ends.ts';

/** The part of the seam that looks into queues, and changes them as a whole. */
export interface QueuesBroker {
  /** Jobs in flight by queue; of workers that hold very many, an estimate. @param workers ids */
  inFlight(workers: readonly string[]): Promise<Map<string, number>>;
  /** Jobs from the head, or from behind one that was seen before. @param limit most jobs */
  peek(name: string, behind: SeenJob | undefined, limit: number): Promise<QueuePage>;
  pause(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  pauseAll(): Promise<void>;
  resumeAll(): Promise<void>;
  /** @returns how many jobs there were */
  clear(name: string): Promise<number>;
  remove(name: string): Promise<number>;
  /** @returns how many were moved */
  move(from: string, to: string): Promise<number>;
}

/** A job by its place from the head, from 0, its length in bytes and SHA-1. */
export interface SeenJob {
  readonly place: number;
  readonly length: number;
  readonly sha: string;
}

interface QueuePage {
  /** Place of the first one. */
  readonly place: number;
  readonly payloads: readonly Buffer[];
  /** Jobs in the queue. */
  readonly size: number;
}

/** Of payloads in one answer. */
const BYTES_AT_ONCE = 4_194_304;
/** Moved in one call: few enough that Redis is not blocked for long. */
const JOBS_MOVED = 5_000;
const BYTES_MOVED = 4_194_304;

/** Looked at in one call when a queue is cleared, and bytes of them; of those that hold locks. */
const JOBS_CLEARED = 20_000;
const BYTES_CLEARED = 16_777_216;
const HOLDERS_CLEARED = 1_000;

/**
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisQueuesBroker(client: RedisClient, namespace: string, time?: TimeSource): QueuesBroker {
  const keys = keysOf(namespace);
  const untold = untoldEndsOf(client, keys, time);

  async function clear(name: string): Promise<number> {
    let removed = 0;
    for (let left = -1; left !== 0; ) {
      const args = [name, left, JOBS_CLEARED, BYTES_CLEARED, HOLDERS_CLEARED];
      const [count, rest, held] = list(await client.script(clearQueue, [keys.queue(name), keys.flowsLost], args));
      removed += Number(count);
      left = Number(rest);
      // Should this end before: the scheduler does it.
      if (Number(held) > 0) await untold(-Number(held));
    }
    return removed;
  }

  return {
    async inFlight(workers) {
      const counts = new Map<string, number>();
      for (let rest = workers.map(keys.inflight); rest.length > 0; ) {
        const [looked, found] = list(await client.script(countInFlight, rest, []));
        for (const pair of list(found)) {
          const [queue, count] = list(pair);
          counts.set(text(queue), (counts.get(text(queue)) ?? 0) + Number(count));
        }
        rest = rest.slice(Math.max(1, Number(looked)));
      }
      return counts;
    },

    async peek(name, behind, limit) {
      const args = [behind?.place ?? -1, behind?.length ?? 0, behind?.sha ?? '', limit, BYTES_AT_ONCE];
      const [place, payloads, size] = list(await client.script(peekQueue, [keys.queue(name)], args));
      return { place: Number(place), payloads: list(payloads) as readonly Buffer[], size: Number(size) };
    },

    async pause(name) {
      await client.command(['SADD', keys.pausedQueues, name]);
    },
    async resume(name) {
      await client.command(['SREM', keys.pausedQueues, name]);
    },
    async pauseAll() {
      await client.command(['SET', keys.paused, 'true']);
    },
    async resumeAll() {
      await client.command(['DEL', keys.paused]);
    },

    clear,
    async remove(name) {
      let cleared = 0;
      for (;;) {
        cleared += await clear(name);
        const isGone = await client.script(removeQueue, [keys.queue(name), keys.queues, keys.pausedQueues], [name]);
        if (isGone === 1) return cleared;
      }
    },

    async move(from, to) {
      let moved = 0;
      for (let left = -1; left !== 0; ) {
        const args = [to, left, JOBS_MOVED, BYTES_MOVED];
        const [count, rest] = list(
          await client.script(moveQueue, [keys.queue(from), keys.queue(to), keys.queues], args),
        );
        moved += Number(count);
        left = Number(rest);
      }
      return moved;
    },
  };
}
