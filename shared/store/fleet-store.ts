import { keysOf } from './keys.ts';
import { list, type RedisClient, text } from './redis-client.ts';
import { holdScheduler, releaseScheduler } from './scripts/scheduler-lease.ts';
import { depths, roster } from './scripts/survey.ts';

/** The part of the seam for whoever starts workers: which scheduler ticks, and what there is to do. */
export interface FleetStore {
  /** Take the right to tick, or extend it. @param ms how long it holds  @returns false while another holds it */
  holdScheduler(holder: string, ms: number): Promise<boolean>;
  releaseScheduler(holder: string): Promise<void>;
  /** @param named queues to look at besides those that `queues` knows */
  survey(named: readonly string[], now: number): Promise<Survey>;
}

/** What is there at one moment. */
export interface Survey {
  readonly queues: readonly QueueState[];
  /** Ids of the workers whose leases run. */
  readonly workers: readonly string[];
  /** Delayed jobs; at least so many where there are more than 1,000 due times. */
  readonly delayed: number;
  readonly retries: number;
  /** Length of the failed list. */
  readonly failed: number;
  /** `pause-all-workers` is set. */
  readonly paused: boolean;
}

export interface QueueState {
  readonly name: string;
  /** Jobs that wait. */
  readonly depth: number;
  /** When the first of them was enqueued, epoch ms; undefined if its payload does not say, or it was delayed or retried. */
  readonly oldest: number | undefined;
}

/** A survey reads no more of either: it must stay cheap whatever is in Redis. */
const MOST_DUE_TIMES = 1_000;
const MOST_BYTES = 16_384;

export function redisFleetStore(client: RedisClient, namespace: string): FleetStore {
  const keys = keysOf(namespace);
  return {
    async holdScheduler(holder, ms) {
      return (await client.script(holdScheduler, [keys.schedulerLease], [holder, Math.ceil(ms)])) === 1;
    },

    async releaseScheduler(holder) {
      await client.script(releaseScheduler, [keys.schedulerLease], [holder]);
    },

    async survey(named, now) {
      const totals = list(
        await client.script(
          roster,
          [keys.queues, keys.delayedSchedule, keys.leases, keys.retry, keys.failed, keys.paused],
          [now, MOST_DUE_TIMES],
        ),
      );
      const [known, times, timeCount, workers, retries, failed, paused] = totals;
      const names = [...new Set([...list(known).map(text), ...named])].sort();
      const dueTimes = list(times).map((time) => Number(text(time)));
      const answer = list(
        await client.script(
          depths,
          [...names.map(keys.queue), ...dueTimes.map(keys.delayed)],
          [names.length, MOST_BYTES],
        ),
      );
      return {
        queues: names.map((name, i) => {
          const [depth, first] = list(answer[i]);
          return { name, depth: Number(depth), oldest: enqueuedAt(text(first)) };
        }),
        workers: list(workers).map(text),
        delayed: Number(answer[names.length]) + Number(timeCount) - dueTimes.length,
        retries: Number(retries),
        failed: Number(failed),
        paused: paused === 1,
      };
    },
  };
}

/** `queue_time` stands last in a payload, as php-resque and we write it; of a long one only the end is there. */
const LAST_KEY = /"queue_time":\s*(\d+(?:\.\d+)?)\s*\}\s*$/;

/**
 * When a payload says that it was enqueued, epoch ms. Not for a job that waited elsewhere since then: a delayed one, which
 * names its queue, or a retried one, which has a record of its attempts.
 */
function enqueuedAt(payload: string): number | undefined {
  if (!payload.includes('"queue_time"')) return undefined;
  let fields: { queue_time?: unknown; queue?: unknown; lambdesque?: unknown } | null;
  try {
    fields = JSON.parse(payload);
  } catch {
    fields = { queue_time: Number(LAST_KEY.exec(payload)?.[1]) };
  }
  const seconds = fields?.queue_time;
  if (fields?.queue !== undefined || fields?.lambdesque !== undefined) return undefined;
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined;
}
