import type { Clock } from '../clock.ts';
import type { WorkerOptions } from '../config.ts';
import { DeadlineError, ShutdownError } from '../errors.ts';

/** Told to stop; near its deadline; an error escaped from some handler; as many workers as may run already. */
export type WhyShutdown = 'shutdown' | 'deadline' | 'crash' | 'maxWorkers';

/** How long before its deadline a worker stops reserving: this part of its time, and no more than so many ms. */
const LAST_PART = 0.1;
const LAST_MS = 2_000;

/**
 * How a worker comes to its end: told to stop, or because its deadline is near. It stops reserving, lets running jobs
 * go on for a while, aborts them, and waits no longer than is useful for a Redis that is away.
 */
export class Shutdown {
  readonly #clock: Clock;
  readonly #options: Pick<WorkerOptions, 'shutdownTimeout' | 'abortGrace'>;
  readonly #deadline: number;
  /** When it begins by itself. */
  readonly #stopAt: number;
  readonly #giveUp = new AbortController();
  #why: WhyShutdown | undefined;
  #abortAt = Infinity;
  #isOver = false;
  #cancel = () => {};

  constructor(
    clock: Clock,
    options: Pick<WorkerOptions, 'shutdownTimeout' | 'abortGrace'>,
    deadline: number | undefined,
  ) {
    this.#clock = clock;
    this.#options = options;
    this.#deadline = deadline ?? Infinity;
    const now = clock.now();
    this.#stopAt = this.#deadline - (deadline === undefined ? 0 : Math.min(LAST_MS, (deadline - now) * LAST_PART));
  }

  /** Why it has begun; undefined while it has not. */
  get why(): WhyShutdown | undefined {
    return this.#why;
  }

  /** Aborts when there is no point in waiting for Redis any longer. */
  get giveUp(): AbortSignal {
    return this.#giveUp.signal;
  }

  /** When `check` has something to do; epoch ms. */
  get dueAt(): number {
    return this.#why ? this.#abortAt : this.#stopAt;
  }

  /** @param leaseEnd until then, what has ended can still be settled */
  stop(leaseEnd: number): void {
    this.#begin('shutdown', this.#clock.now() + this.#options.shutdownTimeout, leaseEnd);
  }

  /** Nothing runs any more: only what has ended is to be settled. @param leaseEnd until then, it can be */
  crash(leaseEnd: number): void {
    this.#begin('crash', this.#clock.now(), leaseEnd);
  }

  /** There is no place for this worker: it holds nothing. */
  refused(): void {
    this.#begin('maxWorkers', this.#clock.now(), 0);
  }

  /** @returns the reason with which running handlers have to be aborted now, once */
  check(): unknown {
    const now = this.#clock.now();
    // An invocation is over soon after its deadline: it cannot wait until its lease ends.
    if (!this.#why && now >= this.#stopAt) this.#begin('deadline', this.#deadline, 0);
    if (!this.#why || now < this.#abortAt) return undefined;
    this.#abortAt = Infinity;
    return this.#why === 'deadline'
      ? new DeadlineError('The time of this invocation is nearly over.')
      : new ShutdownError('The worker is shutting down.');
  }

  /** The worker has ended: nothing is left to wait for. */
  close(): void {
    this.#isOver = true;
    this.#cancel();
  }

  #begin(why: WhyShutdown, abortAt: number, waitUntil: number): void {
    if (this.#why || this.#isOver) return;
    this.#why = why;
    this.#abortAt = Math.min(abortAt, this.#deadline);
    const grace = 2 * this.#options.abortGrace;
    const giveUpAt = Math.min(Math.max(this.#abortAt + grace, waitUntil), this.#deadline + grace);
    this.#cancel = this.#clock.after(giveUpAt - this.#clock.now(), () => this.#giveUp.abort());
  }
}
