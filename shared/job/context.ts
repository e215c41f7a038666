import type { Logger } from '../log.ts';
import type { TraceContext } from '../telemetry.ts';
import type { ActiveJobInfo } from '../types.ts';
import type { Enqueue } from './enqueue.ts';
import type { JobFlow } from './flow.ts';

/** What a handler and its middleware know and can do besides their arguments. */
export interface JobContext {
  /** The job itself. */
  readonly job: JobInfo;
  /** Set where a cron entry enqueued the job: its name, and the time that the job is for. */
  readonly cron: CronOrigin | undefined;
  /** Set for a job of Rails' ActiveJob: what it carries besides its arguments. */
  readonly activeJob: ActiveJobInfo | undefined;
  /** Set for a step of a flow. */
  readonly flow: JobFlow | undefined;
  /** Aborts when the attempt has to end: its `timeout`, the invocation's deadline, a shutdown, a lost lease. */
  readonly signal: AbortSignal;
  /** Milliseconds until the attempt's timeout or the invocation's deadline, whichever is first; `Infinity` without either. */
  timeLeft(): number;
  /** Its lines carry class, queue, id and attempt; and `traceId`, of a job whose payload has a trace. */
  readonly log: Logger;
  /**
   * Says how far the job has come, for `client.jobs.get` of one that is tracked; else it does nothing. Call it as often as you
   * like: the last one counts, and goes along with the worker's next round trip.
   * @param percent 0 to 100  @param note what it is about; 500 characters of it
   * @throws ConfigError for another number
   * @example ctx.progress(40, 'page 2 of 5');
   */
  progress(percent: number, note?: string): void;
  /**
   * Enqueue another job.
   * @example await ctx.enqueue(Welcome, ['Zoë'], { in: '1h' });
   */
  readonly enqueue: Enqueue;
}

/** Which cron entry has enqueued a job. */
export interface CronOrigin {
  /** The entry's name. */
  readonly name: string;
  /** The time that the job is for; it may run later. */
  readonly slot: Date;
  /** `skip` where the entry says so. @default 'allow' */
  readonly overlap?: 'allow' | 'skip';
}

/** What is known of a job and its attempt. */
export interface JobInfo {
  /** What stands in the payload; with a prefix definition this tells which class it is. */
  readonly class: string;
  /** The queue that it was reserved from. */
  readonly queue: string;
  /** The payload's `id`, or one given to it; the same for all attempts. */
  readonly id: string;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Attempts in all. */
  readonly attempts: number;
  /** How many workers died while they held the job. A death costs no attempt. */
  readonly deaths: number;
  /** The payload's text, as its producer wrote it. */
  readonly payload: string;
  /** When it was enqueued, epoch milliseconds; only if the payload says so. */
  readonly queueTime?: number;
  /** The trace in which it was enqueued; only if the payload says so. */
  readonly trace?: TraceContext;
}
