import { countTime, countWait } from '../broker/ops/run-times.ts';
import type { RunSums } from '../types.ts';

type Sums = { -readonly [Key in keyof RunSums]: RunSums[Key] extends readonly number[] ? number[] : RunSums[Key] };

/**
 * Sums, by queue and class, of attempts whose jobs are only done: nearly all are, and most have the queue and class of the
 * one before.
 */
export class RunTally {
  #sums: Sums[] = [];
  readonly #known = new Map<string, Map<string, Sums>>();
  #last: Sums | undefined;

  /** @param ms of its handler  @param wait ms from enqueuing to its start, NaN if that is not known */
  add(queue: string, className: string, isSuccess: boolean, ms: number, wait: number): void {
    let sums = this.#last;
    if (!sums || sums.queue !== queue || sums.class !== className) sums = this.#of(queue, className);
    if (isSuccess) sums.succeeded++;
    else sums.discarded++;
    sums.ms += ms;
    countTime(sums.times, ms);
    if (wait >= 0) {
      countWait(sums.times, wait);
      sums.waitMs += wait;
      sums.waited++;
    }
  }

  /** Empties it. */
  take(): readonly RunSums[] {
    const sums = this.#sums;
    this.#sums = [];
    this.#known.clear();
    this.#last = undefined;
    return sums;
  }

  #of(queue: string, className: string): Sums {
    let classes = this.#known.get(queue);
    if (!classes) {
      classes = new Map();
      this.#known.set(queue, classes);
    }
    let sums = classes.get(className);
    if (!sums) {
      sums = { queue, class: className, succeeded: 0, discarded: 0, ms: 0, waitMs: 0, waited: 0, times: [] };
      classes.set(className, sums);
      this.#sums.push(sums);
    }
    this.#last = sums;
    return sums;
  }
}
