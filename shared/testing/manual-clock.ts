import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { type Duration, durationMs } from '../duration.ts';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Turns of the event loop between two timers: enough for promises that follow an immediate that follows a promise. */
const TURNS = 3;

/**
 * A clock that stands still until a test moves it, so that a timeout of minutes takes none. It begins at
 * 2026-11-20 20:29:37 UTC, or at the epoch milliseconds that it is given.
 * @example
 * const clock = new ManualClock();
 * const running = runJob(Slow, ['a'], { clock }); // timeout: '30s'
 * await clock.advance('30s'); // its signal aborts
 * await clock.advance('1s'); // it is given up
 * assert.equal((await running).outcome, 'retried');
 */
export class ManualClock implements Clock {
  #now: number;
  /** In the order in which they were set, which decides between timers for the same time. */
  readonly #timers = new Set<Timer>();

  /** @param now epoch ms */
  constructor(now: number = Date.UTC(2026, 10, 20, 20, 29, 37)) {
    this.#now = now;
  }

  /** Epoch milliseconds. */
  now(): number {
    return this.#now;
  }

  /** Calls `callback` once, `ms` milliseconds from now, unless the returned function is called first. */
  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, ms), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that have been set and have neither fired nor been cancelled: what a test that ends should have none of. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Time passes while the event loop stands still, `ms` milliseconds: what is due meanwhile fires with the next `advance`. */
  block(ms: number): void {
    this.#now += ms;
  }

  /**
   * Moves time on, by milliseconds or text such as `'30s'`, and fires what is due on the way, in time order, each at its time.
   * Before, between and after timers the event loop turns: promises go on, and immediates run. `advance(0)` fires what is
   * due now.
   * @throws ConfigError for what is no duration
   */
  async advance(time: Duration): Promise<void> {
    const end = this.#now + durationMs(time, 'advance: the time');
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

  #next(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (timer.at <= end && (!first || timer.at < first.at)) first = timer;
    return first;
  }
}

async function eventLoop(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await setImmediate();
}
