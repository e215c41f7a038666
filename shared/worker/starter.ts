import type { BoundJob } from '../job/registry.ts';
import type { Effect, Job, RawJob } from '../types.ts';
import type { Admissions } from './admissions.ts';
import { Batches } from './batches.ts';
import { isOnlyOnce, outcomeOfWait } from './bind.ts';
import type { JobEnds } from './job-ends.ts';
import type { Parts } from './wiring.ts';

const NO_EFFECTS: readonly Effect<'clearKey'>[] = [];

/** Starts what waits, while there are places: each job by itself, or batches of them. */
export class Starter {
  readonly #parts: Parts;
  readonly #admissions: Admissions;
  readonly #ends: JobEnds;
  /** The job with its handler; undefined where it cannot run, and has ended. */
  readonly #bind: (raw: RawJob) => BoundJob | undefined;
  readonly #now: () => number;

  constructor(
    parts: Parts,
    admissions: Admissions,
    ends: JobEnds,
    bind: (raw: RawJob) => BoundJob | undefined,
    now: () => number,
  ) {
    this.#parts = parts;
    this.#admissions = admissions;
    this.#ends = ends;
    this.#bind = bind;
    this.#now = now;
  }

  startWaiting(): void {
    const { running, buffer, syncer, yieldTimer, batches } = this.#parts;
    while (running.free > 0 && buffer.startable > 0 && !syncer.isShort() && !yieldTimer.isOver()) {
      const next = buffer.next() as RawJob | BoundJob;
      const bound = 'handler' in next ? this.#mayStill(next) : this.#bind(next);
      if (!bound || !this.#admissions.mayStart(bound)) continue;
      if (Batches.isAlone(bound)) this.#start(bound);
      else this.#collect(bound);
    }
    while (running.free > 0) {
      const batch = batches.nextDue();
      if (!batch) break;
      this.#startBatch(batch);
    }
  }

  /** Those that run are told; those that wait for leave or for company have their outcome when they are looked into again. */
  cancelled(): void {
    const { orders, running, gates, batches, buffer, clock } = this.#parts;
    running.abortSome((job) => orders.cancelled(job));
    const isCancelled = (_raw: RawJob, job: Job) => orders.cancelled(job) !== undefined;
    for (const raw of [...gates.take(isCancelled), ...batches.take(isCancelled)]) {
      const bound = this.#bind(raw);
      // The order's time is over since then: it may start.
      if (bound) buffer.addFirst(bound, clock.now());
    }
  }

  #collect(bound: BoundJob): void {
    try {
      const batch = this.#parts.batches.add(bound);
      if (batch) this.#startBatch(batch);
    } catch (error) {
      this.#ends.finish(bound.job, { kind: 'failed', error }, 0);
    }
  }

  /**
   * A job that was looked into and has waited since, for a place, for leave or for company: what was said of it meanwhile counts.
   * @returns undefined where it is not to start: it has ended, or went back, since its leave was for less than a pause
   */
  #mayStill(bound: BoundJob): BoundJob | undefined {
    const { job, handler } = bound;
    const { orders, gates, pending, reporter, poller } = this.#parts;
    const over = outcomeOfWait(job, handler, { orders, now: this.#now });
    if (over) {
      gates.endsBefore(bound);
      this.#ends.finish(job, over, 0);
      return undefined;
    }
    // One that has no leave asks for it, and is parked.
    if (!orders.isPaused(job.class) || !gates.hasAdmitted(job.raw)) return bound;
    pending.release([job.raw]);
    reporter.released(1);
    this.#ends.left(job.raw);
    poller.reset();
    return undefined;
  }

  #startBatch(collected: readonly BoundJob[]): void {
    const { running, marks, plugins } = this.#parts;
    const batch = collected.filter((bound) => this.#mayStill(bound) && this.#admissions.mayStart(bound));
    if (batch.length === 0) return;
    for (const bound of batch) this.#starting(bound);
    // All of them, or none of the class, have something to be written first.
    const effects = batch.map(({ job }) => (job.plugins ? plugins.before(job) : NO_EFFECTS));
    if (effects.every(({ length }) => length === 0)) running.startBatch(batch);
    else
      running.startBatch(
        batch,
        batch.map(({ job: { raw } }, i) => marks.mark({ raw, marked: false, effects: effects[i] ?? NO_EFFECTS })),
      );
  }

  #start(bound: BoundJob): void {
    const { job } = bound;
    this.#starting(bound);
    const marked = isOnlyOnce(bound);
    const effects = job.plugins ? this.#parts.plugins.before(job) : NO_EFFECTS;
    if (!marked && effects.length === 0) this.#parts.running.start(bound);
    else void this.#parts.running.startWhen(bound, this.#parts.marks.mark({ raw: job.raw, marked, effects }));
  }

  #starting({ job }: BoundJob): void {
    this.#parts.prefetch.jobStarted();
    this.#parts.pending.started(job);
    if (job.control?.lock) this.#parts.poller.reset();
    if (this.#parts.serial.has(job.raw.queue)) {
      this.#parts.serial.prefetch(job.raw.queue).jobStarted();
      this.#parts.reserver.noteSerial(job.raw.queue);
    }
  }
}
