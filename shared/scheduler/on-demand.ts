import type { OnDemandBroker, ScheduleOrder } from '../broker/redis/on-demand.ts';
import type { Clock } from '../clock.ts';
import { RedisUnavailableError } from '../errors.ts';

/** Starts the scheduler at a time. It goes off within the minute that begins then, as EventBridge Scheduler does. */
export interface OneTimeSchedule {
  /** @param at a full minute, epoch ms; undefined disarms it. The same again changes nothing. */
  set(at: number | undefined): Promise<void>;
}

const MINUTE = 60_000;
/** An alarm is not set for a minute that begins within so many ms: it takes time, and clocks differ by seconds. */
const SOON = 10_000;

/** The next full minute that an alarm can be set for. */
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

/** How long before its time a run stays for what is due, ms: for anything later an alarm can be set in time. */
export const STAY_MS = 3 * MINUTE + SOON;

/** Sets the alarm to what Redis says, again if another did so meanwhile. @throws what the alarm clock throws */
export async function setSchedule(
  store: OnDemandBroker,
  alarm: OneTimeSchedule,
  clock: Clock,
  order: ScheduleOrder | undefined,
): Promise<void> {
  for (let next = order; next; next = await store.told(next)) {
    if (next.at === undefined) await alarm.set(undefined);
    else await setInTime(alarm, clock, next.at);
  }
}

/** What was ordered before us may be over by now; or by the time that the clock has been set. */
async function setInTime(alarm: OneTimeSchedule, clock: Clock, at: number): Promise<void> {
  for (let time = at; ; ) {
    time = Math.max(time, nextMinute(clock.now()));
    await alarm.set(time);
    if (clock.now() < time) return;
  }
}

/** Tries of a request that Redis did not answer. */
const TRIES = 3;

/** A worker's part in a system without a minute tick: it sees to it that the scheduler runs when its jobs need it. */
export class WakeRequester {
  readonly #store: OnDemandBroker;
  readonly #alarm: OneTimeSchedule;
  readonly #clock: Clock;
  /** The earliest time asked for and not yet passed on. */
  #wanted = Infinity;
  /** The minute that was asked for last: whatever is due after it needs no request, as long as it lies ahead. */
  #asked = 0;
  #passing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(store: OnDemandBroker, alarm: OneTimeSchedule, clock: Clock) {
    this.#store = store;
    this.#alarm = alarm;
    this.#clock = clock;
  }

  /** Before it takes a lease: should it die, the scheduler looks when that has ended. @param leaseEnd epoch ms */
  async begin(leaseEnd: number): Promise<void> {
    const now = this.#clock.now();
    await this.#try(() => this.#ask(wakeAfter(leaseEnd, now), now, true));
  }

  /** Something is due at `at`, epoch ms. Returns at once. */
  due(at: number): void {
    const now = this.#clock.now();
    if (at >= this.#wanted || (this.#asked > now && this.#asked <= wakeBefore(at, now))) return;
    this.#wanted = at;
    this.#passing ??= this.#pass();
  }

  /** The same, whatever was asked for before: another run may have set the alarm anew meanwhile. */
  dueAfterAll(at: number): void {
    this.#asked = 0;
    this.due(at);
  }

  /**
   * At its end. @throws what kept the alarm from being set: the worker has done its work, but the scheduler would not know
   * of what it has left behind
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
      const now = this.#clock.now();
      const minute = wakeBefore(passed, now);
      if (await this.#try(() => this.#ask(minute, now, false))) this.#asked = minute;
    }
    this.#passing = undefined;
    this.#wanted = Infinity;
  }

  async #ask(at: number, now: number, cover: boolean): Promise<void> {
    await setSchedule(this.#store, this.#alarm, this.#clock, await this.#store.ask(at, now, cover));
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
