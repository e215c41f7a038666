import type { Interval } from './service.ts';

/** Shorter ones are not told, ms: they are between two handlers, not those of a worker that waits. */
const LEAST = 5;

/** When something was so. */
export class Intervals {
  readonly told: Interval[] = [];
  #since: number | undefined;

  begin(at: number): void {
    this.#since ??= at;
  }

  end(at: number): void {
    if (this.#since !== undefined && at - this.#since >= LEAST) this.told.push([this.#since, at]);
    this.#since = undefined;
  }
}
