import { ConfigError } from '../errors.ts';
import { shown } from '../options.ts';

/** How far a job has come. */
export interface Progress {
  /** 0 to 100. */
  readonly percent: number;
  /** What it is about. */
  readonly note: string | undefined;
}

/** Characters of a note: it is written again and again. */
const LONGEST_NOTE = 500;

/** @throws ConfigError */
export function progressOf(percent: number, note?: string): Progress {
  if (typeof percent !== 'number' || !(percent >= 0 && percent <= 100)) {
    throw new ConfigError(`ctx.progress: it must be a number from 0 to 100; got ${shown(percent)}.`);
  }
  if (note !== undefined && typeof note !== 'string') {
    throw new ConfigError(`ctx.progress: the note must be a text; got ${shown(note)}.`);
  }
  return { percent, note: note?.slice(0, LONGEST_NOTE).toWellFormed() };
}
