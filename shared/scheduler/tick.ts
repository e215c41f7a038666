import type { DueTimes, LookedThrough, Reclaimed, SchedulerBroker, TickSnapshot } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { Registry } from '../job/registry.ts';
import type { Logger } from '../log.ts';
import type { CronRunner } from './cron/runner.ts';
import { lostStepsStep } from './lost-steps.ts';
import { openGatesStep } from './open-gates.ts';
import { ProblemLog } from './problem-log.ts';
import { promoteDelayedStep } from './promote-delayed.ts';
import { promoteRetriesStep } from './promote-retries.ts';
import { reclaimStep } from './reclaim.ts';
import type { Follower, Share, Step, Tick, TickTotals } from './step.ts';
import type { FailedTrimmer } from './trim-failed.ts';

export interface TickDeps {
  readonly store: SchedulerBroker;
  /** Tells the queue of a delayed job that names none. */
  readonly registry?: Registry;
  /** @default no cron entries */
  readonly cron?: CronRunner;
  /** Keeps the failed list short. @default it may grow */
  readonly failed?: FailedTrimmer;
  /** Measures how long things take; what the time is, Redis says. */
  readonly clock: Clock;
  readonly log: Logger;
  /** What follows the work, in order. @default nothing */
  readonly followers?: readonly Follower[];
  /** Called for each dead worker. */
  readonly onReclaim?: (reclaimed: Reclaimed) => void;
  /** Kept by whoever ticks again and again, so that nothing is logged each time. @default a new one */
  readonly problems?: ProblemLog;
}

export interface TickOptions {
  /** When the tick has to end, on its clock, ms; each step that is due has one share nevertheless. @default never */
  readonly until?: number;
  /** Ends it as well. */
  readonly signal?: AbortSignal;
  /** Read just now. @default the tick reads it */
  readonly snapshot?: TickSnapshot | undefined;
}

/** What a tick did. */
export interface TickResult extends Readonly<TickTotals> {
  /** When a delayed job, retry or cron slot that is known now is due next, epoch ms; undefined if none is. */
  readonly nextAt: number | undefined;
  /** When the first lease of a worker ends unless it is extended, epoch ms; undefined if there is no worker. */
  readonly leaseEnd: number | undefined;
  /** Redis's time at its end, epoch ms. */
  readonly endedAt: number;
  /** How long it took. */
  readonly ms: number;
  /** What kept steps from their work, in order; it is in the log. */
  readonly errors: readonly Error[];
}

/** While the work goes on, followers run again after this time, ms. */
const FOLLOW_MS = 2_000;
/** And a step that had nothing to do looks again, ms. */
const LOOK_MS = 1_000;
/** How soon to see whether Ruby's scheduler has left due jobs behind. Its lock expires by itself within 3 minutes. */
const RUBY_MS = 60_000;

/**
 * One run of the scheduler: reclaim, promote retries and delayed jobs, enqueue cron slots, and what follows from that. Safe
 * beside any number of others. Where nothing is due it is one call to Redis; none with a snapshot.
 *
 * The steps take turns, a share each, until nothing is due: a million jobs of one second keep no other step waiting. A step
 * that fails is left out of the rest of this tick.
 * @throws what keeps it from looking what is due: nothing was done
 */
export async function tick(deps: TickDeps, options: TickOptions = {}): Promise<TickResult> {
  const { store, clock, cron } = deps;
  const snapshot = options.snapshot ?? (cron ? await store.snapshot() : { due: await store.dueTimes() });
  const run = new TickRun(deps, snapshot);
  await run.work(() => options.signal?.aborted === true || clock.now() >= (options.until ?? Infinity));
  return run.end();
}

/** A step and where it is in this tick. */
interface Turn {
  readonly step: Step;
  readonly share: Share;
  state: 'idle' | 'busy' | 'failed';
  /** When its last share began; undefined before the first. On the tick's clock, ms, and Redis's, epoch ms. */
  ran: { readonly at: number; readonly redis: number } | undefined;
  /** When it has something to do, as far as it said so itself, epoch ms. */
  next: number;
}

class TickRun {
  readonly #deps: TickDeps;
  readonly #tick: Tick;
  readonly #turns: readonly Turn[];
  readonly #problems: ProblemLog;
  readonly #errors: Error[] = [];
  readonly #began: number;
  /** Whose share is under way. */
  #running: Turn | undefined;
  /** When the followers ran last, and what had been done by then. */
  #followed = { at: -Infinity, work: -1 };

