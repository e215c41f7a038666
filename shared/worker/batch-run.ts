import type { BatchContext, BatchedJob } from '../job/batch.ts';
import type { Args } from '../job/enqueue.ts';
import type { Handler } from '../job/registry.ts';
import { checkArgs } from '../job/schema.ts';
import type { Attempt, AttemptBatch, AttemptDeps } from './attempt.ts';

/** One run of many jobs' handler: it has one place, and each of its jobs its own end. */
export class BatchRun implements BatchContext, AttemptBatch {
  /** Attempts that have not ended. */
  left: number;
  readonly size: number;
  readonly first: Attempt | undefined;
  readonly #attempts: readonly Attempt[];
  readonly #deps: AttemptDeps;
  #controller: AbortController | undefined;
  /** Those that are on their way through their middleware. */
  #entering: readonly Member[] | undefined;

  constructor(attempts: readonly Attempt[], deps: AttemptDeps) {
    this.#attempts = attempts;
    this.#deps = deps;
    this.size = attempts.length;
    this.first = attempts[0];
    this.left = attempts.length;
    for (const attempt of attempts) attempt.batch = this;
  }

  /** Runs the handler. Never throws. */
  start(): void {
    const checking: Promise<void>[] = [];
    const jobs: Member[] = [];
    for (const attempt of this.#attempts) {
      // It may have been cancelled while it waited until it might start.
      if (attempt.ended) continue;
      attempt.started = true;
      const failed = (error: unknown) => attempt.fail(error);
      try {
        const { job, handler } = attempt.bound;
        const args = checkArgs(handler.definition, job.args);
        if (args instanceof Promise) {
          checking.push(args.then((checked) => void jobs.push(new Member(attempt, checked)), failed));
        } else {
          jobs.push(new Member(attempt, args));
        }
      } catch (error) {
        failed(error);
      }
    }
    if (checking.length === 0) this.#run(jobs);
    else void Promise.all(checking).then(() => this.#run(jobs));
  }

  /** One of its jobs is to end: when all are, the handler is. */
  aborted(reason: unknown): void {
    if (this.#controller && this.#isAborted()) this.#controller.abort(reason);
    this.#entered();
  }

  /** An error came out of the handler by another way than its promise. */
  escaped(error: unknown): void {
    this.#controller?.abort(error);
    for (const attempt of this.#attempts) attempt.fail(error);
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#isAborted()) this.#controller.abort(this.#attempts[0]?.aborted);
    }
    return this.#controller.signal;
  }

  get timeLeft(): () => number {
    return () => Math.min(...this.#attempts.map((attempt) => attempt.timeLeft()));
  }

  get log(): BatchContext['log'] {
    return this.#deps.log.child({ class: this.#attempts[0]?.bound.job.class, jobs: this.size });
  }

  get enqueue(): BatchContext['enqueue'] {
    return this.#deps.enqueue;
  }

  #isAborted(): boolean {
    return this.#attempts.every((attempt) => attempt.ended || attempt.aborted !== undefined);
  }

  #run(jobs: readonly Member[]): void {
    const around = this.#attempts[0]?.bound.handler.around;
    if (!around) {
      this.#performAll(jobs);
      return;
    }
    this.#entering = jobs;
    for (const job of jobs) job.enter(around, () => this.#entered());
    this.#entered();
  }

  /** Runs the handler when all have come through their middleware, or have ended before that. */
  #entered(): void {
    const jobs = this.#entering;
    if (!jobs?.every(({ arrived, attempt }) => arrived || attempt.ended || attempt.aborted !== undefined)) return;
    this.#entering = undefined;
    this.#performAll(jobs.filter(({ arrived }) => arrived));
  }

  #performAll(jobs: readonly Member[]): void {
    const live = jobs.filter(({ attempt }) => !attempt.ended);
    const performAll = this.#attempts[0]?.bound.handler.definition.performAll;
    if (live.length === 0 || !performAll) return;
    const threw = (error: unknown) => {
      for (const one of live) one.threw(error);
    };
    const over = () => {
      for (const one of live) one.end();
    };
    try {
      const returned = performAll(live, this);
      if (typeof (returned as { then?: unknown } | null | undefined)?.then === 'function') {
        (returned as PromiseLike<unknown>).then(over, threw);
      } else over();
    } catch (error) {
      threw(error);
    }
  }
}

class Member implements BatchedJob {
  readonly attempt: Attempt;
  readonly args: Args;
  result: unknown;
  #failure: { readonly error: unknown } | undefined;
  #inside: PromiseWithResolvers<unknown> | undefined;

  constructor(attempt: Attempt, args: Args) {
    this.attempt = attempt;
    this.args = args;
  }

  get job(): BatchedJob['job'] {
    return this.attempt.job;
  }

  get fail(): (error: unknown) => void {
    return (error) => {
      this.#failure = { error };
    };
  }

  /** It has come through its middleware. */
  get arrived(): boolean {
    return this.#inside !== undefined;
  }

  /** Goes through the middleware, which ends the attempt; within it the handler is waited for. @param onward it is there, or never will be */
  enter(around: NonNullable<Handler['around']>, onward: () => void): void {
    const { attempt } = this;
    const inner = () => {
      this.#inside = Promise.withResolvers();
      onward();
      return this.#inside.promise;
    };
    Promise.resolve(around(attempt, inner))
      .then(
        (value) => attempt.succeed(value),
        (error) => attempt.fail(error),
      )
      .finally(onward);
  }

  end(): void {
    if (this.#failure) this.threw(this.#failure.error);
    else if (this.#inside) this.#inside.resolve(this.result);
    else this.attempt.succeed(this.result);
  }

  threw(error: unknown): void {
    if (this.#inside) this.#inside.reject(error);
    else this.attempt.fail(error);
  }
}
