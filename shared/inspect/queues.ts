import type { JobView, Page } from './job-view.ts';

/** A queue at one moment. */
export interface QueueInfo {
  readonly name: string;
  /** Jobs that wait in it. */
  readonly size: number;
  /** When the first of them was enqueued; undefined where its payload does not say, or it was delayed or retried since. */
  readonly oldest: Date | undefined;
  /** Jobs of it that workers of ours hold: those that run, and those that were reserved and start next. */
  readonly running: number;
  /** It gives nothing until it is resumed. `pauseAll` is not counted here: see `stats.totals`. */
  readonly paused: boolean;
  /** One worker at a time has its jobs, in order. */
  readonly serial: boolean;
  /** Ids of workers whose queue lists match it, and that are not known to be dead. */
  readonly workers: readonly string[];
  readonly rates: QueueRates;
}

/** Jobs a minute, over the last 5 whole minutes; what workers of ours did. */
export interface QueueRates {
  /** What came: `out` and by how much the queue has grown. undefined unless a scheduler runs, which notes the size each minute. */
  readonly in: number | undefined;
  /** Attempts that ended, however. */
  readonly out: number;
  readonly failed: number;
}

/**
 * Queues, looked at and changed. A queue need not be known to Redis to be paused or looked at.
 * Each method throws ConfigError for a name that is none, and RedisTypeError where a queue's key is no list.
 */
export interface Queues {
  /** Every queue that Redis knows, by name. About 6 commands, whatever is in the queues; more beyond 4,000 queues or 50,000 jobs in flight. */
  list(): Promise<QueueInfo[]>;
  /** One queue, whether or not Redis knows it. As many commands as `list`. */
  get(name: string): Promise<QueueInfo>;
  /**
   * What waits, from the head. One command. A cursor finds its place again while jobs leave: within 1,000 of them, or
   * at the head where all that were shown have left.
   * @param options `cursor` of the page before; `limit` jobs at the most, 1 to 1,000, 25 by default; fewer where they are large
   */
  peek(name: string, options?: { readonly cursor?: string; readonly limit?: number }): Promise<Page<JobView>>;
  /**
   * The queue gives nothing more, to workers of ours, from their next sync on; what they have reserved of it and not
   * started goes back to its head, in order; jobs that run go on. Ruby's and other workers know nothing of it. One command.
   */
  pause(name: string): Promise<void>;
  /** Workers that wait look at it within their interval. One command. */
  resume(name: string): Promise<void>;
  /** Resque's `pause-all-workers`: no worker takes a job, Ruby's neither. One command. */
  pauseAll(): Promise<void>;
  /** One command. */
  resumeAll(): Promise<void>;
  /** Removes all jobs that wait in it; the queue stays known, and paused if it was. One command. @returns how many there were */
  clear(name: string): Promise<number>;
  /** Removes the queue and all that waits in it, as Resque.remove_queue does; a pause ends. One command. @returns jobs removed */
  remove(name: string): Promise<number>;
  /**
   * Appends all jobs of one queue to another, in order, byte for byte. One command where the other one is empty; else one
   * for each 1,000 jobs or 2 MB, each atomic. What is enqueued meanwhile stays. @returns how many were moved
   */
  move(from: string, to: string): Promise<number>;
}
