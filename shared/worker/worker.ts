import { LambdesqueError, LeaseLostError } from '../errors.ts';
import type { BoundJob, Job, Outcome, RawJob } from '../types.ts';
import { type Attempt, currentAttempt, type Ended } from './attempt.ts';
import { Binder } from './bind.ts';
import type { WorkerDeps } from './deps.ts';
import { Lease, type SyncPlan, type SyncReply } from './lease.ts';
import { outcomeOfError } from './outcome.ts';
import { PendingResults } from './pending-results.ts';
import { Prefetch } from './prefetch.ts';
import { PrefetchBuffer } from './prefetch-buffer.ts';
import { QueuePoller } from './queue-poller.ts';
import { emptySummary, Reporter, type Summary } from './reporter.ts';
import { RunningJobs } from './running-jobs.ts';
import { Shutdown } from './shutdown.ts';
import { Wakeup } from './wakeup.ts';
import { WorkingOn } from './working-on.ts';
import { YieldTimer } from './yield-timer.ts';

/**
 * The loop that drains queues: reserve → decode → dispatch → run → settle. It alone knows all the steps.
 *
 * Each round looks at what is due (timeouts, a stop), starts reserved jobs in free slots, and decides whether there is
 * something to say to Redis: outcomes to settle, slots to fill, a lease to extend. All of that goes into one call, the
 * turn. Jobs go on running while it is under way; what ends meanwhile waits for the next one.
 */
export class Worker {
  readonly summary: Summary = emptySummary();
  readonly #setting: WorkerDeps;
  readonly #lease: Lease;
  readonly #sizer: Prefetch;
  readonly #lookout: QueuePoller;
  readonly #waiting = new PrefetchBuffer();
  readonly #slots: RunningJobs;
  readonly #outbox: PendingResults;
  readonly #showcase = new WorkingOn();
  readonly #ending: Shutdown;
  readonly #bell: Wakeup;
  readonly #reporter: Reporter;
  readonly #startedAt: number;

  #paused = false;
  readonly #ended = Promise.withResolvers<void>();
  #turning = false;
  /** The turn under way settles something. */
  #settling = false;
  #failure: { readonly error: unknown } | undefined;
  /** Highest number of a job that was started. */
  #started = -1;
  readonly #intake: Binder;
  readonly #slice: YieldTimer;
  #filling = false;

