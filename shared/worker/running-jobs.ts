import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../clock.ts';
import type { BoundJob, Handler } from '../job/registry.ts';
import type { Job } from '../types.ts';
import { Attempt, type AttemptDeps, type Ended } from './attempt.ts';
import { BatchRun } from './batch-run.ts';
import type { PlacesPart } from './shared-places.ts';

export interface RunningJobsOptions {
  readonly concurrency: number;
  /** Where they are shared with other loops. @default `concurrency` of its own */
  readonly places?: PlacesPart | undefined;
  /** Milliseconds from an abort until the attempt ends without its handler. */
  readonly abortGrace: number;
  readonly deps: AttemptDeps;
  readonly onEnd: (attempt: Attempt, ended: Ended) => void;
  /** It could not start, since its worker does not hold it any more. */
  readonly onDropped: (attempt: Attempt) => void;
}

/** Which attempt the code that runs now belongs to, also in timers and sockets that a handler has opened. */
const running = new AsyncLocalStorage<Attempt>();

/** The attempts that run now, their timeouts, and an end for those that do not take one themselves. */
export class RunningJobs {
  readonly #options: RunningJobsOptions;
  readonly #clock: Clock;
  readonly #running = new Set<Attempt>();
  /** Those that have a place and wait until they may start: nothing ends them before that is known. */
  readonly #waiting = new Set<Attempt>();
  readonly #endsAtOnce = new WeakSet<Handler>();
  #bytes = 0;
  /** Jobs of batches, beyond the first of each. */
  #beyond = 0;
  /** Nothing is due before this time. */
  #dueAt = Infinity;

  constructor(options: RunningJobsOptions) {
    this.#options = options;
    this.#clock = options.deps.clock;
  }

  /** Of the payloads of what runs. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Places: a batch takes one. */
  get used(): number {
    return this.#running.size - this.#beyond;
  }

  get free(): number {
    return this.#options.places?.free ?? this.#options.concurrency - this.used;
  }

  /** The attempt that has run longest. */
  get oldest(): Attempt | undefined {
    return this.#running.values().next().value;
  }

  get all(): Iterable<Attempt> {
    return this.#running;
  }

  /** When `sweep` has something to do; epoch ms. */
  get dueAt(): number {
    return this.#dueAt;
  }

  /** Calls what is no attempt's, also where one's end has led to it. */
  outside(call: () => void): void {
    if (running.getStore() === undefined) call();
    else running.exit(call);
  }

  /** The attempt by which this code was called; it may have ended. */
  origin(): Attempt | undefined {
    return running.getStore();
  }

  start(bound: BoundJob): void {
    const attempt = this.#attempt(bound);
    this.#run(attempt);
    // Small jobs have ended by now.
    if (!attempt.ended) this.#add(attempt);
  }

