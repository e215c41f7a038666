import type { Clock } from '../clock.ts';
import type { JobDeadlineError } from '../errors.ts';
import { JobTimeoutError, ResultError } from '../errors.ts';
import type { FlowAddition } from '../flow-mark.ts';
import type { JobContext, JobInfo } from '../job/context.ts';
import type { Enqueue } from '../job/enqueue.ts';
import { FlowContext } from '../job/flow-context.ts';
import { type Progress, progressOf } from '../job/progress.ts';
import type { BoundJob, Registry } from '../job/registry.ts';
import { checkArgs } from '../job/schema.ts';
import type { Logger } from '../log.ts';
import { traceIdOf } from '../telemetry.ts';
import type { Job, KeptResult } from '../types.ts';
import { keptResult } from '../wire/php-status.ts';
import { FLOW_HOST, type FlowHost } from './flow-host.ts';
import { deadlineError } from './outcome.ts';

/** What all attempts of a consumer share. */
export interface AttemptDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly enqueue: Enqueue;
  /** For jobs that start flows. @default they cannot */
  readonly flows?: FlowHost | undefined;
  /** What a handler says of how far it has come. */
  readonly onProgress: (job: Job, progress: Progress) => void;
  /** Of the classes of steps that are added to flows. @default none are known by name */
  readonly registry?: Registry;
  /** Epoch ms at which handlers are aborted because the invocation ends. */
  readonly deadline: number | undefined;
  /** Redis's time, epoch ms. */
  readonly redisNow: () => number;
  /** For definitions that do not say. */
  readonly attempts: number;
  readonly timeout: number;
}

/** The run of which an attempt is a part. */
export interface AttemptBatch {
  /** Attempts that have not ended. */
  left: number;
  readonly size: number;
  readonly first: Attempt | undefined;
  aborted(reason: unknown): void;
  escaped(error: unknown): void;
}