  constructor(deps: TickDeps, snapshot: TickSnapshot) {
    const { clock, cron, log, registry, store } = deps;
    this.#deps = deps;
    this.#problems = deps.problems ?? new ProblemLog(log, clock);
    const began = clock.now();
    this.#began = began;
    this.#tick = {
      // Redis's time, and how much has passed since then. What the clock says the time is means nothing.
      now: () => snapshot.due.now + (clock.now() - began),
      snapshot,
      totals: { called: 0, promoted: 0, retried: 0, reclaimed: 0, cron: 0, failed: 0, lateness: 0 },
      report: (wrong) => this.#problems.report(wrong),
      reportOnce: (what, message, fields) => this.#problems.reportOnce(what, message, fields),
      lookAgainAt: (time) => {
        if (this.#running) this.#running.next = Math.min(this.#running.next, time);
      },
    };
    const steps = [
      reclaimStep(store, log, deps.onReclaim),
      lostStepsStep(store),
      openGatesStep(store),
      promoteRetriesStep(store),
      // Before the delayed jobs, of which there may be many.
      ...(cron ? [cron.step()] : []),
      ...(snapshot.due.rubyScheduler ? [] : [promoteDelayedStep(store, registry, log)]),
      ...(deps.failed ? [deps.failed.step()] : []),
    ];
    this.#turns = steps.map((step) => ({
      step,
      share: step.begin(this.#tick),
      state: 'idle',
      ran: undefined,
      next: Infinity,
    }));
    this.#tick.report(snapshot.due.wrong);
  }

  async work(over: () => boolean): Promise<void> {
    const { due } = this.#tick.snapshot;
    for (const turn of this.#turns) {
      const at = turn.step.dueAt(due);
      if (at !== undefined && at <= this.#tick.now()) await this.#run(turn);
    }
    await this.#follow();
    while (this.#turns.some(({ state }) => state === 'busy') && !over()) {
      for (const turn of this.#turns) {
        if (turn.state === 'busy' || (turn.state === 'idle' && this.#isToLook(turn))) await this.#run(turn);
        if (over()) break;
      }
      if (this.#deps.clock.now() - this.#followed.at >= FOLLOW_MS) await this.#follow();
    }
    await this.#follow();
  }

  async end(): Promise<TickResult> {
    const after = await this.#look();
    const endedAt = this.#tick.now();
    const nextAt = Math.min(...this.#nextTimes(after, endedAt));
    return {
      ...this.#tick.totals,
      nextAt: nextAt === Infinity ? undefined : nextAt,
      leaseEnd: after.leaseEnd,
      endedAt,
      ms: this.#deps.clock.now() - this.#began,
      errors: this.#errors,
    };
  }

  /** Of each step. A failed one has its time with the next tick. */
  #nextTimes({ retry = Infinity, delayed = Infinity, parked = Infinity }: DueTimes, now: number): number[] {
    const known = { leases: Infinity, retry, delayed, parked };
    const times = this.#turns.map(({ step, state, next }) => {
      if (state === 'failed') return Infinity;
      return state === 'busy' ? now : Math.min(next, step.source ? known[step.source] : Infinity);
    });
    if (this.#tick.snapshot.due.rubyScheduler) times.push(delayed <= now ? now + RUBY_MS : delayed);
    return times;
  }

  #isToLook({ ran }: Turn): boolean {
    return this.#deps.clock.now() - (ran?.at ?? this.#began) >= LOOK_MS;
  }

  async #run(turn: Turn): Promise<void> {
    this.#running = turn;
    turn.next = Infinity;
    turn.ran = { at: this.#deps.clock.now(), redis: this.#tick.now() };
    const more = await this.#guard(turn.step.name, turn.share);
    turn.state = more === undefined ? 'failed' : more ? 'busy' : 'idle';
  }

  /** After the first turn, and then where something was done since. */
  async #follow(): Promise<void> {
    const { totals } = this.#tick;
    const work = totals.called + totals.promoted + totals.retried + totals.reclaimed + totals.cron + totals.failed;
    if (work === this.#followed.work) return;
    this.#followed = { at: this.#deps.clock.now(), work };
    for (const follower of this.#deps.followers ?? []) {
      await this.#guard(follower.name, () => follower.run(this.#tick));
    }
  }

  /** What is due next. A call only where something was looked through: else it is as it was. */
  async #look(): Promise<DueTimes> {
    const { due } = this.#tick.snapshot;
    const ran = this.#turns.filter(({ step, ran: last }) => step.source !== undefined && last !== undefined);
    if (ran.length === 0) return due;
    const looked = ran.flatMap(({ step, state, ran: last }) => (state === 'idle' ? [[step.source, last?.redis]] : []));
    const after = Object.fromEntries(looked) as LookedThrough;
    return (await this.#guard('due times', () => this.#deps.store.dueTimes(after))) ?? due;
  }

  /** @returns undefined where it failed */
  async #guard<Answer>(name: string, run: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await run();
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.#errors.push(error);
      this.#problems.reportFailure(name, error);
      return undefined;
    }
  }
}