  /** One call for all of them, in one place; each has its own end. @param mays whether each may start, where that is to be asked */
  startBatch(bounds: readonly BoundJob[], mays?: readonly Promise<boolean>[]): void {
    const attempts = bounds.map((bound) => this.#attempt(bound));
    const [first] = attempts;
    if (!first) return;
    const batch = new BatchRun(attempts, this.#options.deps);
    for (const attempt of attempts) this.#add(attempt);
    this.#beyond += attempts.length - 1;
    const start = () => running.run(first, () => batch.start());
    if (mays) void this.#allWhen(attempts, mays).then(start);
    else start();
  }

  async #allWhen(attempts: readonly Attempt[], mays: readonly Promise<boolean>[]): Promise<void> {
    for (const attempt of attempts) this.#waiting.add(attempt);
    const may = await Promise.all(mays);
    for (const [i, attempt] of attempts.entries()) {
      if (!may[i]) attempt.forget();
      this.#starts(attempt, may[i] === true);
    }
  }

  /** Takes a place, and starts when it may; never, if it may not, or was aborted meanwhile. */
  async startWhen(bound: BoundJob, mayStart: Promise<boolean>): Promise<void> {
    const attempt = this.#attempt(bound);
    this.#waiting.add(attempt);
    this.#take(attempt);
    if (this.#starts(attempt, await mayStart)) this.#run(attempt);
  }

  /** It has waited. @returns whether it starts now: not if it may not, or was aborted meanwhile */
  #starts(attempt: Attempt, may: boolean): boolean {
    this.#waiting.delete(attempt);
    if (!may) {
      this.#remove(attempt);
      this.#options.onDropped(attempt);
      return false;
    }
    if (attempt.aborted !== undefined) {
      attempt.abandon();
      return false;
    }
    attempt.waited();
    this.#dueAt = Math.min(this.#dueAt, attempt.timeoutAt);
    return true;
  }

  /** Asks every running handler to end. */
  abortAll(reason: unknown): void {
    for (const attempt of this.#running) attempt.abort(reason, this.#options.abortGrace);
    this.#dueAt = -Infinity;
  }

  /** Asks those handlers to end for which there is a reason. */
  abortSome(reasonOf: (job: Job) => unknown): void {
    for (const attempt of this.#running) {
      const reason = reasonOf(attempt.bound.job);
      if (reason !== undefined) attempt.abort(reason, this.#options.abortGrace);
    }
    this.#dueAt = -Infinity;
  }

  /** Forgets what has started: it counts for nothing any more. */
  takeAll(): Attempt[] {
    const all = [...this.#running].filter((attempt) => !this.#waiting.has(attempt));
    for (const attempt of all) {
      attempt.forget();
      this.#remove(attempt);
    }
    return all;
  }

  /** Aborts what has run into its timeout; ends what was aborted and goes on nevertheless. */
  sweep(): void {
    const now = this.#clock.now();
    if (now < this.#dueAt) return;
    let next = Infinity;
    for (const attempt of this.#running) {
      if (this.#waiting.has(attempt)) continue;
      if (now >= attempt.timeoutAt) attempt.abort(attempt.timeoutError(), this.#options.abortGrace);
      if (now >= attempt.endsAt) attempt.abandon();
      else next = Math.min(next, attempt.aborted === undefined ? attempt.timeoutAt : attempt.endsAt);
    }
    this.#dueAt = next;
  }

  #attempt(bound: BoundJob): Attempt {
    this.#bytes += bound.job.raw.size;
    return new Attempt(bound, this.#options.deps, this.#onEnd);
  }

  #run(attempt: Attempt): void {
    const { handler } = attempt.bound;
    // To remember whose code it is costs more than a small job does. A handler that ended before it gave a promise the last
    // time has nothing that goes on; should it have left something that throws, no job can be told.
    const endedAtOnce = this.#endsAtOnce.has(handler);
    if (endedAtOnce) attempt.start();
    else running.run(attempt, runAttempt, attempt);
    if (attempt.ended === endedAtOnce) return;
    if (attempt.ended) this.#endsAtOnce.add(handler);
    else this.#endsAtOnce.delete(handler);
  }

  #add(attempt: Attempt): void {
    this.#take(attempt);
    this.#dueAt = Math.min(this.#dueAt, attempt.timeoutAt);
  }

  #take(attempt: Attempt): void {
    this.#running.add(attempt);
    // The first of a batch takes its place.
    if (!attempt.batch || attempt === attempt.batch.first) this.#options.places?.take();
  }

  #remove(attempt: Attempt): void {
    const had = this.#running.delete(attempt);
    const { batch } = attempt;
    if (batch && had && --batch.left > 0) this.#beyond--;
    // One that ended while it was started had none, and of a batch the last one gives it back.
    if (had && (!batch || batch.left === 0)) this.#options.places?.give();
    if (batch && !had) return;
    this.#bytes -= attempt.bound.job.raw.size;
  }

  readonly #onEnd = (attempt: Attempt, ended: Ended): void => {
    this.#remove(attempt);
    this.#options.onEnd(attempt, ended);
  };
}

function runAttempt(attempt: Attempt): void {
  attempt.start();
}
