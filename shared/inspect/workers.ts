import type { JobView } from './job-view.ts';

/** A worker, of ours or another Resque's. */
export interface WorkerInfo {
  /** As Resque has it: `host:pid:queues`. */
  readonly id: string;
  /** Machine; of a function, the consumer's name. */
  readonly host: string;
  /** Process id; of a function, the request id. Other Resques may add a thread to it. */
  readonly pid: string;
  /** Names and patterns. */
  readonly queues: readonly string[];
  /** A worker of Lambdesque. */
  readonly ours: boolean;
  readonly started: Date | undefined;
  /** Written every minute. */
  readonly heartbeat: Date | undefined;
  /** When its jobs are given to others, unless it says something before; undefined for others than ours. */
  readonly leaseEnds: Date | undefined;
  /** Of ours by its lease, of others by a heartbeat in the last 5 minutes; undefined where neither is known. */
  readonly alive: boolean | undefined;
  /** Of this package; undefined for others than ours. */
  readonly version: string | undefined;
  /** Jobs that it holds: running, and reserved to be run next. */
  readonly held: number;
  /** Since it started; failures are among the processed, except for Go's and Node's. */
  readonly processed: number;
  readonly failed: number;
  /**
   * What it works on: first the job that it says it works on, if any, then others that it holds, the earliest reserved
   * first. Which of those have started is not known to Redis. At most 10 in `list`, 100 in `get`; long payloads are cut.
   */
  readonly running: readonly JobView[];
}

/** Workers, of ours and of other Resques. */
export interface Workers {
  /** Every worker that has registered and not ended, by id. 2 commands, and 1 more for each further 100 workers. */
  list(): Promise<WorkerInfo[]>;
  /** undefined where there is none. 2 commands. */
  get(id: string): Promise<WorkerInfo | undefined>;
  /**
   * Forgets a dead worker. The jobs of one of ours go back, as they do anyhow when a scheduler runs: with one death more. For
   * the job that another Resque's worker was on, a failed entry is written, as Ruby's prune does: nobody knows how far it
   * came. 3 commands; more where it held more than 500 jobs.
   * @returns whether there was one
   * @throws LiveWorkerError where it lives: by its lease, or by a heartbeat in the last 5 minutes
   */
  unregister(id: string): Promise<boolean>;
}