/** How a handler's run ended. @property result what it returned, of a job that has a record for it  @property added to its flow */
export type Ended =
  | { readonly ok: true; readonly result?: KeptResult; readonly added?: FlowAddition | undefined }
  | { readonly ok: false; readonly thrown: unknown };
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
  /** When it got its place, or leave to start. */
  startedAt: number;
  /** Epoch ms; Infinity for none. */
  timeoutAt: number;
  /** Why it was aborted. */
  aborted: unknown;
  /** When it ends without its handler. */
  endsAt = Infinity;
  readonly #deps: AttemptDeps;
  readonly #onEnd: (attempt: Attempt, ended: Ended) => void;
  #ended = false;
  /** Its handler was called. */
  started = false;
  /** With others. */
  batch: AttemptBatch | undefined;
  #controller: AbortController | undefined;
  #log: Logger | undefined;
  #info: JobInfo | undefined;
  #flow: FlowContext | undefined;

  constructor(bound: BoundJob, deps: AttemptDeps, onEnd: (attempt: Attempt, ended: Ended) => void) {
    this.bound = bound;
    this.#deps = deps;
    this.#onEnd = onEnd;
    this.startedAt = deps.clock.now();
    this.timeoutAt = this.startedAt + Math.min(this.timeout, this.deadlineIn);
  }

  /** Milliseconds until all attempts of the job have to be over; Infinity for no such time. */
  get deadlineIn(): number {
    const deadline = this.bound.job.control?.deadline;
    return deadline === undefined ? Infinity : Math.max(0, deadline - this.#deps.redisNow());
  }

  get timeout(): number {
    return this.bound.handler.definition.timeout ?? this.#deps.timeout;
  }

  get attempts(): number {
    return this.bound.handler.definition.retry?.attempts ?? this.#deps.attempts;
  }

  /** undefined where there is no one number: errors have some of their own, or there are as many as it takes. */
  get attemptsTold(): number | undefined {
    return this.bound.handler.definition.retryOn || this.attempts === Infinity ? undefined : this.attempts;
  }

  /** It had to wait until it might start: its time begins now. */
  waited(): void {
    this.startedAt = this.#deps.clock.now();
    this.timeoutAt = this.startedAt + Math.min(this.timeout, this.deadlineIn);
  }

  /** Runs the handler. Never throws. */
  start(): void {
    if (this.#ended) return;
    const { job, handler } = this.bound;
    this.started = true;
    try {
      const args = checkArgs(handler.definition, job.args);
      const result =
        args instanceof Promise
          ? args.then((checked) => (this.#ended ? undefined : handler.run(checked, this)))
          : handler.run(args, this);
      if (isThenable(result)) {
        result.then(
          (value) => this.succeed(value),
          (thrown) => this.fail(thrown),
        );
      } else {
        this.succeed(result);
      }
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  /** Asks the handler to end; if it does not within `grace` ms, the attempt ends without it at `endsAt`. */
  abort(reason: unknown, grace: number): void {
    if (this.#ended || this.aborted !== undefined) return;
    this.aborted = reason;
    this.endsAt = this.#deps.clock.now() + grace;
    this.#controller?.abort(reason);
    this.batch?.aborted(reason);
  }

  timeoutError(): JobTimeoutError | JobDeadlineError {
    const { definition } = this.bound.handler;
    const { control } = this.bound.job;
    if (control?.deadline !== undefined && this.timeoutAt < this.startedAt + this.timeout) {
      return deadlineError(control.deadline);
    }
    return new JobTimeoutError(
      `${this.bound.job.class} ran longer than its timeout of ${definition.timeout ?? this.#deps.timeout} ms.`,
    );
  }

  /** Ends the attempt without waiting for the handler any longer. What the handler does later counts for nothing. */
  abandon(): void {
    this.fail(this.aborted);
  }

  /** An error came out of its handler by another way than its promise. */
  escaped(error: unknown): void {
    this.batch?.escaped(error);
    this.aborted ??= error;
    this.#controller?.abort(error);
    this.fail(error);
  }

  /** Whatever its handler does from now on counts for nothing. */
  forget(): void {
    this.#ended = true;
  }

  /** Its handler has returned this. */
  succeed(result: unknown): void {
    const { statusId, flow, class: name } = this.bound.job;
    if ((statusId === undefined && flow === undefined) || this.#ended) {
      this.#end(SUCCEEDED);
      return;
    }
    const kept = keptResult(result);
    if ('problem' in kept && flow) {
      this.fail(new ResultError(`Step ${flow.step} (${name}): ${kept.problem}`));
      return;
    }
    if ('problem' in kept)
      this.log.warn('The job succeeded, but what it returned cannot be kept', { problem: kept.problem });
    this.#end({ ok: true, result: kept, added: this.#flow?.added });
  }

  /** Its handler has thrown this. */
  fail(thrown: unknown): void {
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
      deaths: job.deaths,
      payload: job.payload,
      ...(job.queueTime === undefined ? {} : { queueTime: job.queueTime }),
      ...(job.trace ? { trace: job.trace } : {}),
    };
    return this.#info;
  }

  get cron(): JobContext['cron'] {
    const { cron } = this.bound.job;
    if (!cron) return undefined;
    const origin = { name: cron.name, slot: new Date(cron.slot) };
    // The lock of its entry is what tells.
    return this.bound.job.control?.lock ? { ...origin, overlap: 'skip' } : origin;
  }

  get flow(): FlowContext | undefined {
    const { flow } = this.bound.job;
    if (flow)
      this.#flow ??= new FlowContext(flow, {
        registry: this.#deps.registry,
        now: this.#deps.redisNow,
        trace: this.job.trace,
      });
    return this.#flow;
  }

  get activeJob(): JobContext['activeJob'] {
    return this.bound.job.activeJob;
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
      const end = Math.min(this.timeoutAt, this.#deps.deadline ?? Infinity);
      return Math.max(0, end - this.#deps.clock.now());
    };
  }

  get log(): Logger {
    const { job } = this.bound;
    this.#log ??= this.#deps.log.child({
      class: job.class,
      queue: job.raw.queue,
      id: job.id,
      attempt: job.attempt,
      ...(job.trace ? { traceId: traceIdOf(job.trace) } : {}),
    });
    return this.#log;
  }

  get progress(): JobContext['progress'] {
    return (percent, note) => {
      const progress = progressOf(percent, note);
      if (!this.#ended) this.#deps.onProgress(this.bound.job, progress);
    };
  }

  get enqueue(): Enqueue {
    return this.#deps.enqueue;
  }

  get [FLOW_HOST](): FlowHost | undefined {
    return this.#deps.flows;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
