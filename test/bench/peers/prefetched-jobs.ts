import { Intervals } from './intervals.ts';
import type { HeldFigures, Interval } from './service.ts';

interface Batch {
  readonly at: number;
  left: number;
}

/** The jobs that a worker has reserved and not started: how many, when, and for how long. Times are on `clock()`, ms. */
export class Held {
  readonly #phaseAt: (now: number) => number;
  readonly #phases: { most: number; longest: number }[];
  readonly #holding = new Intervals();
  /** In the order in which they came, which is that in which they start. */
  readonly #batches: Batch[] = [];
  #count = 0;

  /** @param phases number of parts for which it is told @param phaseAt the one at a time */
  constructor(phases: number, phaseAt: (now: number) => number) {
    this.#phaseAt = phaseAt;
    this.#phases = Array.from({ length: phases }, () => ({ most: 0, longest: 0 }));
  }

  get phases(): readonly HeldFigures[] {
    return this.#phases;
  }

  get holding(): readonly Interval[] {
    return this.#holding.told;
  }

  reserved(count: number, at: number): void {
    if (this.#count === 0) this.#holding.begin(at);
    this.#batches.push({ at, left: count });
    this.#count += count;
    const phase = this.#phases[this.#phaseAt(at)];
    if (phase) phase.most = Math.max(phase.most, this.#count);
  }

  started(at: number): void {
    const first = this.#batches[0];
    if (!first) return;
    this.#gone(first, 1, at);
    if (first.left === 0) this.#batches.shift();
  }

  /** Some have gone back to their queues: the last ones, if not all. */
  released(count: number, at: number): void {
    for (let left = count; left > 0; ) {
      const last = this.#batches.at(-1);
      if (!last) return;
      const some = Math.min(left, last.left);
      this.#gone(last, some, at);
      if (last.left === 0) this.#batches.pop();
      left -= some;
    }
  }

  end(at: number): void {
    this.#holding.end(at);
  }

  #gone(batch: Batch, count: number, at: number): void {
    const phase = this.#phases[this.#phaseAt(at)];
    if (phase) {
      phase.most = Math.max(phase.most, this.#count);
      phase.longest = Math.max(phase.longest, at - batch.at);
    }
    batch.left -= count;
    this.#count -= count;
    if (this.#count === 0) this.#holding.end(at);
  }
}
