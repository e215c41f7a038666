import type { BoundJob, RawJob } from '../types.ts';

interface Entry {
  readonly bound: BoundJob;
  /** Epoch ms. */
  readonly since: number;
}

/** Jobs that are reserved and have not started, in the order of their reservation. */
export class Waiting {
  #entries: Entry[] = [];
  /** Place of the first of them: taking from the front of an array moves all the others. */
  #first = 0;
  #bytes = 0;

  get size(): number {
    return this.#entries.length - this.#first;
  }

  /** Of their payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Since when the first of them waits, epoch ms; Infinity if none does. */
  get since(): number {
    return this.#entries[this.#first]?.since ?? Infinity;
  }

  add(bound: BoundJob, now: number): void {
    this.#entries.push({ bound, since: now });
    this.#bytes += bound.job.raw.size;
  }

  next(): BoundJob | undefined {
    const entry = this.#entries[this.#first];
    if (!entry) return undefined;
    this.#first++;
    this.#bytes -= entry.bound.job.raw.size;
    if (this.#first === this.#entries.length) this.#clear();
    return entry.bound;
  }

  /** Empties it. */
  takeAll(): RawJob[] {
    const raws = this.#entries.slice(this.#first).map(({ bound }) => bound.job.raw);
    this.#clear();
    return raws;
  }

  #clear(): void {
    this.#entries = [];
    this.#first = 0;
    this.#bytes = 0;
  }
}
