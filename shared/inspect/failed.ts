import type { FailedFields } from '../wire/read-failed.ts';
import type { Page } from './job-view.ts';

/**
 * An entry of a failed list, whoever wrote it: Ruby, PHP, Go, Node or this library. What it does not say is undefined or
 * empty; one that is no failed entry at all has only its `raw` text.
 */
export interface FailedEntry extends FailedFields {
  /** `failed`, or `<queue>_failed` where Ruby's multi-queue backend is used. */
  readonly list: string;
  /** The whole entry as it stands in Redis. */
  readonly raw: string;
  /** Where it is: what `retry` and `remove` go by. */
  readonly place: string;
}

/** All that a change needs to know of an entry. */
export type FailedRef = Pick<FailedEntry, 'place'>;

/** Which entries; everything that is given has to fit. */
export interface FailedQuery {
  /** The whole name. */
  readonly class?: string;
  /** The whole name. */
  readonly queue?: string;
  /** Name of the error's class. */
  readonly exception?: string;
  /** Of a group: see `FailedGroup`. */
  readonly fingerprint?: string;
  /** Anywhere in the entry, as it stands there: JSON text, case matters. */
  readonly text?: string;
  /** Failed then or later. An entry without a date does not fit. */
  readonly since?: Date;
  /** Failed before that. */
  readonly until?: Date;
  /** Whether it was run again since it failed. */
  readonly retried?: boolean;
  /** @default 'failed' */
  readonly list?: string;
}

/** What failed in the same way. */
export interface FailedGroup {
  /** For a query of its entries. */
  readonly fingerprint: string;
  /** Of the payloads. */
  readonly class: string | undefined;
  /** Name of the error's class. */
  readonly exception: string;
  /** The newest message, cut at 200 characters. */
  readonly sample: string;
  /** Entries. */
  readonly count: number;
  /** When the first of them failed. */
  readonly first: Date | undefined;
  /** When the last of them failed. */
  readonly last: Date | undefined;
  /** That they were taken from. */
  readonly queues: readonly string[];
}

/** Groups of a failed list, as far as it was counted. */
export interface FailedGroups {
  /** Most first; of more than 500, the first 500. */
  readonly groups: readonly FailedGroup[];
  /** How many entries were counted: the newest ones. */
  readonly scanned: number;
  /** How many there are. */
  readonly total: number;
}

/** What failed on one day. */
export interface FailedDay {
  /** YYYY-MM-DD, UTC. */
  readonly day: string;
  /** Entries. */
  readonly count: number;
}

/** What failed on each of some days, as far as it was counted. */
export interface FailedDays {
  /** Oldest first; days without any are included. */
  readonly days: readonly FailedDay[];
  /** How many entries were counted, whatever their day: the newest ones. */
  readonly scanned: number;
  /** How many there are. */
  readonly total: number;
}

/** One failed list. */
export interface FailedList {
  /** `failed`, or `<queue>_failed`. */
  readonly name: string;
  /** Entries. */
  readonly size: number;
}

/** A page of a failed list, newest first. */
export interface FailedPage extends Page<FailedEntry> {
  /** How many entries this call has looked at. */
  readonly scanned: number;
  /** Everything was looked through; else go on with `cursor`, also where the page has no items. */
  readonly complete: boolean;
}

/**
 * What failed. Entries keep their bytes whatever is done with them: a payload is cut out of its entry as it stands there,
 * never parsed and written anew.
 *
 * A call works in bounded pieces: no call of Redis takes long, whatever the length of the list. Each change is atomic
 * and tells whether it found the entry.
 */
export interface Failed {
  /** The lists that there are, `failed` first, then those in `failed_queues`. 2 commands, and one for each 1,000 lists. */
  lists(): Promise<FailedList[]>;
  /**
   * Newest first. A cursor stays right while entries come and go: none that stayed is left out or shown twice. It looks at
   * 20,000 entries or 16 MB at the most, so that a page behind a filter may come with fewer, or no, items: see `complete`.
   * Costs 1 command; up to 4 behind a filter; more only where thousands of entries have gone since the page before.
   * @param options.limit most entries @default 25
   * @throws ConfigError for a limit or a cursor that cannot be
   */
  page(options?: FailedQuery & { readonly cursor?: string; readonly limit?: number }): Promise<FailedPage>;
  /** Every entry that fits, newest first, read page by page. What the caller does with one does not move the others. */
  find(query: FailedQuery): AsyncGenerator<FailedEntry>;
  /**
   * By class, exception and message, the last with numbers, ids and quoted values taken out. A call counts about
   * 8,000 entries that it has not counted before, the newest first, in 5 commands at the most. What was counted is
   * kept in this process while nothing is removed before it, so that the next call counts on: `scanned` of `total`
   * says how far it is. Entries older than the newest 300,000 are not counted.
   */
  groups(options?: { readonly list?: string }): Promise<FailedGroups>;
  /**
   * How many failed on each of the last days (UTC), oldest first, days without any included. It counts what `groups`
   * counts, and in the same commands: until `scanned` is `total`, days may have more than they show.
   * @param options.days @default 30
   */
  byDay(options?: { readonly days?: number; readonly list?: string }): Promise<FailedDays>;
  /**
   * Pushes the payload to the tail of its queue and writes `retried_at` into the entry, in one step, as resque-web
   * does; the entry stays. The attempts of the job are counted anew. 2 commands; more only where thousands have gone
   * since.
   * @returns whether it was still there, and unchanged: of two that press the button, one is told false. One that was
   * retried meanwhile is not looked for any further
   * @throws ConfigError if its payload is no job, which would only fail again, or if nothing names its queue
   */
  retry(entry: FailedRef): Promise<boolean>;
  /**
   * Retries all that fit, newest first, some in each atomic step; those that were retried before only with `retried:
   * true`. What is no job, or has no queue, is passed over. 2 commands for each 500 entries that fit, 1 for each
   * 5,000 that do not. Entries that others retried or removed meanwhile are passed over.
   * @returns how many were retried
   */
  retryAll(query: FailedQuery): Promise<number>;
  /** 1 command; more only where thousands have gone since. @returns whether it was still there, retried meanwhile or not */
  remove(entry: FailedRef): Promise<boolean>;
  /** As `retryAll`. @returns how many were removed */
  removeAll(query: FailedQuery): Promise<number>;
  /** Removes a whole list. 1 command. @param list @default 'failed' @returns how many entries it had */
  clear(list?: string): Promise<number>;
  /**
   * A line of JSON for each entry that fits, oldest first, without a line feed: the entry as it stands. What is not
   * JSON in one line, or not UTF-8, stands in `{"lambdesque_base64":"…"}`.
   */
  export(query?: FailedQuery): AsyncGenerator<string>;
  /**
   * Appends entries, as `export` gave them, byte by byte. Empty lines are passed over.
   * @param options.list @default 'failed'
   * @returns how many were added
   * @throws ConfigError at a line that is no failed entry; what stands before it has been added
   */
  import(lines: AsyncIterable<string> | Iterable<string>, options?: { readonly list?: string }): Promise<number>;
}
