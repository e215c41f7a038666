import { markOf, markWithout } from '../broker/element-digest.ts';
import type { ElementRef, FoundElement, ListName } from '../broker/lists.ts';
import { ConfigError } from '../errors.ts';
import { type ReadEntry, readFailed } from '../wire/read-failed.ts';
import type { FailedEntry, FailedQuery } from './failed.ts';

/** An entry as it was found, and how its payload is taken out. */
export interface OpenEntry extends Pick<ReadEntry, 'cut'> {
  readonly entry: FailedEntry;
  readonly bytes: Buffer;
  readonly whole: ElementRef;
}

export function openEntry({ list, position, bytes }: FoundElement): OpenEntry {
  const { fields, cut } = readFailed(bytes);
  const mark = markOf(bytes);
  const without = markWithout(bytes);
  const place = [position, mark, without === mark ? '' : without, list.name].join('~');
  return {
    entry: { ...fields, list: list.name, raw: bytes.toString('utf8'), place },
    cut,
    bytes,
    whole: { position, mark, of: 'whole', without },
  };
}

/** Where an entry is: exactly as it was, and whether or not it was retried since. */
export interface EntryPlace {
  readonly list: ListName;
  readonly whole: ElementRef;
  readonly without: ElementRef;
}

const PLACE = /^(\d{1,15})~([0-9a-f-]+)~([0-9a-f-]*)~([\s\S]+)$/;

/** @throws ConfigError for what is no place of an entry */
export function entryPlace(place: unknown): EntryPlace {
  const [, position, mark, without, name] = (typeof place === 'string' && PLACE.exec(place)) || [];
  if (position === undefined || mark === undefined || name === undefined) {
    throw new ConfigError(`The place of a failed entry must be what client.failed gave; got ${JSON.stringify(place)}.`);
  }
  const at = Number(position);
  return {
    list: failedList(name),
    whole: { position: at, mark, of: 'whole', without: without || mark },
    without: { position: at, mark: without || mark, of: 'without' },
  };
}

/** @throws ConfigError for what is no name of a failed list */
export function failedList(name = 'failed'): ListName {
  if (name === 'failed' || /._failed$/s.test(name)) return { kind: 'failed', name };
  throw new ConfigError(`A failed list is called "failed" or "<queue>_failed"; got ${JSON.stringify(name)}.`);
}

/** What a query asks, of an entry that holds its texts. */
export function fitsQuery(entry: FailedEntry, query: FailedQuery): boolean {
  const { failedAt } = entry;
  return (
    (query.class === undefined || entry.class === query.class) &&
    (query.queue === undefined || entry.queue === query.queue) &&
    (query.exception === undefined || entry.exception === query.exception) &&
    (query.fingerprint === undefined || entry.fingerprint === query.fingerprint) &&
    (query.since === undefined || (failedAt !== undefined && failedAt >= query.since)) &&
    (query.until === undefined || (failedAt !== undefined && failedAt < query.until)) &&
    (query.retried === undefined || (entry.retriedAt !== undefined) === query.retried)
  );
}
