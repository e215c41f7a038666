import type { SyncReply } from '../broker/broker.ts';
import { LambdesqueError, LeaseLostError } from '../errors.ts';
import type { BoundJob } from '../job/registry.ts';
import type { Outcome, RawJob } from '../types.ts';
import { Admissions } from './admissions.ts';
import type { Attempt, Ended } from './attempt.ts';
import { outcomeOfFailure } from './attempt-outcome.ts';
import { type BindDeps, bind, isOnlyOnce } from './bind.ts';
import type { WorkerDeps } from './deps.ts';
import { JobEnds } from './job-ends.ts';
import type { SyncPlan } from './lease.ts';
import { outcomeOfCrash } from './outcome.ts';
import { emptySummary, type Summary } from './reporter.ts';
import { Starter } from './starter.ts';
import { createParts, type Parts } from './wiring.ts';

const SUCCEEDED: Outcome = { kind: 'succeeded' };

/**
 * The loop that drains queues: reserve → decode → bind → run → settle. It alone knows all the steps.
 *
 * Each round looks at what is due (timeouts, a stop), starts reserved jobs in free places, and asks whether there is
 * something to say to Redis: outcomes to settle, places to fill, a lease to extend. All of that goes into one call, the
 * sync. Jobs go on running while it is under way; what ends meanwhile waits for the next one.
 */
export class Worker {
  readonly summary: Summary = emptySummary();
  readonly #deps: WorkerDeps;
  readonly #parts: Parts;
  readonly #startedAt: number;
  readonly #ended = Promise.withResolvers<void>();
  readonly #binding: BindDeps;
  readonly #ends: JobEnds;
  readonly #admissions: Admissions;
  readonly #starter: Starter;
  #filling = false;
  #idle = false;