  constructor(setting: WorkerDeps) {
    const { options, clock, deadline, log, client } = setting;
    this.#setting = setting;
    this.#lease = new Lease({ ...setting, duration: options.lease });
    this.#lookout = new QueuePoller(setting.queues, options.interval);
    this.#sizer = new Prefetch(options);
    this.#outbox = new PendingResults(setting.worker, clock, options.settleWithin);
    this.#ending = new Shutdown(clock, options, deadline);
    this.#bell = new Wakeup(clock);
    this.#slice = new YieldTimer(() => this.#bell.ring());
    this.#reporter = new Reporter(setting, this.summary);
    this.#startedAt = clock.now();
    this.#intake = new Binder({
      ...setting,
      token: this.#lease.token,
      onEnd: (job, outcome) => {
        if (outcome.kind === 'released') this.#lookout.sentOn(job.raw);
        this.#finish(job, outcome, 0);
      },
      onUndecodable: (one) => {
        this.#outbox.undecodable(one);
        this.#reporter.undecodable(one);
      },
    });
    this.#slots = new RunningJobs({
      concurrency: options.concurrency,
      abortGrace: options.abortGrace,
      setting: { clock, log, enqueue: client.enqueue, deadline, attempts: options.attempts, timeout: options.timeout },
      onEnd: (attempt, ended) => this.#onEnd(attempt, ended),
    });
  }

  /**
   * Runs jobs until it is stopped, its deadline comes, or, with `exitOnComplete`, its queues are empty.
   * @throws what Redis says, if it cannot be used from the start
   */
  async run(): Promise<Summary> {
    try {
      return await this.#run();
    } finally {
      this.#ended.resolve();
    }
  }

  async #run(): Promise<Summary> {
    for (;;) {
      const abort = this.#ending.check();
      if (abort !== undefined) this.#slots.abortAll(abort);
      this.#slots.sweep();
      this.#fill();
      if (this.#isOver()) break;
      if (!this.#turning && this.#hasReasonForTurn()) {
        void this.#turn();
        // What Redis does meanwhile, it does on a core of its own.
        this.#fill();
      }
      await this.#pause();
    }
    this.#ending.close();
    const { error } = this.#failure ?? {};
    if (error !== undefined && (this.#lease.end === 0 || !(error instanceof LambdesqueError))) throw error;
    await this.#lease.leave(this.#outbox.size + this.#held, error);
    this.summary.stopped = this.#ending.why ?? this.#lookout.found;
    return this.summary;
  }

  /** Stops reserving, gives running jobs `shutdownTimeout` to end, then aborts and releases them. */
  stop(): void {
    const idle = this.#held + this.#outbox.size === 0 && !this.#settling;
    this.#ending.stop(idle ? 0 : this.#lease.end);
    this.#bell.ring();
  }

  /** Takes no more jobs until `resume`: what runs goes on, what has not started goes back. */
  pause(): void {
    this.#paused = true;
    this.#bell.ring();
  }

  resume(): void {
    this.#paused = false;
    this.#lookout.reset();
    this.#bell.ring();
  }

  /** An error that nothing caught. @returns whether it came from a job, for which it counts; the worker goes on */
  escaped(error: unknown): boolean {
    const attempt = currentAttempt.getStore();
    attempt?.escaped(error);
    return attempt !== undefined;
  }

  /** An error that came from nowhere: ends, and gives everything back. */
  crash(_error: unknown): Promise<void> {
    this.stop();
    return this.#ended.promise;
  }

  #now(): number {
    return this.#setting.clock.now();
  }

  /** Jobs that are held and have not ended. */
  get #held(): number {
    return this.#slots.used + this.#waiting.size;
  }

  #isOver(): boolean {
    if (this.#failure) return true;
    if (this.#held + this.#outbox.size > 0 || this.#turning) return false;
    if (this.#ending.why) return true;
    return !this.#paused && this.#setting.options.exitOnComplete && this.#lookout.found !== undefined;
  }

  // Jobs.

  #fill(): void {
    if (this.#filling || this.#ending.why || this.#paused) return;
    this.#filling = true;
    while (this.#slots.free > 0 && this.#waiting.size > 0 && !this.#isShort() && !this.#slice.isOver()) {
      const next = this.#waiting.next() as RawJob | BoundJob;
      const bound = 'handler' in next ? next : this.#intake.bind(next);
      if (!bound) continue;
      this.#started = Math.max(this.#started, bound.job.raw.seq);
      this.#outbox.started(bound.job);
      this.#slots.start(bound);
    }
    this.#filling = false;
  }

  /** Should more jobs be on their way, before these are run? Then Redis need not wait until they are. */
  #isShort(): boolean {
    if (this.#turning || this.#waiting.size > this.#sizer.ahead / 2) return false;
    // What would be released now is better started.
    return this.#now() < this.#releaseAt() && this.#hasReasonForTurn();
  }

  #onEnd(attempt: Attempt, ended: Ended): void {
    const { job, handler } = attempt.bound;
    if (attempt.aborted instanceof LeaseLostError) {
      this.summary.lost++;
    } else {
      const now = this.#now();
      this.#sizer.jobEnded();
      const outcome: Outcome = ended.ok
        ? { kind: 'succeeded' }
        : outcomeOfError({
            job,
            retry: handler.definition.retry,
            defaultAttempts: this.#setting.options.attempts,
            thrown: ended.thrown,
            aborted: attempt.aborted,
            hadItsTime: now - attempt.startedAt >= (now - this.#startedAt) / 2,
          });
      this.#finish(job, outcome, now - attempt.startedAt);
    }
    this.#fill();
    // Most ends give the loop nothing to do: the outcome waits for company, as the first one in the box has told it to.
    const { size } = this.#outbox;
    const full = size >= this.#setting.options.batchCount;
    const matters = size <= 1 || full || this.#waiting.size <= this.#sizer.ahead / 2;
    if (this.#held === 0 || (matters && !this.#turning)) this.#bell.ring();
  }

  #finish(job: Job, outcome: Outcome, ms: number): void {
    this.#intake.left(job.raw);
    this.#outbox.ended(job, outcome);
    this.#reporter.ended(job, outcome, ms);
  }

  // Turns.

  /** How many jobs to ask for now. */
  #wanted(): number {
    const { free, bytes } = this.#slots;
    if (this.#ending.why || this.#paused) return 0;
    if (bytes + this.#waiting.bytes >= this.#setting.options.heldBytes) return 0;
    // Jobs wait although there are slots: the event loop has no time for more than it was measured to end.
    return this.#sizer.want(this.#waiting.size > 0 ? 0 : free, this.#waiting.size);
  }

  /** When waiting jobs are to be released, epoch ms. */
  #releaseAt(): number {
    if (this.#waiting.size === 0) return Infinity;
    return this.#ending.why || this.#paused ? 0 : this.#waiting.since + this.#setting.options.releaseAfter;
  }

  #releaseWaiting(): void {
    const raws = this.#waiting.takeAll();
    for (const raw of raws) this.#intake.left(raw);
    this.#outbox.release(raws);
    this.#sizer.released(raws.length);
    this.summary.released += raws.length;
  }

  /** When there is something to say to Redis that cannot wait longer, epoch ms. */
  #turnAt(): number {
    return Math.min(
      this.#outbox.dueAt,
      this.#lease.extendAt,
      this.#releaseAt(),
      this.#showcase.dueAt(this.#slots.oldest),
      this.#lookout.restUntil > 0 && this.#wanted() > 0 ? this.#lookout.restUntil : Infinity,
    );
  }

  #hasReasonForTurn(): boolean {
    const { size } = this.#outbox;
    if (size > 0 && (this.#held === 0 || size >= this.#setting.options.batchCount)) return true;
    const now = this.#now();
    if (now >= this.#turnAt()) return true;
    const wanted = now >= this.#lookout.restUntil ? this.#wanted() : 0;
    return wanted > 0 && (this.#waiting.size === 0 || wanted >= this.#sizer.ahead / 2);
  }

  async #turn(): Promise<void> {
    this.#turning = true;
    try {
      const plan = this.#plan();
      this.#settling = plan.settle.length > 0;
      const result = await this.#takeTurn(plan);
      if (result) this.#take(plan, result);
    } catch (error) {
      this.#failure = { error };
    }
    this.#turning = false;
    this.#settling = false;
    this.#slice.renew();
    this.#bell.ring();
  }

  #plan(): SyncPlan {
    const now = this.#now();
    this.#sizer.measure(now);
    const releases = now >= this.#releaseAt();
    if (releases) this.#releaseWaiting();
    const wanted = releases ? 0 : this.#wanted();
    const { batchBytes } = this.#setting.options;
    const reserve = wanted > 0 ? this.#lookout.reservation(wanted, batchBytes, this.#intake.mayRisk, now) : undefined;
    return {
      ...this.#outbox.take(),
      ...this.#showcase.plan(this.#slots.oldest, now),
      // What fits into the free slots is started while the turn is under way.
      started: this.#waiting.seqAt(Math.min(this.#slots.free, this.#waiting.size) - 1) ?? this.#started,
      startable: Math.max(0, this.#slots.free - this.#waiting.size),
      ...(reserve ? { reserve } : {}),
    };
  }

  /** @returns undefined where the lease was lost */
  async #takeTurn(plan: SyncPlan): Promise<SyncReply | undefined> {
    try {
      return await this.#lease.turn(plan, this.#ending.giveUp);
    } catch (error) {
      if (!(error instanceof LeaseLostError)) throw error;
      const waiting = this.#waiting.takeAll().length;
      const unsettled = plan.settle.length + this.#outbox.take().settle.length;
      this.#setting.log.error(error.message, { running: this.#slots.used, waiting, unsettled });
      this.summary.lost += waiting + unsettled;
      this.#intake.allLeft();
      this.#slots.abortAll(error);
      this.#showcase.forget();
      this.#lookout.reset();
      return undefined;
    }
  }

  /** What a turn brought. */
  #take({ reserve }: SyncPlan, result: SyncReply): void {
    this.#reporter.trouble(result);
    if (!reserve) return;
    this.#sizer.reserved(reserve.count, result.jobs.length);
    const now = this.#now();
    this.#intake.accept(result.jobs, this.#waiting, this.#lookout.countsUnknown, now);
    this.#lookout.looked(reserve, result, now);
  }

  /** Waits until something is due or happens. */
  #pause(): Promise<void> {
    const next = Math.min(this.#slots.dueAt, this.#ending.dueAt, this.#turning ? Infinity : this.#turnAt());
    return this.#bell.wait(next);
  }
}
