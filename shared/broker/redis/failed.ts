import { charactersOf } from '../element-digest.ts';
import { keysOf } from '../keys.ts';
import type { ListsBroker } from '../lists.ts';
import { countFailed, marksAt, oldestFailed, trimFailed } from '../scripts/failed.ts';
import { appendElements, clearList } from '../scripts/list-change.ts';
import { listLengths } from '../scripts/scheduled.ts';
import { orNothing, type WrongKey } from '../wrong-key.ts';
import { type Argument, list, type RedisClient, text } from './client.ts';
import { redisLists } from './lists.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { nameOf } from './wrong-keys.ts';

/** The part of the seam that looks at, and changes, what failed. */
export interface FailedBroker extends ListsBroker, FailedTrimBroker {
  /** `failed` first, then those in `failed_queues`. */
  failedLists(): Promise<{ readonly name: string; readonly size: number }[]>;
  /** Counts what failed in the same way, from one position of a list down to another. */
  countFailed(name: string, last: number, first: number): Promise<CountedFailed>;
  /** Marks of elements, '' where there is none; how long the list is; and Redis's time, epoch ms. */
  failedMarks(name: string, positions: readonly number[]): Promise<{ length: number; marks: string[]; now: number }>;
  /** A text is appended as it is, bytes byte by byte. In one call. */
  appendFailed(name: string, entries: readonly (string | Buffer)[]): Promise<void>;
  /** @returns how many entries it had */
  clearFailed(name: string): Promise<number>;
}

/** What a scheduler needs to keep the failed list short. */
export interface FailedTrimBroker {
  /** When the first entries failed, as they have it; '' where they do not say. */
  oldestFailed(most: number): Promise<OldestFailed>;
  /**
   * Removes the first entries, at most `count`, while there are more than `leave`; or so many, up to the one with
   * this mark.
   */
  trimFailed(count: number, until: { leave: number } | { mark: string }): Promise<TrimmedFailed>;
}

interface OldestFailed {
  readonly length: number;
  readonly times: readonly string[];
  readonly marks: readonly string[];
  readonly wrong: readonly WrongKey[];
}

interface TrimmedFailed {
  readonly removed: number;
  readonly left: number;
  readonly wrong: readonly WrongKey[];
}

export interface CountedFailed {
  readonly length: number;
  /** Position before the first entry that was counted. */
  readonly next: number;
  /** Mark of the last entry. */
  readonly mark: string;
  readonly rows: readonly FailedRow[];
  /** Entries that do not look as most do; large ones are cut off. */
  readonly others: readonly Buffer[];
}

/** Texts as JSON has them between its quotes. */
export interface FailedRow {
  readonly count: number;
  /** When the first, and the last, failed. */
  readonly first: string;
  readonly last: string;
  readonly class: string;
  readonly exception: string;
  readonly queue: string;
  /** The beginning of the message of the last one. */
  readonly message: string;
}

/** Of entries read in one call that counts, bytes. */
const COUNTED_BYTES = 16_777_216;
const OLDEST_BYTES = 4_194_304;
const LISTS_AT_ONCE = 1_000;

/**
 * What failed, on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisFailedBroker(client: RedisClient, namespace: string, time?: TimeSource): FailedBroker {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);
  return {
    ...redisLists(client, script, keys),
    ...redisFailedTrimBroker(client, namespace),

    async failedLists() {
      const members = list(await orNothing(client.command(['SMEMBERS', keys.failedQueues])));
      const others = members.map(nameOf).filter((name) => name !== undefined && name !== 'failed') as string[];
      const names = ['failed', ...others.sort()];
      const found: { name: string; size: number }[] = [];
      for (let from = 0; from < names.length; from += LISTS_AT_ONCE) {
        const some = names.slice(from, from + LISTS_AT_ONCE);
        const lengths = list(await client.script(listLengths, some.map(keys.failedList), []));
        for (const [i, name] of some.entries()) found.push({ name, size: Number(lengths[i]) });
      }
      return found;
    },

    async countFailed(name, last, first) {
      const reply = list(await client.script(countFailed, [keys.failedList(name)], [last, first, COUNTED_BYTES]));
      const [length, next, mark, flat, others] = reply;
      const rows: FailedRow[] = [];
      const values = list(flat);
      for (let i = 0; i + 6 < values.length; i += 7) {
        const [first, last, className, exception, queue, message] = values.slice(i + 1, i + 7).map(text);
        rows.push({
          count: Number(values[i]),
          first: first ?? '',
          last: last ?? '',
          class: className ?? '',
          exception: exception ?? '',
          queue: queue ?? '',
          message: message ?? '',
        });
      }
      return {
        length: Number(length),
        next: Number(next),
        mark: text(mark),
        rows,
        others: list(others) as Buffer[],
      };
    },

    async failedMarks(name, positions) {
      const [length, marks, now] = list(await script(marksAt, [keys.failedList(name)], positions));
      return { length: Number(length), marks: list(marks).map(text), now: Number(now) };
    },

    async appendFailed(name, entries) {
      const args: Argument[] = [name === 'failed' ? '' : name];
      for (const entry of entries) {
        if (Buffer.isBuffer(entry)) args.push('b', charactersOf(entry));
        else args.push('t', entry);
      }
      await client.script(appendElements, [keys.failedList(name), keys.failedQueues], args);
    },

    async clearFailed(name) {
      return Number(await client.script(clearList, [keys.failedList(name)], []));
    },
  };
}

export function redisFailedTrimBroker(client: RedisClient, namespace: string): FailedTrimBroker {
  const { failed } = keysOf(namespace);
  const wrongOf = (error: string): WrongKey[] => (error === '' ? [] : [{ key: failed, error }]);
  return {
    async oldestFailed(most) {
      const [length, times, marks, error] = list(await client.script(oldestFailed, [failed], [most, OLDEST_BYTES]));
      return {
        length: Number(length),
        times: list(times).map(text),
        marks: list(marks).map(text),
        wrong: wrongOf(text(error)),
      };
    },

    async trimFailed(count, until) {
      const args = 'leave' in until ? [count, until.leave, ''] : [count, '', until.mark];
      const [removed, left, error] = list(await client.script(trimFailed, [failed], args));
      return { removed: Number(removed), left: Number(left), wrong: wrongOf(text(error)) };
    },
  };
}
