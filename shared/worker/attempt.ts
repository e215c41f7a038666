import { AsyncLocalStorage } from 'node:async_hooks';
import type { Enqueue } from '../client/client.ts';
import type { Clock } from '../clock.ts';
import { JobTimeoutError } from '../errors.ts';
import type { JobContext, JobInfo } from '../job/context.ts';
import { checkArgs } from '../job/schema.ts';
import type { Logger } from '../log.ts';
import type { BoundJob } from '../types.ts';

/** What all attempts of a consumer share. */
export interface AttemptDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly enqueue: Enqueue;
  /** Epoch ms at which handlers are aborted because the invocation ends. */
  readonly deadline: number | undefined;
  /** For definitions that do not say. */
  readonly attempts: number;
  readonly timeout: number;
}

/** The attempt whose handler, or what it has set in motion, runs now. */
export const currentAttempt = new AsyncLocalStorage<Attempt>();

/** How a handler's run ended. */
export type Ended = { readonly ok: true } | { readonly ok: false; readonly thrown: unknown };
const SUCCEEDED: Ended = { ok: true };

/**
 * One run of one job's handler, and the context that it gets. It ends once: when the handler does, or when it is ended
 * from outside because the handler does not answer to the abort.
 *
 * The signal and the child logger are made only for handlers that ask for them: most do not, and both cost more than a
 * small job does.
 */
export class Attempt implements JobContext {
  readonly bound: BoundJob;
  readonly startedAt: number;
  /** Epoch ms; Infinity for none. */
  readonly timeoutAt: number;
  /** Why it was aborted. */
  aborted: unknown;
  /** When it ends without its handler. */
  endsAt = Infinity;
  readonly #setting: AttemptDeps;
  readonly #onEnd: (attempt: Attempt, ended: Ended) => void;
  #ended = false;
  #controller: AbortController | undefined;
  #log: Logger | undefined;
  #info: JobInfo | undefined;

  constructor(bound: BoundJob, setting: AttemptDeps, onEnd: (attempt: Attempt, ended: Ended) => void) {
    this.bound = bound;
    this.#setting = setting;
    this.#onEnd = onEnd;
    this.startedAt = setting.clock.now();
    this.timeoutAt = this.startedAt + this.timeout;
  }

  get timeout(): number {
    return this.bound.handler.definition.timeout ?? this.#setting.timeout;
  }

  get attempts(): number {
    return this.bound.handler.definition.retry?.attempts ?? this.#setting.attempts;
  }

  /** Runs the handler. Never throws. */
  start(): void {
    currentAttempt.run(this, () => this.#start());
  }

  #start(): void {
    const { job, handler } = this.bound;
    try {
      const args = checkArgs(handler.definition, job.args);
      const result =
        args instanceof Promise
          ? args.then((checked) => (this.#ended ? undefined : handler.run(checked, this)))
          : handler.run(args, this);
      if (isThenable(result)) {
        result.then(
          () => this.#end(SUCCEEDED),
          (thrown) => this.#fail(thrown),
        );
      } else {
        this.#end(SUCCEEDED);
      }
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** Asks the handler to end; if it does not within `grace` ms, the attempt ends without it at `endsAt`. */
  abort(reason: unknown, grace: number): void {
    if (this.#ended || this.aborted !== undefined) return;
    this.aborted = reason;
    this.endsAt = this.#setting.clock.now() + grace;
    this.#controller?.abort(reason);
  }

  timeoutError(): JobTimeoutError {
    const { definition } = this.bound.handler;
    return new JobTimeoutError(
      `${this.bound.job.class} ran longer than its timeout of ${definition.timeout ?? this.#setting.timeout} ms.`,
    );
  }

  /** Ends the attempt without waiting for the handler any longer. What the handler does later counts for nothing. */
  abandon(): void {
    this.#fail(this.aborted);
  }

  /** An error of the handler's came from outside of its promise. */
  escaped(thrown: unknown): void {
    this.#fail(thrown);
  }

  #fail(thrown: unknown): void {
    this.#end({ ok: false, thrown });
  }

  get ended(): boolean {
    return this.#ended;
  }

  #end(ended: Ended): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(this, ended);
  }

  // What the handler sees.

  get job(): JobInfo {
    const { job } = this.bound;
    this.#info ??= {
      class: job.class,
      queue: job.raw.queue,
      id: job.id,
      attempt: job.attempt,
      attempts: this.attempts,
      payload: job.payload,
      ...(job.queueTime === undefined ? {} : { queueTime: job.queueTime }),
    };
    return this.#info;
  }

  get cron(): JobContext['cron'] {
    const { cron } = this.bound.job;
    return cron && { name: cron.name, slot: new Date(cron.slot) };
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.aborted !== undefined) this.#controller.abort(this.aborted);
    }
    return this.#controller.signal;
  }

  /** A property, so that it can be taken out of the context. */
  get timeLeft(): () => number {
    return () => {
      const end = Math.min(this.timeoutAt, this.#setting.deadline ?? Infinity);
      return Math.max(0, end - this.#setting.clock.now());
    };
  }

  get log(): Logger {
    const { job } = this.bound;
    this.#log ??= this.#setting.log.child({ class: job.class, queue: job.raw.queue, id: job.id, attempt: job.attempt });
    return this.#log;
  }

  get enqueue(): Enqueue {
    return this.#setting.enqueue;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
