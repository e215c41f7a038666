/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** For the next page; undefined after the last. */
  readonly cursor: string | undefined;
}

/** Where a job is. `done` is only known of jobs with a php-resque status record. */
export type JobState = 'queued' | 'running' | 'scheduled' | 'retry' | 'failed' | 'done';

/** A job as it stands in Redis. */
export interface JobView {
  readonly state: JobState;
  readonly queue: string | undefined;
  /** undefined, and no arguments, where the payload is no job. */
  readonly class: string | undefined;
  /** The payload's `id`, or the one that it got with its first retry; undefined if it has none. */
  readonly id: string | undefined;
  /** Decoded, integers beyond ±(2⁵³−1) as bigint. */
  readonly args: readonly unknown[];
  /** As its producer wrote it. */
  readonly payload: string;
  /** `payload` is the text exactly; false where it is not UTF-8 and is shown with replacement characters. */
  readonly exact: boolean;
  /** Length of the payload. */
  readonly bytes: number;
  /** Attempts that ended without success. */
  readonly attempts: number;
  /** Workers that died while they held it. */
  readonly deaths: number;
  /** Of past attempts: the last three at the most, and of a failed job its last; each text is cut short. */
  readonly errors: readonly AttemptError[];
  /** If the payload says so (`queue_time`). */
  readonly enqueuedAt: Date | undefined;
  /** When it is due (scheduled, retry), failed, or started (running, as far as that is known). */
  readonly at: Date | undefined;
  /** Of a running job, the worker that holds it; of a failed one, the worker that ran it last. */
  readonly worker: string | undefined;
  /** Where it is: what `run`, `remove` and `reschedule` go by. */
  readonly place: string;
}

/** How one attempt ended. */
export interface AttemptError {
  /** From 1. */
  readonly attempt: number;
  readonly at?: Date;
  /** Name and message. */
  readonly error: string;
}
