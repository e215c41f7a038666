import type { Clock } from '../clock.ts';
import type { BoundJob } from '../types.ts';
import { Attempt, type AttemptDeps, type Ended } from './attempt.ts';

export interface RunningJobsOptions {
  readonly concurrency: number;
  /** Milliseconds from an abort until the attempt ends without its handler. */
  readonly abortGrace: number;
  readonly setting: AttemptDeps;
  readonly onEnd: (attempt: Attempt, ended: Ended) => void;
}

/** The attempts that run now, their timeouts, and an end for those that do not take one themselves. */
export class RunningJobs {
  readonly #options: RunningJobsOptions;
  readonly #clock: Clock;
  readonly #running = new Set<Attempt>();
  #bytes = 0;
  /** Nothing is due before this time. */
  #dueAt = Infinity;

  constructor(options: RunningJobsOptions) {
    this.#options = options;
    this.#clock = options.setting.clock;
  }

  /** Of the payloads of what runs. */
  get bytes(): number {
    return this.#bytes;
  }

  get used(): number {
    return this.#running.size;
  }

  get free(): number {
    return this.#options.concurrency - this.#running.size;
  }

  /** The attempt that has run longest. */
  get oldest(): Attempt | undefined {
    return this.#running.values().next().value;
  }

  /** When `sweep` has something to do; epoch ms. */
  get dueAt(): number {
    return this.#dueAt;
  }

  start(bound: BoundJob): Attempt {
    const attempt = new Attempt(bound, this.#options.setting, this.#onEnd);
    this.#bytes += bound.job.raw.size;
    attempt.start();
    // Small jobs have ended by now.
    if (!attempt.ended) {
      this.#running.add(attempt);
      this.#dueAt = Math.min(this.#dueAt, attempt.timeoutAt);
    }
    return attempt;
  }

  /** Asks every running handler to end. */
  abortAll(reason: unknown): void {
    for (const attempt of this.#running) attempt.abort(reason, this.#options.abortGrace);
    this.#dueAt = 0;
  }

  /** Aborts what has run into its timeout; ends what was aborted and goes on nevertheless. */
  sweep(): void {
    const now = this.#clock.now();
    if (now < this.#dueAt) return;
    let next = Infinity;
    for (const attempt of this.#running) {
      if (now >= attempt.timeoutAt) attempt.abort(attempt.timeoutError(), this.#options.abortGrace);
      if (now >= attempt.endsAt) attempt.abandon();
      else next = Math.min(next, attempt.aborted === undefined ? attempt.timeoutAt : attempt.endsAt);
    }
    this.#dueAt = next;
  }

  readonly #onEnd = (attempt: Attempt, ended: Ended): void => {
    this.#running.delete(attempt);
    this.#bytes -= attempt.bound.job.raw.size;
    this.#options.onEnd(attempt, ended);
  };
}
