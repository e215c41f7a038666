import { keysOf } from '../keys.ts';
import { MINUTE_MS, short } from '../ops/stats.ts';
import { moreQueueStats, queueStats } from '../scripts/stats.ts';
import type { WrongKey } from '../wrong-key.ts';
import { type Argument, list, type RedisClient, type Reply, text } from './client.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { nameOf, shown, wrongKeysOf } from './wrong-keys.ts';

/** The part of the seam that says what there is to do, for whoever starts workers. */
export interface StatsBroker {
  /**
   * One call where it meets no queue and no due time but those that are named or were there before, else two; more where
   * there are thousands of queues.
   * @param named queues to look at besides those that `queues` knows
   * @param before earlier stats, as a hint at what is there
   * @param note Redis's time, epoch ms: the first that says it in a minute has the sizes of the queues that are named or were
   *   there before written down, 1,000 at the most
   */
  read(named: readonly string[], before?: QueueStats, note?: number): Promise<QueueStats>;
}

/** What is there at one moment. */
export interface QueueStats {
  /** Redis's time, epoch ms. */
  readonly now: number;
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
  /** Limits and pauses that hold jobs back. */
  readonly parkedGates: number;
  /** `pause-all-workers` is set. */
  readonly paused: boolean;
  readonly wrong: readonly WrongKey[];
}

export interface QueueState {
  readonly name: string;
  /** Jobs that wait. */
  readonly depth: number;
  /** When the first of them was enqueued, epoch ms; undefined if its payload does not say, or it was delayed or retried. */
  readonly oldest: number | undefined;
  /** It gives nothing until it is resumed. */
  readonly paused: boolean;
}

/** No more is read of each: it must stay cheap whatever is in Redis. */
const MOST_DUE_TIMES = 1_000;
const MOST_BYTES = 16_384;
const MOST_BYTES_READ = 2_097_152;
/** Queues of which the size is noted, and for how long: rates are of a few minutes. */
const MOST_NOTED = 1_000;
const NOTED_SECONDS = 900;
/** Queues in one call. */
const QUEUES_AT_ONCE = 4_000;

/**
 * Queue statistics on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisStatsBroker(client: RedisClient, namespace: string, time?: TimeSource): StatsBroker {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);
  return {
    async read(named, before, note) {
      const expected = before?.queues.map((one) => one.name) ?? [];
      const first = await look(named, expected, before?.dueTimes ?? [], note);
      if (first.complete) return first.stats;
      return (await look(named, first.names, first.stats.dueTimes)).stats;
    },
  };

  /** What there is, as far as the lists are among those expected. */
  async function look(named: readonly string[], queues: readonly string[], dueTimes: readonly string[], note?: number) {
    const expected = [...new Set([...named, ...queues])];
    const some = expected.slice(0, QUEUES_AT_ONCE);
    const answer = list(
      await script(
        queueStats,
        [
          ...[keys.queues, keys.delayedSchedule, keys.leases, keys.retry, keys.failed, keys.paused],
          ...[keys.pausedQueues, keys.stats.sizes(note ?? 0), keys.parked],
          ...some.map(keys.queue),
          ...dueTimes.map(keys.delayed),
        ],
        [MOST_DUE_TIMES, some.length, MOST_BYTES, MOST_BYTES_READ, ...noteOf(note, some)],
      ),
    );
    const [
      now,
      known,
      times,
      timeCount,
      workers,
      retries,
      failed,
      paused,
      states,
      lengths,
      wrong,
      pausedQueues,
      gates,
    ] = answer;
    const more = await moreStates(expected.slice(QUEUES_AT_ONCE));
    const found = namesOf(keys.queues, known);
    const due = namesOf(keys.delayedSchedule, times);
    const resting = new Set(list(pausedQueues).map(text));
    const names = [...new Set([...found.names, ...named])].sort();
    const replies = [...list(states), ...more.states];
    const stateOf = new Map(expected.map((name, i) => [name, list(replies[i])]));
    const lengthOf = new Map(dueTimes.map((one, i) => [one, Number(list(lengths)[i])]));
    const counted = due.names.filter((one) => lengthOf.has(one));
    const stats: QueueStats = {
      now: Number(now),
      queues: names.flatMap((name) => {
        const state = stateOf.get(name);
        return state
          ? [{ name, depth: Number(state[0]), oldest: enqueuedAt(text(state[1])), paused: resting.has(name) }]
          : [];
      }),
      workers: list(workers).map(text),
      delayed: counted.reduce((sum, one) => sum + (lengthOf.get(one) ?? 0), Number(timeCount) - counted.length),
      dueTimes: due.names,
      retries: Number(retries),
      failed: Number(failed),
      parkedGates: Number(gates),
      paused: paused === 1,
      wrong: [...wrongKeysOf(wrong), ...more.wrong, ...found.wrong, ...due.wrong],
    };
    const complete = counted.length === due.names.length && names.every((name) => stateOf.has(name));
    return { stats, names, complete };
  }

  async function moreStates(names: readonly string[]) {
    const states: Reply[] = [];
    const wrong: WrongKey[] = [];
    for (let from = 0; from < names.length; from += QUEUES_AT_ONCE) {
      const scriptKeys = names.slice(from, from + QUEUES_AT_ONCE).map(keys.queue);
      const answer = list(await client.script(moreQueueStats, scriptKeys, [MOST_BYTES, MOST_BYTES_READ]));
      for (const state of list(answer[0])) states.push(state);
      for (const one of wrongKeysOf(answer[1])) wrong.push(one);
    }
    return { states, wrong };
  }
}

/** What a script needs to note the sizes of queues. */
function noteOf(time: number | undefined, queues: readonly string[]): Argument[] {
  if (time === undefined) return ['', 0, 0];
  const names = queues.slice(0, MOST_NOTED).map((name) => JSON.stringify(short(name)));
  return [Math.floor(time / MINUTE_MS), NOTED_SECONDS, names.length, ...names];
}

/** The members that can be named in a command; of the others one, to be reported. */
function namesOf(key: string, reply: Reply | undefined): { names: string[]; wrong: WrongKey[] } {
  const names: string[] = [];
  let unusable: Reply | undefined;
  for (const member of list(reply)) {
    const name = nameOf(member);
    if (name === undefined) unusable ??= member;
    else names.push(name);
  }
  const error = `its member ${shown(unusable)} is no name: it is not UTF-8, or too long`;
  return { names, wrong: unusable === undefined ? [] : [{ key, error }] };
}

/** `queue_time` stands last in a payload, as php-resque writes it, or before our `control`; of a long one only the end is there. */
const LAST_KEY = /"queue_time":\s*(\d+(?:\.\d+)?)\s*(?:,"control":\{[^{}]*\})?\}\s*$/;

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
