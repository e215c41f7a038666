import type { Clock } from 'lambdesque';

/** The system's time, which a test can move on: what was due in between happens at once, in its order. */
export class MovingClock implements Clock {
  #moved = 0;
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>();

  now(): number {
    return Date.now() + this.#moved;
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
