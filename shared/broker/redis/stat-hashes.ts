import { keysOf } from '../keys.ts';
import { DAY_MS, MINUTE_MS } from '../ops/stats.ts';
import { readStatHashes } from '../scripts/stat-hashes.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';

/** The part of the seam that reads statistics. */
export interface StatHashesBroker {
  /** Of consecutive days or minutes. One call for each 30. @param first number of the first since the epoch */
  read(unit: 'day' | 'minute', first: number, count: number): Promise<StatHash[]>;
  /** Of all Resque programs, since Redis was set up. */
  counters(): Promise<{ readonly processed: number; readonly failed: number }>;
}

/** One day or minute. */
export interface StatHash {
  /** When it began, epoch ms. */
  readonly at: number;
  readonly sums: readonly StatSum[];
  /** By queue: how many jobs waited, when. */
  readonly sizes: ReadonlyMap<string, NotedSize>;
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

export interface NotedSize {
  readonly size: number;
  /** Epoch ms. */
  readonly at: number;
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
      return times.map((at, i) => hashOf(at, list(replies[i])));
    },

    async counters() {
      const [processed, failed] = list(await client.command(['MGET', keys.stat('processed'), keys.stat('failed')]));
      return { processed: Number(text(processed)) || 0, failed: Number(text(failed)) || 0 };
    },
  };
}

const NUMBERS = /^\d+(?: \d+){6}$/;
const SIZE = /^(\d+) (\d+)$/;

/** What is no sum and no size counts for nothing. */
function hashOf(at: number, flat: readonly Reply[]): StatHash {
  const sums: StatSum[] = [];
  const sizes = new Map<string, NotedSize>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const [queue, name] = namesOf(text(flat[i]));
    const value = text(flat[i + 1]);
    if (queue === undefined) continue;
    if (name === undefined) {
      const [, size, noted] = SIZE.exec(value) ?? [];
      if (noted !== undefined) sizes.set(queue, { size: Number(size), at: Number(noted) });
    } else if (NUMBERS.test(value)) {
      const [succeeded = 0, failed = 0, retried = 0, discarded = 0, micros = 0, waitMs = 0, waited = 0] = value
        .split(' ')
        .map(Number);
      sums.push({ queue, class: name, succeeded, failed, retried, discarded, micros, waitMs, waited });
    }
  }
  return { at, sums, sizes };
}

function namesOf(field: string): readonly (string | undefined)[] {
  try {
    const names: unknown = JSON.parse(field);
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : [];
  } catch {
    return [];
  }
}
