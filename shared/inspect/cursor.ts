import type { Between } from '../broker/lists.ts';
import { ConfigError } from '../errors.ts';

/** A place in a list as a cursor: `12_4.ab,…_4.cd,…`; a name may stand before it. */
export function writeBetween({ position, passed, next }: Between): string {
  return `${position}_${passed.join()}_${next.join()}`;
}

const BETWEEN = /^(-?\d{1,15})_([0-9a-f.,]*)_([0-9a-f.,]*)$/;

/** @throws ConfigError for what is no cursor */
export function readBetween(cursor: string): Between {
  const [, position, passed, next] = BETWEEN.exec(cursor) ?? [];
  if (position === undefined) throw badCursor(cursor);
  return { position: Number(position), passed: marksOf(passed), next: marksOf(next) };
}

export function badCursor(cursor: unknown): ConfigError {
  const shown = JSON.stringify(cursor)?.slice(0, 100) ?? typeof cursor;
  return new ConfigError(`The cursor must be that of the page before, unchanged, or be left out; got ${shown}.`);
}

/** @throws ConfigError */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1_000) return;
  throw new ConfigError(`limit must be a whole number from 1 to 1000; got ${String(limit)}.`);
}

function marksOf(text = ''): string[] {
  return text === '' ? [] : text.split(',');
}

/** What of a JSON text stands the same way whoever writes it: no quotes, slashes, or letters that some escape. */
const PLAIN = /[A-Za-z0-9_:.\- ]+/g;

/** The longest part of a value that has to stand in any JSON text with it; none where there is nothing to go by. */
export function needleOf(value: string | undefined): string[] {
  const parts = value?.match(PLAIN) ?? [];
  const longest = parts.reduce((found, part) => (part.length > found.length ? part : found), '');
  return longest === '' ? [] : [longest];
}
