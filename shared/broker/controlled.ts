import type { ControlLock } from '../types.ts';

/** A job that is to be enqueued under some condition, or with a status record; or a plain one between such. */
export interface ControlledJob {
  readonly queue: string;
  readonly payload: string;
  /** Due time, epoch seconds; undefined for at once. */
  readonly seconds: number | undefined;
  /** undefined only of a plain one. */
  readonly id: string | undefined;
  readonly lock?:
    | (Pick<ControlLock, 'name' | 'ms' | 'until'> & { readonly onConflict: 'skip' | 'replace' | 'later' })
    | undefined;
  /** Its status record is kept so many seconds when it has ended; undefined where it has none. */
  readonly keep?: number | undefined;
}

/** What became of it. @property id of the job that there is */
export type Controlled = 'enqueued' | 'parked' | { readonly kind: 'duplicate'; readonly id: string };
