/** What a handler does with a job: `id` says which one it is, `sentAt` when it was enqueued (`clock()`). */
export type Perform = (id: number, sentAt: number) => void | Promise<void>;

export interface WorkersDeps {
  /** Jobs at once. */
  readonly concurrency: number;
  readonly perform: Perform;
  /** Names of queues; the peers have one only. */
  readonly queues: readonly string[];
  /** A log line for each run; only this project's workers know it. */
  readonly logRuns: boolean;
  /** Started by a ring, not looking by themselves; only this project's workers know it. */
  readonly doorbell: boolean;
  /** Between two looks at an empty queue, ms, for those that look. @default what each has: 5,000 */
  readonly poll: number | undefined;
  /** Is told of jobs that were reserved, or given back without having started; only this project's workers tell. */
  readonly onHeld?: OnHeld;
}

/** @param change how many more, or fewer  @param at when, as near as can be told, on `clock()` */
export type OnHeld = (change: number, at: number) => void;

/** Workers that are connected and have not begun. */
export interface Workers {
  /** Runs the jobs that are queued. Resolves when `count` of them are settled. */
  drain(count: number): Promise<void>;
  /** Runs jobs as they come, until `close`. @returns where to ring, if that is needed */
  serve(): Promise<string | undefined>;
  /** How many jobs have been settled. */
  readonly settled: number;
  close(): Promise<void>;
}

export interface BulkOptions {
  /** Bytes of text in each job's arguments. */
  readonly payload: number;
  /** Jobs go to them in turn. */
  readonly queues: readonly string[];
}

/** One of the systems that are compared. */
export interface Peer {
  /** One job to the queue `bench`. */
  add(id: number, sentAt: number): Promise<unknown>;
  /** Many in one call, or as near as it comes to that. */
  addBulk(ids: readonly number[], options: BulkOptions): Promise<unknown>;
  workers(setting: WorkersDeps): Promise<Workers>;
  close(): Promise<void>;
}

/** Where things are, and which of them to use; JSON. */
export type PeerSetup =
  | { readonly kind: 'tcp'; readonly redis: string }
  | { readonly kind: 'rest'; readonly url: string; readonly token: string }
  | { readonly kind: 'bullmq'; readonly redis: string }
  | { readonly kind: 'node-resque'; readonly redis: string };

export const QUEUE = 'bench';
export const CLASS = 'Bench';

/** Milliseconds on a clock that all processes of the machine share. */
export const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Resolves when the nth call of `one` has come. */
export class Countdown {
  count = 0;
  #target = Infinity;
  #done: () => void = () => {};

  readonly one = (): void => {
    if (++this.count === this.#target) this.#done();
  };

  async reach(target: number): Promise<void> {
    if (this.count >= target) return;
    this.#target = target;
    await new Promise<void>((resolve) => {
      this.#done = resolve;
    });
  }
}
