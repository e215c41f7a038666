/**
 * What the process of a contender can be asked for. Arguments and answers are JSON.
 *
 * `npm run bench -- drain --against <commit>` asks the process of another commit for `fill`, `connect` and `drain`: what
 * they take and answer may get more, but must not change.
 */
export interface Service {
  /** Queues jobs 0 to `jobs` - 1. */
  fill(setting: FillSetting): Promise<void>;
  /** Connects workers for the jobs that `fill` has queued. */
  connect(setting: DrainDeps): Promise<void>;
  /**
   * Runs those jobs with the workers that are connected.
   * @returns ms, from the start of the workers to the last job settled
   * @throws unless every job ran, once
   */
  drain(): Promise<number>;
  /** @returns ms */
  enqueue(how: How, jobs: number): Promise<number>;
  /** Starts workers for jobs to come. @returns where to ring for each */
  serve(setting: ServeSetting): Promise<string | undefined>;
  /** Enqueues jobs at a rate, and rings. */
  offer(setting: OfferSetting): Promise<void>;
  /** Waits for the jobs that were offered, and ends. @returns ms from each enqueue to its start */
  served(): Promise<number[]>;
  /** Starts workers for jobs that are there or to come. @returns when, on `clock()` */
  watch(setting: WatchSetting): Promise<number>;
  /** Waits until all jobs have run or the last phase is over, and ends. @throws if a job ran twice */
  watched(): Promise<Watched>;
  /** The most memory that the process has had, bytes. */
  memory(): Promise<number>;
}

export interface FillSetting {
  readonly jobs: number;
  /** Bytes of text in each. @default 0 */
  readonly payload?: number;
  /** Jobs go to them in turn. @default one */
  readonly queues?: readonly string[];
}

export interface DrainDeps {
  readonly jobs: number;
  readonly concurrency: number;
  /** @default noop */
  readonly work?: Work;
  /** @default false */
  readonly logRuns?: boolean;
  /** @default one */
  readonly queues?: readonly string[];
}

/** Nothing; 10 ms of waiting; 10 ms of the processor. */
export type Work = 'noop' | 'wait' | 'cpu';
/** One after the other; 100 at a time; 1,000 in each call. */
export type How = 'one by one' | 'concurrently' | 'in bulk';

export interface ServeSetting {
  readonly concurrency: number;
  /** Jobs that will come. */
  readonly jobs: number;
  /** @default false */
  readonly doorbell?: boolean;
  /** Between two looks at an empty queue, ms. @default what each has */
  readonly poll?: number;
}

export interface OfferSetting {
  readonly jobs: number;
  /** Jobs per second. */
  readonly rate: number;
  readonly bell?: string;
}

export interface WatchSetting {
  readonly concurrency: number;
  /** Most jobs that it may get; their ids are below. */
  readonly jobs: number;
  /** One after the other. */
  readonly phases: readonly Phase[];
}

/** What handlers do that start in a certain time. */
export interface Phase {
  /** They wait for so long; 0: they do nothing. ms */
  readonly ms: number;
  readonly seconds: number;
}

/** Times are on `clock()`, ms. */
export interface Watched {
  readonly began: number;
  /** All that ran is settled. */
  readonly ended: number;
  readonly ran: number;
  /** How long handlers ran, all together, ms. */
  readonly busy: number;
  /** Handlers that started in each `BUCKET` since it began. */
  readonly starts: readonly number[];
  /** When no handler ran. */
  readonly idle: readonly Interval[];
  /** When it held jobs that it had not started; only this project's workers tell. */
  readonly holding: readonly Interval[];
  /** The same, for each phase. */
  readonly held: readonly HeldFigures[];
}

/** Of jobs that were reserved and not started. */
export interface HeldFigures {
  readonly most: number;
  /** From a reservation until the job started, or was given back, ms. */
  readonly longest: number;
}

export type Interval = readonly [from: number, to: number];

/** Milliseconds. */
export const BUCKET = 5;

export type Method = keyof Service;
export interface Request {
  readonly method: Method;
  readonly args: readonly unknown[];
}
export type Answer = { readonly value: unknown } | { readonly error: string };
