import type { TrackedJob } from '../wire/read-status.ts';
import type { JobState, JobView, Page } from './job-view.ts';
import type { WaitOptions } from './job-wait.ts';

/** What to look for; everything that is given has to fit. */
export interface JobQuery {
  /** The whole id. */
  readonly id?: string;
  /** The whole name. */
  readonly class?: string;
  /** The whole name. */
  readonly queue?: string;
  /** Anywhere in the payload, as it stands there: JSON text, case matters. */
  readonly text?: string;
  /** @default scheduled, retry, parked, queued, running, failed; and done where an id is given */
  readonly states?: readonly JobState[];
  /** Most jobs of a page. @default 25 */
  readonly limit?: number;
  /** Of the page before. @default the first page */
  readonly cursor?: string;
}

/** A page of what was found so far. */
export interface FoundJobs extends Page<JobView> {
  /** How many payloads this call has looked at. */
  readonly scanned: number;
  /** Everything was looked through; else go on with `cursor`, also where the page has no items. */
  readonly complete: boolean;
}

/** What came of `cancel`: the job is discarded; or it runs, and its handler hears of it with the next sync of its worker. */
export type Cancelled = 'discarded' | 'cancelling';

/** All that a change needs to know of a job. */
export type JobAt = Pick<JobView, 'place'>;

/** Finds jobs, wherever they are, and changes them. Each change is atomic and tells whether it found the job. */
export interface Jobs {
  /**
   * Looks through what waits for its time, is parked, waits in queues, runs and has failed, in this order, in bounded pieces: a call
   * looks at 60,000 payloads or 24 MB at the most, whatever is there, and comes back with what it has found by then.
   * Redis does the search; only what may fit is read. What moves on from one of these states to a later one meanwhile may be
   * met twice; what moves back, as a retry does, may be missed.
   *
   * Costs at most 14 commands a call, and one for each 100 due times of delayed jobs or gates with parked ones.
   * @throws ConfigError for a limit, a state or a cursor that cannot be
   */
  find(query: JobQuery): Promise<FoundJobs>;
  /**
   * The job with this id: `find`, until it is found or everything was looked through; of one that is tracked with its `tracked`:
   * attempt, progress, result, error and times. Costs 1 or 2 commands for its record, and to find it at
   * most what `cancel` costs, with 2 more for each 20,000 failed jobs.
   */
  get(id: string): Promise<JobView | undefined>;
  /**
   * Resolves when a tracked job has ended for good: succeeded, failed or discarded. Over TCP Redis tells of it, on a connection
   * for all that this client waits for; over REST it is looked at, first after 0.2 s, at last each 5 s.
   * @throws WaitTimeoutError when `timeout` is over; UntrackedJobError where there is no record of it; the reason of `signal`
   * @example
   * const { id } = await client.enqueue(Hello, ['hi', 'Zoë'], { track: true });
   * const { state, result, error } = await client.jobs.wait(id as string, { timeout: '30s' });
   */
  wait(id: string, options?: WaitOptions): Promise<TrackedJob>;
  /**
   * Runs it now: a scheduled job or a retry goes to the tail of its queue, a queued one to the head, a failed one is
   * retried as `client.failed.retry` does it; a parked one goes to the head of its queue, and starts past the limit that held it
   * back, if it is reserved within a minute. 1 command, of a parked one 2 or 3; more only where it has moved a long way since it was read.
   * @returns whether it was still there
   * @throws ConfigError for one that runs or is done, that names no queue, or whose class is paused
   */
  run(job: JobAt): Promise<boolean>;
  /**
   * Takes it out of Redis, and gives back what it holds, such as the lock of a cron entry that waits for its end. 1
   * command; more only where it has moved a long way.
   * @returns whether it was still there
   * @throws ConfigError for one that runs: its worker has it
   */
  remove(job: JobAt): Promise<boolean>;
  /**
   * The job with this id is not to go on: one that waits is discarded; the handler of one that runs gets its `AbortSignal`
   * with the next sync of its worker, and when it has ended the job counts as discarded, with the reason: 1,000 characters of it.
   * Nothing starts it while it is looked for. Where several have this id, such as of one that failed and was retried twice, it is for
   * all of them: so all that waits or runs is looked through. 9 to 20 commands where that is little; for more of it, 2 for each
   * 20,000 jobs or 8 MB of a queue, 100 queues, 100 due times of delayed jobs, 100 gates with parked ones, and 4 for each 50 workers.
   * @returns undefined where no job with this id waits or runs
   * @throws ConfigError where 1,000 jobs that run are being cancelled
   * @example await client.jobs.cancel('0b0c8d3e-9d2f-4a55-8a39-1c1f3f0f7a11', 'the order was withdrawn');
   */
  cancel(id: string, reason?: string): Promise<Cancelled | undefined>;
  /**
   * Another time for a scheduled job (to the second) or a retry. 2 commands.
   * @returns whether it was still there
   * @throws ConfigError for a time that cannot be, or a job that does not wait for one
   */
  reschedule(job: JobAt, at: Date): Promise<boolean>;
}
