import type { Clock } from 'lambdesque';

/** Where the time of every test begins, epoch ms: 2026-11-20 20:29:37 UTC. */
const START = Date.UTC(2026, 10, 20, 20, 29, 37);

/**
 * A clock that runs as time does, from a fixed date on, and that a test can move on: what was due in between happens at
 * once, in its order.
 */
export class MovingClock implements Clock {
  readonly #origin = performance.now();
  #moved = 0;
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>();

  now(): number {
    return START + performance.now() - this.#origin + this.#moved;
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
    const due = [...this.#timers].filter((timer) => timer.at <= this.now()).sort((a, b) => a.at - b.at);
    for (const timer of due) timer.fire();
  }
}
