import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Turns of the event loop between two timers: enough for promises that follow an immediate that follows a promise. */
const TURNS = 3;

/** Time that stands still until a test moves it. It begins at 2026-11-20 20:29:37 UTC, on a whole second. */
export class ManualClock implements Clock {
  #now: number;
  /** In the order in which they were set, which decides between timers for the same time. */
  readonly #timers = new Set<Timer>();

  /** @param now epoch ms */
  constructor(now: number = Date.UTC(2026, 10, 20, 20, 29, 37)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have been set and have neither fired nor been cancelled: what a test that ends should have none of. */
  get pending(): number {
    return this.#timers.size;
  }

  /** A handler keeps the processor for `ms`: what becomes due meanwhile fires late, in the `advance` that is under way or next. */
  burn(ms: number): void {
    this.#now += ms;
  }

  /**
   * Moves time on by `ms` and fires what is due on the way, in time order, each at its time. Before, between and after
   * timers the event loop turns: promises go on, and immediates run. `advance(0)` fires what is due now.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await eventLoop();
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.callback();
      await eventLoop();
    }
    this.#now = Math.max(this.#now, end);
    await eventLoop();
  }

  /** Time passes while the event loop stands still: what is due meanwhile fires with the next `advance`. */
  block(ms: number): void {
    this.#now += ms;
  }

  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (timer.at <= end && (!first || timer.at < first.at)) first = timer;
    return first;
  }
}

async function eventLoop(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await setImmediate();
}
