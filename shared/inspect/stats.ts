/** What there is in Redis, and what was ever done. */
export interface StatTotals {
  /** Attempts that ended, since Redis was set up; by all Resque programs. */
  readonly processed: number;
  readonly failed: number;
  /** Jobs in all queues. */
  readonly queued: number;
  /** Delayed jobs; at least so many where there are more than 1,000 due times. */
  readonly scheduled: number;
  /** Failed attempts that wait for the next one. */
  readonly retries: number;
  /** Entries in the failed list. */
  readonly failedList: number;
  /** Workers that are not known to be dead, of ours and others. */
  readonly workers: number;
  /** Jobs that workers of ours hold. */
  readonly running: number;
  /** No worker takes a job: `queues.pauseAll`. */
  readonly paused: boolean;
  /** Redis's clock. */
  readonly now: Date;
}

/** What workers of ours did in one day or minute. */
export interface StatPoint {
  /** Where it begins, UTC. */
  readonly at: Date;
  /** Attempts that ended: the sum of the next four. */
  readonly processed: number;
  readonly succeeded: number;
  /** To the failed list; those too that died too often. */
  readonly failed: number;
  readonly retried: number;
  readonly discarded: number;
  /** All handlers' time together. */
  readonly ms: number;
  /** From enqueuing to the first attempt's start, together, of those whose payloads say when they were enqueued… */
  readonly waitMs: number;
  /** …and how many those were: `waitMs / waited` is the mean. */
  readonly waited: number;
}

export interface StatSeries {
  /** Queue or class; undefined for the sum of all. `(other)` has what exceeds 500 pairs of queue and class, `(unknown)` what has no class. */
  readonly name: string | undefined;
  /** Without gaps, the oldest first; the last one is still going on. */
  readonly points: readonly StatPoint[];
}

export interface SeriesOptions {
  readonly unit: 'day' | 'minute';
  /** How many, the current one included. @default as many as are kept: 90 days, 180 minutes */
  readonly last?: number;
  /** One series for each queue or class, most processed first. @default the sum of all */
  readonly by?: 'queue' | 'class';
}

/** Numbers that Redis keeps: of each day for 90 days, of each minute for 3 hours. Days are UTC. */
export interface Stats {
  /** About 5 commands. */
  totals(): Promise<StatTotals>;
  /** 2 commands for each 30 days or minutes. @throws ConfigError for an option that cannot be used */
  series(options: SeriesOptions): Promise<StatSeries[]>;
}
