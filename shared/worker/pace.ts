import type { ClassPace } from '../broker/sync.ts';
import type { Clock } from '../clock.ts';
import type { RunSums, Settlement } from '../types.ts';

interface PaceDeps {
  readonly clock: Clock;
  readonly concurrency: number;
  /** Jobs that are started in a millisecond, as the event loop allows; undefined while that is not known. */
  readonly startRate: () => number | undefined;
}

/** The first measure goes with the first outcomes, since a worker may end with them; the next ones after so many ms. */
const NEXT_MS = [1_000, 5_000];
/** Classes in one sync. */
const MOST_CLASSES = 50;

/**
 * How long jobs of each class take, and how much of a worker's time: so many workers empty a queue in a given time. A job
 * that waits takes a part of it, as many run beside each other; one that burns CPU takes all of it.
 */
export class Pace {
  readonly #deps: PaceDeps;
  #sums = new Map<string, { jobs: number; ms: number }>();
  #nextAt = -Infinity;
  #sent = 0;

  constructor(deps: PaceDeps) {
    this.#deps = deps;
  }

  /** Of what a sync takes along. @returns what it has to say of it, now and then */
  plan(ran: readonly RunSums[], settle: readonly Settlement[]): ClassPace[] {
    let counted = 0;
    for (const sums of ran) {
      counted += sums.succeeded + sums.discarded;
      this.#add(sums.class, sums.succeeded + sums.discarded, sums.ms);
    }
    // Mostly none is left. What never ran has no time; nor would every name that stands in a payload be kept.
    if (counted < settle.length)
      for (const { run } of settle) if (run?.class && run.ms > 0) this.#add(run.class, 1, run.ms);
    const now = this.#deps.clock.now();
    if (this.#sums.size === 0 || now < this.#nextAt) return [];
    this.#nextAt = now + (NEXT_MS[Math.min(this.#sent++, NEXT_MS.length - 1)] ?? 0);
    const least = 1_000 / (this.#deps.startRate() ?? Infinity);
    const paces = [...this.#sums].map(([name, { jobs, ms }]) => {
      const micros = (1_000 * ms) / jobs;
      const share = Math.max(1, Math.round(Math.max(least, micros / this.#deps.concurrency)));
      return { class: name, share, took: Math.max(share, Math.round(micros)) };
    });
    this.#sums = new Map();
    return paces;
  }

  #add(name: string, jobs: number, ms: number): void {
    if (jobs === 0) return;
    const sums = this.#sums.get(name);
    if (sums) {
      sums.jobs += jobs;
      sums.ms += ms;
    } else if (this.#sums.size < MOST_CLASSES) {
      this.#sums.set(name, { jobs, ms });
    }
  }
}
