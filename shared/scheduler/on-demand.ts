import type { OnDemandBroker, ScheduleOrder } from '../broker/redis/on-demand.ts';
import type { Clock } from '../clock.ts';
import { RedisUnavailableError } from '../errors.ts';

/** Starts the scheduler at a time. It goes off within the minute that begins then, as EventBridge Scheduler does. */
export interface OneTimeSchedule {
  /** @param at a full minute on its own clock, epoch ms; undefined disarms it. The same again changes nothing. */
  set(at: number | undefined): Promise<void>;
}

const MINUTE = 60_000;
/** A schedule is not set to a minute that begins within so many ms: it takes time, and clocks differ by seconds. */
const SOON = 10_000;

/** The next full minute that a schedule can be set to. */
export function nextMinute(now: number): number {
  return Math.ceil((now + SOON) / MINUTE) * MINUTE;
}

/** When to wake for what is due at `due`: early enough that the run, which stays for it, has begun by then. */
export function wakeBefore(due: number, now: number): number {
  return Math.max(Math.floor(due / MINUTE) * MINUTE - MINUTE, nextMinute(now));
}

/** When to wake for what is there to be seen from `time` on. */
export function wakeAfter(time: number, now: number): number {
  return Math.max(Math.ceil(time / MINUTE) * MINUTE, nextMinute(now));
}

/** How long before its time a run stays for what is due, ms: for anything later a schedule can be set in time. */
export const STAY_MS = 3 * MINUTE + SOON;

/**
 * Sets the schedule to what Redis says, again if another did so meanwhile.
 * @param wallTime the schedule's own clock, epoch ms: AWS's  @throws what the schedule throws
 */
export async function setSchedule(
  store: OnDemandBroker,
  schedule: OneTimeSchedule,
  wallTime: () => number,
  order: ScheduleOrder | undefined,
): Promise<void> {
  for (let next = order; next; next = await store.acknowledge(next)) {
    if (next.within === undefined) await schedule.set(undefined);
    // A full minute, but for the seconds by which clocks differ.
    else await setInTime(schedule, wallTime, Math.round((wallTime() + next.within) / MINUTE) * MINUTE);
  }
}

/** What was ordered before us may be over by now; or by the time that the schedule has been set. */
async function setInTime(schedule: OneTimeSchedule, wallTime: () => number, at: number): Promise<void> {
  for (let time = at; ; ) {
    time = Math.max(time, nextMinute(wallTime()));
    await schedule.set(time);
    if (wallTime() < time) return;
  }
}

/** Tries of a request that Redis did not answer. */
const TRIES = 3;

export interface WakeRequesterDeps {
  readonly store: OnDemandBroker;
  readonly schedule: OneTimeSchedule;
  /** Measures how long things take. */
  readonly clock: Clock;
  /** The schedule's own clock, epoch ms: AWS's, which is that of a function. */
  readonly wallTime: () => number;
}

/** A worker's part in a system without a minute tick: it sees to it that the scheduler runs when its jobs need it. */
export class WakeRequester {
  readonly #deps: WakeRequesterDeps;
  /** By how much Redis's clock is ahead of the wall's, and of `clock`, ms; undefined until Redis has answered. */
  #ahead: { readonly ofWall: number; readonly ofClock: number } | undefined;
  /** The earliest time asked for and not yet passed on, on Redis's clock. */
  #wanted = Infinity;
  /** The minute that was asked for last: whatever is due after it needs no request, as long as it lies ahead. */
  #requested = 0;
  #passing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(deps: WakeRequesterDeps) {
    this.#deps = deps;
  }

  /** Before it takes a lease: should it die, the scheduler looks when that has ended. @param lease ms */
  async begin(lease: number): Promise<void> {
    const now = this.#deps.wallTime();
    await this.#try(() => this.#request(wakeAfter(now + lease, now) - now, true));
  }

  /** Something is due at `at`, epoch ms. Returns at once. */
  due(at: number): void {
    const now = this.#deps.wallTime();
    if (at >= this.#wanted || (this.#requested > now && this.#requested <= this.#minuteFor(at))) return;
    this.#wanted = at;
    this.#passing ??= this.#pass();
  }

  /** Something is due in so many ms. Returns at once. */
  dueIn(ms: number): void {
    const { clock, wallTime } = this.#deps;
    this.due(ms + (this.#ahead ? clock.now() + this.#ahead.ofClock : wallTime()));
  }

  /** The same as `due`, whatever was asked for before: another run may have set the schedule anew meanwhile. */
  dueAfterAll(at: number): void {
    this.#requested = 0;
    this.due(at);
  }

  /**
   * At its end. @throws what kept the schedule from being set: the worker has done its work, but the scheduler would not
   * know of what it has left behind
   */
  async end(): Promise<void> {
    await this.#passing;
    if (this.#failure) throw this.#failure.error;
  }

  async #pass(): Promise<void> {
    // What comes up in the same moment, such as the retries of a batch, is one request.
    await Promise.resolve();
    let passed = Infinity;
    while (this.#wanted < passed) {
      passed = this.#wanted;
      const minute = this.#minuteFor(passed);
      if (await this.#try(() => this.#request(minute - this.#deps.wallTime(), false))) this.#requested = minute;
    }
    this.#passing = undefined;
    this.#wanted = Infinity;
  }

  /** On the schedule's clock. @param at on Redis's */
  #minuteFor(at: number): number {
    return wakeBefore(at - (this.#ahead?.ofWall ?? 0), this.#deps.wallTime());
  }

  async #request(within: number, look: boolean): Promise<void> {
    const { store, schedule, clock, wallTime } = this.#deps;
    const { now, order } = await store.request(within, look);
    this.#ahead = { ofWall: now - wallTime(), ofClock: now - clock.now() };
    await setSchedule(store, schedule, wallTime, order);
  }

  /** What cannot be asked for does not stop the work; its end tells. @returns whether it could be asked for */
  async #try(ask: () => Promise<void>): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      try {
        await ask();
        return true;
      } catch (error) {
        if (error instanceof RedisUnavailableError && tries < TRIES) continue;
        this.#failure ??= { error };
        return false;
      }
    }
  }
}
