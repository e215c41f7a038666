import type { Clock } from '../clock.ts';
import type { WakeOrder, WakeStore } from '../store/wake-store.ts';

/** Starts the scheduler at a time. It goes off within the minute that begins then, as EventBridge Scheduler does. */
export interface AlarmClock {
  /** @param at a full minute, epoch ms; undefined disarms it. The same again changes nothing. */
  set(at: number | undefined): Promise<void>;
}

const MINUTE = 60_000;
/** An alarm is not set for a minute that begins within so many ms: it could come too late for it. */
const SOON = 2_000;

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
export async function tellClock(
  store: WakeStore,
  alarm: AlarmClock,
  clock: Clock,
  order: WakeOrder | undefined,
): Promise<void> {
  for (let next = order; next; next = await store.told(next)) {
    // What was ordered before us may be over by now.
    await alarm.set(next.at === undefined ? undefined : Math.max(next.at, nextMinute(clock.now())));
  }
}

/** A worker's part in a system without a minute tick: it sees to it that the scheduler runs when its jobs need it. */
export class WorkerWake {
  readonly #store: WakeStore;
  readonly #alarm: AlarmClock;
  readonly #clock: Clock;
  /** The earliest time asked for and not yet passed on. */
  #wanted = Infinity;
  #passing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(store: WakeStore, alarm: AlarmClock, clock: Clock) {
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
    if (at >= this.#wanted) return;
    this.#wanted = at;
    this.#passing ??= this.#pass();
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
      await this.#try(() => this.#ask(wakeBefore(passed, now), now, false));
    }
    this.#passing = undefined;
    this.#wanted = Infinity;
  }

  async #ask(at: number, now: number, cover: boolean): Promise<void> {
    await tellClock(this.#store, this.#alarm, this.#clock, await this.#store.ask(at, now, cover));
  }

  /** What cannot be asked for now does not stop the work; a later one that can be makes up for nothing. */
  async #try(ask: () => Promise<void>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      this.#failure ??= { error };
    }
  }
}
