import type { Progress } from '../job/progress.ts';
import { parseWithBigInts } from '../json.ts';
import { readDate } from './read-date.ts';

/** What the status record of a job says. */
export interface TrackedJob {
  /** Its id. */
  readonly id: string;
  /** `waiting` in a queue or for its time; `retrying`: an attempt failed, and the next one is yet to come. */
  readonly state: 'waiting' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'discarded';
  /** The attempt that runs, or ended last, from 1; 0 before the first; undefined where php-resque has made the record. */
  readonly attempt: number | undefined;
  /** What its handler returned, through JSON; null before, and where that could not be kept: then `error` says why. */
  readonly result: unknown;
  /** What `ctx.progress` said last. */
  readonly progress: Progress | undefined;
  /** Name and message of what its last attempt threw, why it was discarded, or why its result was not kept. */
  readonly error: string | undefined;
  /** When it was enqueued. */
  readonly enqueuedAt: Date | undefined;
  /** When its last attempt began, to the second. */
  readonly startedAt: Date | undefined;
  /** When it ended for good. */
  readonly endedAt: Date | undefined;
  /** When the record was written last, but for progress; to the second. */
  readonly updatedAt: Date | undefined;
}

const STATES = ['waiting', 'running', 'retrying', 'succeeded', 'failed', 'discarded'] as const;
/** php-resque's. */
const CODES: Readonly<Record<number, TrackedJob['state']>> = {
  1: 'waiting',
  2: 'running',
  3: 'failed',
  4: 'succeeded',
};

/** @returns undefined for what is no status record */
export function readStatus(id: string, record: string): TrackedJob | undefined {
  let fields: Readonly<Record<string, unknown>>;
  try {
    const value = parseWithBigInts(record);
    if (typeof value !== 'object' || value === null) return undefined;
    fields = value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
  const { status, state, updated, started, result, attempt, progress, error, enqueued, ended } = fields;
  const named = STATES.find((one) => one === state) ?? (typeof status === 'number' ? CODES[status] : undefined);
  if (named === undefined) return undefined;
  const [percent, note] = Array.isArray(progress) ? (progress as unknown[]) : [];
  return {
    id,
    state: named,
    attempt: typeof attempt === 'number' ? attempt : undefined,
    result: result ?? null,
    progress: typeof percent === 'number' ? { percent, note: typeof note === 'string' ? note : undefined } : undefined,
    error: typeof error === 'string' ? error : undefined,
    enqueuedAt: readDate(enqueued),
    startedAt: readDate(started),
    endedAt: hasEnded(named) ? (readDate(ended) ?? readDate(updated)) : undefined,
    updatedAt: readDate(updated),
  };
}

export function hasEnded(state: TrackedJob['state']): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'discarded';
}
