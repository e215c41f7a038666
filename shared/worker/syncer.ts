import type { LimitedQueue } from '../broker/admission.ts';
import type { HeldJob, SyncReply } from '../broker/broker.ts';
import { LeaseLostError } from '../errors.ts';
import type { RawJob } from '../types.ts';
import type { WorkerDeps } from './deps.ts';
import { type Lease, NoPlaceError, type SyncPlan } from './lease.ts';
import type { LimitedQueues } from './limited-queues.ts';
import type { Pace } from './pace.ts';
import type { PendingResults } from './pending-results.ts';
import type { Reporter } from './reporter.ts';
import type { Reserver, ReserverDeps } from './reserver.ts';
import type { StartMarks } from './start-marks.ts';
import { WorkingOn } from './working-on.ts';

interface SyncerDeps extends Omit<ReserverDeps, 'options'> {
  readonly log: WorkerDeps['log'];
  readonly options: WorkerDeps['options'];
  readonly lease: Lease;
  readonly reserver: Reserver;
  readonly limits: LimitedQueues;
  readonly pace: Pace;
  readonly pending: PendingResults;
  readonly marks: StartMarks;
  readonly reporter: Reporter;
  /** A sync brought something. */
  readonly onReply: (plan: SyncPlan, reply: SyncReply) => void;
  /** The lease was lost, and with it all that the worker held. */
  readonly onLost: (error: LeaseLostError, unsettled: number) => void;
  /** The loop is to look around. */
  readonly wake: () => void;
  /** A sync is over. */
  readonly onOver: () => void;
}

const NONE: NonNullable<SyncPlan['ran']> = [];

/** When there is something to say to Redis, and what: one call at a time. */
export class Syncer {
  /** Redis cannot be used, or something is wrong here: the worker ends. */
  failure: { readonly error: unknown } | undefined;
  readonly #deps: SyncerDeps;
  readonly #workingOn = new WorkingOn();
  #isUnderWay = false;
  /** It is to be made though there is nothing to say. */
  #isAsked = false;
  /** What the sync under way settles. */
  #settling: SyncPlan['settle'] = [];

  constructor(deps: SyncerDeps) {
    this.#deps = deps;
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  get isSettling(): boolean {
    return this.#settling.length > 0;
  }

  /** The next one is due now. */
  ask(): void {
    this.#isAsked = true;
    this.#deps.wake();
  }

  /** When there is something to say that cannot wait longer, on our clock. */
  get dueAt(): number {
    const { pending, lease, reserver, running, gates } = this.#deps;
    return Math.min(
      pending.dueAt,
      lease.extendAt,
      reserver.releaseAt,
      this.#workingOn.dueAt(running.oldest),
      reserver.restUntil,
      gates.dueAt,
    );
  }

  isDue(): boolean {
    const { pending, reserver, options, clock } = this.#deps;
    if (this.#isAsked || (pending.size > 0 && (reserver.held === 0 || pending.size >= options.batchCount))) return true;
    const now = clock.now();
    return now >= this.dueAt || reserver.isDue(now);
  }

  /** Should more jobs be on their way, before those that wait are run? Then Redis need not wait until they are. */
  isShort(): boolean {
    const { buffer, prefetch, clock, reserver } = this.#deps;
    if (this.#isUnderWay || buffer.startable > prefetch.low) return false;
    // What would be released now is better started.
    return clock.now() < reserver.releaseAt && this.isDue();
  }

  /** One round trip. Never rejects. */
  async run(): Promise<void> {
    this.#isUnderWay = true;
    this.#isAsked = false;
    try {
      const plan = this.#plan();
      this.#settling = plan.settle;
      const reply = await this.#send(plan);
      if (reply) this.#deps.onReply(plan, reply);
    } catch (error) {
      this.failure = { error };
    }
    this.#isUnderWay = false;
    this.#settling = [];
    this.#deps.onOver();
  }

  /** Every job that the worker holds: running, waiting, or ended and not settled. */
  held(): HeldJob[] {
    const { running, buffer, gates, batches, pending, marks } = this.#deps;
    const held: HeldJob[] = [...this.#settling];
    const add = (raw: RawJob) => void held.push({ raw, marked: marks.has(raw) });
    for (const { bound } of running.all) add(bound.job.raw);
    buffer.forEach(add);
    gates.forEach(add);
    batches.forEach(add);
    pending.forEach((settlement) => void held.push(settlement));
    return held;
  }

  #plan(): SyncPlan {
    const { reserver, reporter, pace, pending, running, buffer, gates, limits, marks, lease, clock, prefetch, serial } =
      this.#deps;
    const now = clock.now();
    prefetch.now(now, buffer.startable, running.free);
    prefetch.measure();
    serial.measure();
    const late = reserver.takeLate();
    pending.release(late);
    reporter.released(late.length);
    const results = pending.take();
    const paces = pace.plan(results.ran ?? NONE, results.settle);
    // What goes back is not to be taken again at once.
    const wanted = late.length > 0 ? 0 : reserver.wanted();
    const { oldest } = running;
    const marked = oldest !== undefined && marks.has(oldest.bound.job.raw);
    const admit = gates.plan();
    const reserve = wanted > 0 ? reserver.reservation(wanted, now) : undefined;
    return {
      ...results,
      ...this.#workingOn.plan(oldest, now, lease.redisNow() - now, marked),
      letGo: this.#letGo(),
      ...(paces.length > 0 ? { paces } : {}),
      ...(admit ? { admit } : {}),
      ...(limits.any ? { limited: this.#limited(results.settle, reserve) } : {}),
      ...(reserve ? { reserve } : {}),
    };
  }

  #limited(settle: SyncPlan['settle'], reserve: SyncPlan['reserve']): LimitedQueue[] {
    const raws = (held: readonly HeldJob[]) => held.map(({ raw }) => raw);
    const queues = reserve?.shares.map(({ queue }) => queue) ?? [];
    return this.#deps.limits.plan(queues, raws([...this.held(), ...settle]), raws(settle));
  }

  /** Serial queues of which nothing is held any more, once this is settled. */
  #letGo(): string[] {
    const { serial, pending, buffer } = this.#deps;
    if (serial.held.size === 0) return [];
    const unsettled = new Set<string>();
    pending.forEach(({ raw }) => void unsettled.add(raw.queue));
    const free = [...serial.held].filter((queue) => buffer.held(queue) === 0 && !unsettled.has(queue));
    for (const queue of free) serial.held.delete(queue);
    return free;
  }

  /** @returns undefined where the lease was lost, or none was to be had */
  async #send(plan: SyncPlan): Promise<SyncReply | undefined> {
    const { lease, shutdown, pending } = this.#deps;
    try {
      return await lease.sync(plan, shutdown.giveUp);
    } catch (error) {
      if (error instanceof NoPlaceError) {
        this.#deps.log.info(error.message);
        shutdown.refused();
        return undefined;
      }
      if (!(error instanceof LeaseLostError)) throw error;
      this.#workingOn.forget();
      this.#deps.onLost(error, plan.settle.length + pending.takeAll());
      return undefined;
    }
  }
}
