import type { Clock } from '../../shared/internal.ts';
import { NOW, redisTime } from './redis-time.ts';

export interface MovingClockOptions {
  /** By how much it is ahead of the real time, ms; below 0 it is behind. @default 0 */
  readonly ahead?: number;
}

/**
 * A worker's clock that runs as time does, from a fixed date on, and that a test can move on: what was due in between
 * happens at once, in its order. Time passes for Redis as well, whatever its clock says.
 */
export class MovingClock implements Clock {
  readonly #origin = performance.now();
  #moved: number;
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>();

  constructor({ ahead = 0 }: MovingClockOptions = {}) {
    this.#moved = ahead;
  }

  now(): number {
    return NOW + performance.now() - this.#origin + this.#moved;
  }

  after(ms: number, callback: () => void): () => void {
    const cancel = () => {
      clearTimeout(handle);
      this.#timers.delete(timer);
    };
    const timer = {
      at: this.now() + ms,
      fire: () => {
        cancel();
        callback();
      },
    };
    this.#timers.add(timer);
    const handle = setTimeout(timer.fire, Math.min(Math.max(0, ms), 2 ** 31 - 1));
    return cancel;
  }

  move(ms: number): void {
    this.#moved += ms;
    redisTime.move(ms);
    const due = [...this.#timers].filter((timer) => timer.at <= this.now()).sort((a, b) => a.at - b.at);
    for (const timer of due) timer.fire();
  }
}