  constructor(deps: WorkerDeps) {
    this.#deps = deps;
    this.#startedAt = deps.clock.now();
    this.#parts = createParts(deps, this.summary, {
      onEnd: (attempt, ended) => this.#onEnd(attempt, ended),
      onDropped: (raw) => this.#onDropped(raw),
      onReply: (plan, reply) => this.#onReply(plan, reply),
      gateOf: (raw) => this.#admissions.gateOf(bind(raw, this.#parts.lease.token, this.#binding)),
      onMissing: (jobs) => this.#onMissing(jobs),
      onLost: (error, unsettled) => this.#onLost(error, unsettled),
    });
    this.#ends = new JobEnds(this.#parts, () => {
      this.#idle = false;
    });
    this.#admissions = new Admissions(deps.clock, this.#parts, this.#ends, this.summary);
    const { lease, orders } = this.#parts;
    const now = () => lease.redisNow();
    this.#binding = { ...deps, orders, now };
    this.#starter = new Starter(this.#parts, this.#admissions, this.#ends, (raw) => this.#bind(raw), now);
  }

  /** Redis's time as this worker knows it, epoch ms. */
  redisNow(): number {
    return this.#parts.lease.redisNow();
  }

  /**
   * Runs jobs until it is stopped, its deadline comes, or, with `exitOnComplete`, its queues are empty.
   * @throws what Redis says, if it cannot be used from the start
   */
  async run(): Promise<Summary> {
    try {
      for (;;) {
        const abort = this.#parts.shutdown.check();
        if (abort !== undefined) this.#parts.running.abortAll(abort);
        this.#parts.running.sweep();
        this.#fill();
        if (this.#isOver()) break;
        this.#noteIdle();
        if (!this.#parts.syncer.isUnderWay && this.#parts.syncer.isDue()) {
          void this.#parts.syncer.run();
          // What Redis does meanwhile, it does on a core of its own.
          this.#fill();
        }
        await this.#wait();
      }
      this.#parts.shutdown.close();
      this.#parts.parkAhead.stop();
      const { error } = this.#parts.syncer.failure ?? {};
      if (error !== undefined && (this.#parts.lease.end === 0 || !(error instanceof LambdesqueError))) throw error;
      await this.#parts.lease.leave(this.#parts.pending.unsettled + this.#parts.reserver.held, error);
      await this.#parts.callbacks.settled(this.#deps.options.abortGrace);
      this.summary.stopped = this.#parts.shutdown.why ?? this.#parts.poller.found;
      return this.summary;
    } finally {
      this.#deps.places?.leave();
      this.#parts.pushWatch?.close();
      this.#parts.reporter.lost();
      this.#ended.resolve();
    }
  }

  /** Stops reserving, gives running jobs `shutdownTimeout` to end, then aborts and releases them. */
  stop(): void {
    const idle = this.#parts.reserver.held + this.#parts.pending.size === 0 && !this.#parts.syncer.isSettling;
    this.#parts.shutdown.stop(idle ? 0 : this.#parts.lease.end);
    this.#parts.wakeup.wake();
  }

  /** Takes no more jobs until it is resumed; those that wait go back, those that run go on. */
  pause(): void {
    this.#parts.reserver.paused = true;
    this.#parts.wakeup.wake();
  }

  resume(): void {
    this.#parts.reserver.paused = false;
    this.#parts.poller.reset();
    this.#parts.wakeup.wake();
  }

  /**
   * An error came out of some code by no promise that anybody awaits. If that code was called by a handler, also from a
   * timer or a socket that it has opened, it counts as what the handler threw.
   * @returns whether the job could be told
   */
  escaped(error: unknown): boolean {
    const attempt = this.#parts.running.origin();
    if (!attempt) return false;
    const { job } = attempt.bound;
    const message = attempt.ended
      ? 'A job has left a promise or a callback behind that failed when it had ended; its outcome stands. Await it, or catch it.'
      : 'An error came out of a handler by another way than its promise, and counts for its job. Await it, or catch it.';
    this.#deps.log.error(message, { class: job.class, queue: job.raw.queue, id: job.id, error });
    attempt.escaped(error);
    return true;
  }

  /**
   * The process is about to end, and one of the jobs that run may be the cause: each goes back with one death more. The
   * others go back as they are. Resolves when the worker has ended.
   */
  async crash(): Promise<void> {
    for (const attempt of this.#parts.running.takeAll()) {
      const { job } = attempt.bound;
      const outcome = outcomeOfCrash(isOnlyOnce(attempt.bound));
      if (outcome) {
        this.#ends.finish(job, outcome, this.#deps.clock.now() - attempt.startedAt);
      } else {
        this.#parts.pending.died(job, this.#parts.serial.has(job.raw.queue) ? 'head' : 'tail');
        this.#ends.left(job.raw);
      }
    }
    const waiting = [...this.#parts.buffer.takeAll(), ...this.#parts.gates.take(), ...this.#parts.batches.take()];
    this.#parts.pending.release(waiting);
    this.#parts.reporter.released(waiting.length);
    this.#parts.shutdown.crash(this.#parts.lease.end);
    this.#parts.wakeup.wake();
    await this.#ended.promise;
  }

  #isOver(): boolean {
    if (this.#parts.syncer.failure) return true;
    if (this.#parts.reserver.held + this.#parts.pending.size > 0 || this.#parts.syncer.isUnderWay) return false;
    if (this.#parts.shutdown.why) return true;
    return (
      this.#deps.options.exitOnComplete && !this.#parts.parkAhead.isAtWork && this.#parts.poller.found !== undefined
    );
  }

  #noteIdle(): void {
    // In a shutdown nobody looks any more, and what it released is in the queues again.
    if (this.#idle || this.#parts.shutdown.why) return;
    const isIdle = this.#parts.reserver.held === 0 && !this.#parts.parkAhead.isAtWork;
    const why = isIdle ? this.#parts.poller.found : undefined;
    if (why === undefined) return;
    this.#idle = true;
    this.#deps.onIdle?.(why);
  }

  /** Waits until something is due or happens. */
  #wait(): Promise<void> {
    const syncAt = this.#parts.syncer.isUnderWay ? Infinity : this.#parts.syncer.dueAt;
    const { running, shutdown, batches, wakeup } = this.#parts;
    // A batch that is due starts when there is a place.
    const batchAt = running.free > 0 ? batches.dueAt : Infinity;
    return wakeup.wait(Math.min(running.dueAt, shutdown.dueAt, batchAt, syncAt));
  }

  #fill(): void {
    if (this.#filling || this.#parts.shutdown.why) return;
    this.#filling = true;
    this.#noteLoad();
    this.#parts.running.outside(() => this.#starter.startWaiting());
    this.#deps.places?.filled(this.#parts.buffer.startable);
    this.#noteLoad();
    this.#filling = false;
  }

  #noteLoad(): void {
    this.#parts.prefetch.now(this.#deps.clock.now(), this.#parts.buffer.startable, this.#parts.running.free);
  }

  /** The job with its handler; undefined where it cannot run, and has ended. */
  #bind(raw: RawJob): BoundJob | undefined {
    const bound = bind(raw, this.#parts.lease.token, this.#binding);
    if ('handler' in bound) return bound;
    if ('outcome' in bound) {
      if (bound.outcome.kind === 'released') this.#parts.poller.sentOn(raw);
      if (bound.knownHandler) this.#parts.gates.endsBefore({ job: bound.job, handler: bound.knownHandler });
      this.#ends.finish(bound.job, bound.outcome, 0);
    } else {
      this.#ends.undecodable(bound);
    }
    return undefined;
  }

  #onEnd(attempt: Attempt, ended: Ended): void {
    const { job } = attempt.bound;
    const isFirst = this.#parts.pending.size === 0;
    if (attempt.aborted instanceof LeaseLostError) {
      this.summary.lost++;
      this.#ends.left(job.raw);
    } else {
      const now = this.#deps.clock.now();
      this.#parts.prefetch.jobEnded();
      const outcome: Outcome = ended.ok
        ? ended.result === undefined
          ? SUCCEEDED
          : { kind: 'succeeded', result: ended.result, added: ended.added }
        : outcomeOfFailure(attempt, {
            thrown: ended.thrown,
            now,
            workerStartedAt: this.#startedAt,
            defaultAttempts: this.#deps.options.attempts,
          });
      // Of a batch each has its part of the time.
      const ms = (now - attempt.startedAt) / (attempt.batch?.size ?? 1);
      this.#ends.finish(job, outcome, ms, attempt.attemptsTold, attempt.startedAt);
    }
    // It ended while it was started: whoever starts jobs looks at what comes of all of them.
    if (this.#filling) return;
    this.#fill();
    // Most ends give the loop nothing to do: the outcome waits for company, as the first one in the box has told it to.
    const full = this.#parts.pending.size >= this.#deps.options.batchCount;
    const matters = isFirst || full || this.#parts.buffer.startable <= this.#parts.prefetch.low;
    if (this.#parts.reserver.held === 0 || (matters && !this.#parts.syncer.isUnderWay)) this.#parts.wakeup.wake();
  }

  #onDropped(raw: RawJob): void {
    this.summary.lost++;
    this.#ends.left(raw);
    this.#parts.wakeup.wake();
  }

  #onReply({ reserve, settle }: SyncPlan, reply: SyncReply): void {
    this.#parts.reporter.settled(settle, reply.refused);
    this.#parts.reporter.missing(reply.missing);
    this.#parts.reporter.wrong(reply.wrong);
    this.#parts.pending.answered(reply);
    for (const { raw } of reply.refused) if (this.#parts.serial.has(raw.queue)) this.#parts.serial.held.add(raw.queue);
    this.#parts.prefetch.answered(this.#parts.lease.lastRoundTrip, reply.jobs.length);
    this.#parts.orders.update(reply.orders);
    this.#admissions.answered(reply);
    if (this.#parts.orders.anyCancelled) this.#starter.cancelled();
    if (reserve) this.#parts.reserver.accept(reserve, reply, (raw) => this.#bind(raw));
    const paused = this.#parts.reserver.takePaused(reply.pausedQueues);
    this.#parts.pending.release(paused);
    this.#parts.reporter.released(paused.length);
  }

  #onLost(error: LeaseLostError, unsettled: number): void {
    const waiting = this.#parts.buffer.takeAll().length + this.#parts.gates.reset() + this.#parts.batches.take().length;
    this.#deps.log.error(error.message, { running: this.#parts.running.used, waiting, unsettled });
    this.summary.lost += waiting + unsettled;
    this.#parts.reporter.lost();
    this.#parts.running.abortAll(error);
    this.#parts.suspects.reset();
    this.#parts.serial.held.clear();
    this.#parts.parkAhead.stop();
    this.#parts.poller.reset();
  }

  /** Redis has these in their queues again: what has not started is left to whoever takes it from there. */
  #onMissing(missing: ReadonlySet<RawJob>): void {
    this.summary.lost += this.#parts.buffer.drop((raw) => missing.has(raw));
    this.summary.lost += this.#parts.gates.take((raw) => missing.has(raw)).length;
    this.summary.lost += this.#parts.batches.take((raw) => missing.has(raw)).length;
    this.#parts.poller.reset();
  }
}
