import { ConfigError } from '../errors.ts';
import { writeBetween } from './cursor.ts';
import type { Failed, FailedEntry, FailedPage } from './failed.ts';
import { entryPlace } from './failed-entry.ts';

/** Entries in a page, and how many are looked at. */
const PAGE = 100;
const LOOKED_AT = 20_000;
/** So much of a mark tells entries from each other that stand near one place. */
const DIGITS = 6;

const REF = /^(\d{1,15})-([0-9a-f]{6})(?:@([\s\S]+_failed))?$/;

/**
 * A short name of an entry, for people to type: `412-9f3a2c`, and `@mailers_failed` for another list. It stays when the entry is retried.
 */
export function failedRef({ place, list }: Pick<FailedEntry, 'place' | 'list'>): string {
  const { without } = entryPlace(place);
  return `${without.position}-${without.mark.slice(-DIGITS)}${list === 'failed' ? '' : `@${list}`}`;
}

/**
 * The entry that a short name, a `place` or the id of a job stands for; of several with one id, the newest. A name costs one or
 * few commands, since entries only ever move towards the head; an id is looked for in all of the list.
 * @param list of an id @default 'failed'
 */
export async function findFailed(failed: Failed, text: string, list?: string): Promise<FailedEntry | undefined> {
  const place = placeOf(text);
  const ref = place ? failedRef({ place: text, list: place.list.name }) : text;
  const [, position, , named] = REF.exec(ref) ?? [];
  if (position !== undefined) return near(failed, ref, Number(position), named ?? 'failed');
  for await (const entry of failed.find({ text, ...(list === undefined ? {} : { list }) })) {
    if (entry.id === text) return entry;
  }
  return undefined;
}

async function near(failed: Failed, ref: string, position: number, list: string): Promise<FailedEntry | undefined> {
  const mark = ref.slice(ref.indexOf('-'));
  const size = (await failed.lists()).find(({ name }) => name === list)?.size ?? 0;
  // It may be nearer to the head by now, never nearer to the tail.
  let cursor: string | undefined = position < size ? writeBetween({ position, passed: [], next: [] }) : '';
  for (let looked = 0; cursor !== undefined && looked < LOOKED_AT; looked += PAGE) {
    const page: FailedPage = await failed.page({ list, cursor, limit: PAGE });
    // Wherever it is by now.
    const found = page.items.find((entry) => failedRef(entry).endsWith(mark));
    if (found) return found;
    cursor = page.cursor;
  }
  return undefined;
}

function placeOf(text: string) {
  try {
    return entryPlace(text);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}
