import type { Client } from '../client/client.ts';
import type { Clock } from '../clock.ts';
import type { ConsumerOptions } from '../config.ts';
import { LeaseLostError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import type { Logger } from '../log.ts';
import type { JobStore } from '../store/job-store.ts';
import type { Job, Outcome } from '../types.ts';
import type { Attempt, Ended } from './attempt.ts';
import { BatchSizer } from './batch.ts';
import { Bell } from './bell.ts';
import type { Undecodable } from './decode.ts';
import { Ending } from './ending.ts';
import { fateOfError } from './fate.ts';
import { Intake } from './intake.ts';
import { type HeldTurn, Lease, type TurnPlan } from './lease.ts';
import { Lookout } from './lookout.ts';
import { Outbox } from './outbox.ts';
import type { QueueList } from './queues.ts';
import { count, emptySummary, logRun, logTrouble, type RunReport, type Summary } from './report.ts';
import { Showcase } from './showcase.ts';
import { Slots } from './slots.ts';

export interface ConsumerSetting {
  readonly store: JobStore;
  readonly registry: Registry;
  readonly client: Client;
  readonly queues: QueueList;
  readonly options: ConsumerOptions;
  /** Resque's id of this worker: `workerId(…)`. */
  readonly worker: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Epoch ms at which running handlers are aborted, because the invocation ends soon after. */
  readonly deadline?: number;
  /** Called after each run. */
  readonly onRun?: (report: RunReport) => void;
}

/** Without I/O in between, jobs run on for so long before timers and sockets get their turn. */
const SLICE_MS = 10;

/**
 * The loop that drains queues: reserve → decode → dispatch → run → settle. It alone knows all the steps.
 *
 * Each round looks at what is due (timeouts, a stop), starts reserved jobs in free slots, and decides whether there is
 * something to say to Redis: outcomes to settle, slots to fill, a lease to extend. All of that goes into one call, the
 * turn. Jobs go on running while it is under way; what ends meanwhile waits for the next one.
 */
export class Consumer {
  readonly summary: Summary = emptySummary();
  readonly #setting: ConsumerSetting;
  readonly #lease: Lease;
  readonly #sizer: BatchSizer;
  readonly #lookout: Lookout;
  readonly #intake: Intake;
  readonly #slots: Slots;
  readonly #outbox: Outbox;
  readonly #showcase = new Showcase();
  readonly #ending: Ending;
  readonly #bell: Bell;
  readonly #startedAt: number;
  /** Does anybody want to know of each run? */
  readonly #reports: boolean;

  #turning = false;
  #failure: { readonly error: unknown } | undefined;
  /** A suspect, which runs with nothing beside it. */
  #alone: Attempt | undefined;
  #filling = false;
  #sliceEnd = 0;

  constructor(setting: ConsumerSetting) {
    const { options, clock, deadline, log, client, registry } = setting;
    this.#setting = setting;
    this.#lease = new Lease({ ...setting, duration: options.lease });
    this.#lookout = new Lookout(setting.queues, options.interval);
    this.#sizer = new BatchSizer(options);
    this.#outbox = new Outbox(setting.worker, clock, options.settleWithin);
    this.#ending = new Ending(clock, options, deadline);
    this.#intake = new Intake(registry, options, this.#lease.token, {
      undecodable: (one) => this.#bury(one),
      ended: (job, outcome) => this.#finish(job, outcome, 0),
    });
    this.#slots = new Slots({
      concurrency: options.concurrency,
      abortGrace: options.abortGrace,
      setting: { clock, log, enqueue: client.enqueue, deadline, attempts: options.attempts, timeout: options.timeout },
      onEnd: (attempt, ended) => this.#onEnd(attempt, ended),
    });
    this.#bell = new Bell(clock);
    this.#startedAt = clock.now();
    this.#reports = options.logRuns || setting.onRun !== undefined;
  }

  /**
   * Runs jobs until it is stopped, its deadline comes, or, with `exitOnComplete`, its queues are empty.
   * @throws what Redis says, if it cannot be used from the start
   */
  async run(): Promise<Summary> {
    for (;;) {
      const abort = this.#ending.check();
      if (abort !== undefined) this.#slots.abortAll(abort);
      this.#slots.sweep();
      this.#fill();
      if (this.#isOver()) break;
      if (!this.#turning && this.#hasReasonForTurn()) void this.#turn();
      await this.#pause();
    }
    this.#ending.close();
    if (this.#failure && this.#lease.end === 0) throw this.#failure.error;
    await this.#leave();
    this.summary.stopped = this.#ending.why ?? this.#lookout.found;
    return this.summary;
  }

  /** Stops reserving, gives running jobs `shutdownTimeout` to end, then aborts and releases them. */
  stop(): void {
    this.#ending.stop(this.#lease.end);
    this.#bell.ring();
  }

  #now(): number {
    return this.#setting.clock.now();
  }

  /** Jobs that are held and have not ended. */
  get #held(): number {
    return this.#slots.used + this.#intake.waiting + this.#intake.suspects;
  }

  #isOver(): boolean {
    if (this.#failure) return true;
    if (this.#held + this.#outbox.size > 0 || this.#turning) return false;
    if (this.#ending.why) return true;
    return this.#setting.options.exitOnComplete && this.#lookout.found !== undefined;
  }

  // Jobs.

  #fill(): void {
    if (this.#filling || this.#ending.why) return;
    this.#filling = true;
    while (!this.#alone && this.#slots.free > 0) {
      const bound = this.#intake.next();
      if (!bound) break;
      this.#outbox.started(bound.job);
      this.#slots.start(bound);
    }
    const quiet = this.#held === 1 && this.#outbox.size === 0 && !this.#turning;
    const suspect = quiet ? this.#intake.nextSuspect() : undefined;
    if (suspect) {
      this.#outbox.started(suspect.job);
      this.#alone = this.#slots.start(suspect);
      if (this.#slots.used === 0) this.#alone = undefined;
    }
    this.#filling = false;
  }

  #onEnd(attempt: Attempt, ended: Ended): void {
    if (this.#alone === attempt) this.#alone = undefined;
    const { job, handler } = attempt.bound;
    const now = this.#now();
    if (attempt.aborted instanceof LeaseLostError) {
      this.summary.lost++;
    } else {
      this.#sizer.jobEnded();
      const outcome: Outcome = ended.ok
        ? { kind: 'succeeded' }
        : fateOfError({
            job,
            retry: handler.definition.retry,
            defaultAttempts: this.#setting.options.attempts,
            thrown: ended.thrown,
            aborted: attempt.aborted,
            hadItsTime: now - attempt.startedAt >= (now - this.#startedAt) / 2,
          });
      this.#finish(job, outcome, now - attempt.startedAt);
    }
    if (performance.now() < this.#sliceEnd) this.#fill();
    else setImmediate(this.#nextSlice);
    // Most ends give the loop nothing to do: the outcome waits for company, as the first one in the box has told it to.
    const { size } = this.#outbox;
    const matters = size <= 1 || size >= this.#setting.options.batchCount || this.#intake.waiting <= this.#sizer.ahead / 2;
    if (this.#held === 0 || (matters && !this.#turning)) this.#bell.ring();
  }

  readonly #nextSlice = (): void => {
    this.#sliceEnd = performance.now() + SLICE_MS;
    this.#fill();
    this.#bell.ring();
  };

  #finish(job: Job, outcome: Outcome, ms: number): void {
    this.#outbox.ended(job, outcome);
    if (outcome.kind === 'retried' && outcome.warning) this.#setting.log.warn(outcome.warning, { class: job.class });
    count(this.summary, outcome.kind);
    if (!this.#reports) return;
    const report: RunReport = {
      class: job.class,
      queue: job.raw.queue,
      id: job.id,
      attempt: job.attempt,
      outcome: outcome.kind,
      ms,
      ...('error' in outcome ? { error: outcome.error } : {}),
      ...(job.queueTime === undefined ? {} : { wait: Math.max(0, this.#now() - ms - job.queueTime) }),
    };
    this.#report(report, job.args);
  }

  #bury(one: Undecodable): void {
    this.#outbox.undecodable(one);
    count(this.summary, 'failed');
    this.#report({ queue: one.raw.queue, outcome: 'failed', ms: 0, error: one.error });
  }

  #report(report: RunReport, args?: Job['args']): void {
    const { options, log, onRun } = this.#setting;
    if (options.logRuns) logRun(log, report, options.logArgs ? args : undefined);
    onRun?.(report);
  }

  // Turns.

  /** How many jobs to ask for now. */
  #wanted(): number {
    if (this.#ending.why || this.#alone || this.#intake.suspects > 0) return 0;
    if (this.#intake.careful) return this.#held === 0 ? 1 : 0;
    return this.#sizer.want(this.#slots.free, this.#intake.waiting);
  }

  /** When reserved jobs that have not started go back to their queues, epoch ms. */
  #giveBackAt(): number {
    if (this.#intake.suspects > (this.#ending.why ? 0 : 1)) return 0;
    return this.#ending.why && this.#intake.waiting > 0
      ? 0
      : this.#intake.waitingSince + this.#setting.options.giveBackAfter;
  }

  #giveBack(): void {
    const back = [...this.#intake.takeSuspects(this.#ending.why ? 0 : 1), ...this.#intake.takeWaiting()];
    this.#outbox.release(back);
    this.summary.released += back.length;
  }

  /** When there is something to say to Redis that cannot wait longer, epoch ms. */
  #turnAt(): number {
    return Math.min(
      this.#outbox.dueAt,
      this.#lease.extendAt,
      this.#giveBackAt(),
      this.#showcase.dueAt(this.#slots.oldest),
      this.#wanted() > 0 ? this.#lookout.restUntil || Infinity : Infinity,
    );
  }

  #hasReasonForTurn(): boolean {
    const { size } = this.#outbox;
    if (size > 0 && (this.#held === 0 || size >= this.#setting.options.batchCount)) return true;
    const now = this.#now();
    if (now >= this.#turnAt()) return true;
    const wanted = now >= this.#lookout.restUntil ? this.#wanted() : 0;
    return wanted > 0 && (this.#intake.waiting === 0 || wanted >= this.#sizer.ahead / 2);
  }

  async #turn(): Promise<void> {
    this.#turning = true;
    const now = this.#now();
    this.#sizer.measure(now);
    const givesBack = now >= this.#giveBackAt();
    if (givesBack) this.#giveBack();
    const wanted = givesBack ? 0 : this.#wanted();
    const plan: TurnPlan = {
      ...this.#outbox.take(),
      ...this.#showcase.plan(this.#slots.oldest, now),
      ...(wanted > 0 ? { reserve: this.#lookout.reservation(wanted, this.#setting.options.batchBytes, now) } : {}),
    };
    try {
      this.#take(plan, await this.#lease.turn(plan, this.#ending.giveUp));
    } catch (error) {
      if (error instanceof LeaseLostError) this.#loseLease(error, plan.settle.length);
      else this.#failure = { error };
    }
    this.#turning = false;
    this.#sliceEnd = performance.now() + SLICE_MS;
    this.#bell.ring();
  }

  /** What a turn brought. */
  #take({ reserve }: TurnPlan, result: HeldTurn): void {
    const { log, store } = this.#setting;
    this.summary.lost += result.missing;
    logTrouble(log, store.address, result);
    if (!reserve) return;
    const now = this.#now();
    this.#sizer.reserved(reserve.count, result.jobs.length);
    this.#intake.accept(result.jobs, now);
    this.#lookout.looked(reserve, result, !this.#intake.onlyUnknown, now);
  }

  #loseLease(error: LeaseLostError, unsettled: number): void {
    const waiting = this.#intake.takeWaiting().length + this.#intake.takeSuspects(0).length;
    this.#setting.log.error(error.message, { running: this.#slots.used, waiting, unsettled });
    this.summary.lost += waiting + unsettled + this.#outbox.take().settle.length;
    this.#slots.abortAll(error);
    this.#showcase.forget();
  }

  /** Waits until something is due or happens. */
  #pause(): Promise<void> {
    const next = Math.min(this.#slots.dueAt, this.#ending.dueAt, this.#turning ? Infinity : this.#turnAt());
    return this.#bell.wait(next);
  }

  async #leave(): Promise<void> {
    const { log, store } = this.#setting;
    try {
      if (this.#failure) throw this.#failure.error;
      const held = await this.#lease.leave();
      if (held > 0) log.warn('Jobs of this worker are left to be reclaimed when its lease has ended', { jobs: held });
    } catch (error) {
      const jobs = this.#outbox.size + this.#held;
      log.error('Redis did not take the last outcomes; those jobs run again when the lease has ended', {
        redis: store.address,
        jobs,
        error,
      });
    }
  }
}
