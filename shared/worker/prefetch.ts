import type { WorkerOptions } from '../config.ts';

/**
 * How many jobs to reserve: the free slots, and as many more as the measured rate ends within `ahead`. The rate counts
 * what ended between two calls, so that it falls as soon as jobs become slower; a batch at most doubles the one before,
 * so that one short measurement does not take a whole queue.
 */
export class Prefetch {
  readonly #options: Pick<WorkerOptions, 'concurrency' | 'ahead' | 'batchCount'>;
  #rate = 0;
  #since: number | undefined;
  #ended = 0;
  #limit: number;
  /** Size of the last reservation. */
  #got = 0;

  constructor(options: Pick<WorkerOptions, 'concurrency' | 'ahead' | 'batchCount'>) {
    this.#options = options;
    this.#limit = Math.min(options.batchCount, options.concurrency);
  }

  /** Most jobs that should wait for a free slot now. */
  get ahead(): number {
    // Two batches: one that runs, and one that Redis hands over meanwhile.
    return Math.min(2 * this.#options.batchCount, Math.floor((this.#rate * this.#options.ahead) / 1000));
  }

  jobEnded(): void {
    this.#ended++;
  }

  /** @param now milliseconds */
  measure(now: number): void {
    const elapsed = now - (this.#since ?? now);
    // Too little to tell anything: keep counting.
    if (this.#since !== undefined) {
      if (elapsed <= 0 || (this.#ended < this.#options.concurrency && elapsed < this.#options.ahead)) return;
      const rate = (1000 * this.#ended) / elapsed;
      this.#rate = rate < this.#rate ? rate : (this.#rate + rate) / 2;
    }
    this.#since = now;
    this.#ended = 0;
  }

  /** @param free slots without a job  @param waiting reserved jobs that have not started */
  want(free: number, waiting: number): number {
    return Math.max(0, Math.min(this.#limit, free + this.ahead - waiting));
  }

  /** Tells how many of a reservation came: a full one may be followed by a larger one. */
  reserved(wanted: number, got: number): void {
    this.#got = got;
    if (got >= wanted) this.#limit = Math.min(this.#options.batchCount, Math.max(this.#limit, wanted * 2));
  }

  /** Tells how many of the last reservation had to be released because they could not start: take no more than could. */
  released(count: number): void {
    this.#limit = Math.max(1, this.#got - count);
  }
}
