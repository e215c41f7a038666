import type { DueTimes } from '../broker.ts';
import { keysOf } from '../keys.ts';
import { holdScheduler, releaseScheduler } from '../scripts/scheduler-lock.ts';
import { survey } from '../scripts/stats.ts';
import { list, type RedisClient, text } from './client.ts';
import { type CronState, cronStateKeys, cronStateOf } from './cron.ts';
import { dueTimesKeys, dueTimesOf } from './due-times.ts';

/** The part of the seam for whoever starts workers: which scheduler ticks, and what there is to do. */
export interface StatsBroker {
  /**
   * Take the right to tick, or extend it.
   * @param ms how long it holds
   * @returns what the tick looks at first, read in the same step; undefined while another holds it
   */
  holdScheduler(holder: string, ms: number): Promise<TickSnapshot | undefined>;
  releaseScheduler(holder: string): Promise<void>;
  /**
   * One call where it meets no queue and no due time but those that are named or were there before, else two.
   * @param named queues to look at besides those that `queues` knows
   * @param before an earlier survey, as a hint at what is there
   */
  survey(named: readonly string[], now: number, before?: QueueStats): Promise<QueueStats>;
}

/** What a tick looks at first. It reads by itself what is missing here. */
export interface TickSnapshot {
  readonly agenda?: DueTimes;
  readonly cron?: CronState;
}

/** What is there at one moment. */
export interface QueueStats {
  readonly queues: readonly QueueState[];
  /** Ids of the workers whose leases run. */
  readonly workers: readonly string[];
  /** Delayed jobs; at least so many where there are more than 1,000 due times. */
  readonly delayed: number;
  /** The first 1,000 due times of delayed jobs, as the schedule has them. */
  readonly dueTimes: readonly string[];
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

export function redisStatsBroker(client: RedisClient, namespace: string): StatsBroker {
  const keys = keysOf(namespace);
  return {
    async holdScheduler(holder, ms) {
      const [held, agenda, cron] = list(
        await client.script(
          holdScheduler,
          [keys.schedulerLease, ...dueTimesKeys(keys), ...cronStateKeys(keys)],
          [holder, Math.ceil(ms)],
        ),
      );
      if (held !== 1) return undefined;
      return agenda === undefined || cron === undefined ? {} : { agenda: dueTimesOf(agenda), cron: cronStateOf(cron) };
    },

    async releaseScheduler(holder) {
      await client.script(releaseScheduler, [keys.schedulerLease], [holder]);
    },

    async survey(named, now, before) {
      const expected = before?.queues.map((one) => one.name) ?? [];
      const first = await look(named, expected, before?.dueTimes ?? [], now);
      if (first.complete) return first.survey;
      return (await look(named, first.names, first.survey.dueTimes, now)).survey;
    },
  };

  /** What there is, as far as the lists are among those expected. */
  async function look(named: readonly string[], queues: readonly string[], dueTimes: readonly string[], now: number) {
    const expected = [...new Set([...named, ...queues])];
    const answer = list(
      await client.script(
        survey,
        [
          ...[keys.queues, keys.delayedSchedule, keys.leases, keys.retry, keys.failed, keys.paused],
          ...expected.map(keys.queue),
          ...dueTimes.map(keys.delayed),
        ],
        [now, MOST_DUE_TIMES, expected.length, MOST_BYTES],
      ),
    );
    const [known, times, timeCount, workers, retries, failed, paused, states, lengths] = answer;
    const names = [...new Set([...list(known).map(text), ...named])].sort();
    const stateOf = new Map(expected.map((name, i) => [name, list(list(states)[i])]));
    const lengthOf = new Map(dueTimes.map((time, i) => [time, Number(list(lengths)[i])]));
    const due = list(times).map(text);
    const counted = due.filter((time) => lengthOf.has(time));
    const found: QueueStats = {
      queues: names.flatMap((name) => {
        const state = stateOf.get(name);
        return state ? [{ name, depth: Number(state[0]), oldest: enqueuedAt(text(state[1])) }] : [];
      }),
      workers: list(workers).map(text),
      delayed: counted.reduce((sum, time) => sum + (lengthOf.get(time) ?? 0), Number(timeCount) - counted.length),
      dueTimes: due,
      retries: Number(retries),
      failed: Number(failed),
      paused: paused === 1,
    };
    const complete = counted.length === due.length && names.every((name) => stateOf.has(name));
    return { survey: found, names, complete };
  }
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
