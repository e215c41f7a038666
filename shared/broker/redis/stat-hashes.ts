import { keysOf } from '../keys.ts';
import { BUCKETS } from '../ops/run-times.ts';
import { DAY_MS, MINUTE_MS } from '../ops/stats.ts';
import { readStatHashes } from '../scripts/stat-hashes.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';

/** The part of the seam that reads statistics. */
export interface StatHashesBroker {
  /** Of consecutive days or minutes. One call for each 30. @param first number of the first since the epoch */
  read(unit: 'day' | 'minute', first: number, count: number): Promise<StatHash[]>;
  /** One day, with how many took how long. One call. @param time in it, epoch ms */
  day(time: number): Promise<{ readonly sums: readonly StatSum[]; readonly times: readonly PairTimes[] }>;
  /** How many jobs waited in each queue, as schedulers noted it in consecutive minutes. One call. */
  sizes(first: number, count: number): Promise<NotedSizes[]>;
  /** Of all Resque programs, since Redis was set up. */
  counters(): Promise<{ readonly processed: number; readonly failed: number }>;
}

/** One day or minute. */
export interface StatHash {
  /** When it began, epoch ms. */
  readonly at: number;
  readonly sums: readonly StatSum[];
}

/** Of one queue and class; times are µs of handlers, ms of waiting. */
export interface StatSum {
  readonly queue: string;
  readonly class: string;
  readonly succeeded: number;
  readonly failed: number;
  readonly retried: number;
  readonly discarded: number;
  readonly micros: number;
  readonly waitMs: number;
  readonly waited: number;
}

/** Of one queue and class, by bucket of `BUCKETS_MS`. */
export interface PairTimes {
  readonly queue: string;
  readonly class: string;
  readonly durations: readonly number[];
  readonly waits: readonly number[];
}

export interface NotedSizes {
  /** When they were noted, epoch ms. */
  readonly at: number;
  /** By queue. */
  readonly sizes: ReadonlyMap<string, number>;
}

/** In one call: so many that the largest do not block Redis for long. */
const HASHES_AT_ONCE = 30;

/** @param namespace prefix of every key, `resque:` in Resque's own default */
export function redisStatHashesBroker(client: RedisClient, namespace: string): StatHashesBroker {
  const keys = keysOf(namespace);
  return {
    async read(unit, first, count) {
      const ms = unit === 'day' ? DAY_MS : MINUTE_MS;
      const times = Array.from({ length: count }, (_, i) => (first + i) * ms);
      const calls: Promise<readonly Reply[]>[] = [];
      for (let from = 0; from < count; from += HASHES_AT_ONCE) {
        const some = times.slice(from, from + HASHES_AT_ONCE).map(keys.stats[unit]);
        calls.push(client.script(readStatHashes, some, []).then((answer) => list(list(answer)[0])));
      }
      const replies = (await Promise.all(calls)).flat();
      const names = new Map<string, readonly string[] | undefined>();
      return times.map((at, i) => ({ at, sums: sumsOf(text(replies[i]), names) }));
    },

    async day(time) {
      const both = [keys.stats.day(time), keys.stats.times(time)];
      const [sums, times] = list(list(await client.script(readStatHashes, both, []))[0]);
      return { sums: sumsOf(text(sums), new Map()), times: timesOf(text(times)) };
    },

    async sizes(first, count) {
      const names = Array.from({ length: count }, (_, i) => keys.stats.sizes((first + i) * MINUTE_MS));
      return list(await client.command(['MGET', ...names])).flatMap((reply) => sizesOf(text(reply)) ?? []);
    },

    async counters() {
      const [processed, failed] = list(await client.command(['MGET', keys.stat('processed'), keys.stat('failed')]));
      return { processed: Number(text(processed)) || 0, failed: Number(text(failed)) || 0 };
    },
  };
}

const FIELD = /^\["/;
const NUMBERS = /^\d+(?: \d+){6}$/;

/** @param names of fields that were met before: those of one hash are in the next one too */
function sumsOf(lines: string, names: Map<string, readonly string[] | undefined>): StatSum[] {
  const sums: StatSum[] = [];
  const all = lines.split('\n');
  // What is no sum counts for nothing, also where it has lines of its own.
  for (let i = 0; i + 1 < all.length; i++) {
    const [field = '', value = ''] = [all[i], all[i + 1]];
    if (!FIELD.test(field) || !NUMBERS.test(value)) continue;
    i++;
    if (!names.has(field)) names.set(field, namesOf(field));
    const [queue, name] = names.get(field) ?? [];
    if (queue === undefined || name === undefined) continue;
    const [succeeded = 0, failed = 0, retried = 0, discarded = 0, micros = 0, waitMs = 0, waited = 0] = value
      .split(' ')
      .map(Number);
    sums.push({ queue, class: name, succeeded, failed, retried, discarded, micros, waitMs, waited });
  }
  return sums;
}

function timesOf(lines: string): PairTimes[] {
  const times = new Map<string, { queue: string; class: string; durations: number[]; waits: number[] }>();
  const all = lines.split('\n');
  for (let i = 0; i + 1 < all.length; i++) {
    const [, digits, pair = ''] = /^(\d{1,2}) (\[".*)$/.exec(all[i] ?? '') ?? [];
    const [bucket, count] = [Number(digits), all[i + 1] ?? ''];
    if (!(bucket < 2 * BUCKETS) || !/^\d{1,15}$/.test(count)) continue;
    i++;
    let row = times.get(pair);
    if (!row) {
      const [queue, name] = namesOf(pair) ?? [];
      if (queue === undefined || name === undefined) continue;
      row = { queue, class: name, durations: new Array(BUCKETS).fill(0), waits: new Array(BUCKETS).fill(0) };
      times.set(pair, row);
    }
    if (bucket < BUCKETS) row.durations[bucket] = Number(count);
    else row.waits[bucket - BUCKETS] = Number(count);
  }
  return [...times.values()];
}

function namesOf(field: string): string[] | undefined {
  const names = parsed(field);
  return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : undefined;
}

/** `[<epoch ms>,"<queue>",<jobs>,…]` */
function sizesOf(noted: string): NotedSizes | undefined {
  const values = parsed(noted);
  if (!Array.isArray(values) || typeof values[0] !== 'number') return undefined;
  const sizes = new Map<string, number>();
  for (let i = 1; i + 1 < values.length; i += 2) {
    const [queue, size]: unknown[] = [values[i], values[i + 1]];
    if (typeof queue === 'string' && typeof size === 'number') sizes.set(queue, size);
  }
  return { at: values[0], sizes };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
