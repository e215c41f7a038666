import type { BoundJob, RawJob } from '../types.ts';

/** Jobs that are reserved and have not started, in the order of their reservation; looked into or not. */
export class PrefetchBuffer {
  #jobs: (RawJob | BoundJob)[] = [];
  /** When each came, epoch ms. */
  #since: number[] = [];
  /** Place of the first of them: taking from the front of an array moves all the others. */
  #first = 0;
  #bytes = 0;

  get size(): number {
    return this.#jobs.length - this.#first;
  }

  /** Of their payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Since when the first of them waits, epoch ms; Infinity if none does. */
  get since(): number {
    return this.#since[this.#first] ?? Infinity;
  }

  /** Number of the reservation of the job at this place, from 0; undefined if there are not so many. */
  seqAt(place: number): number | undefined {
    const job = place < 0 ? undefined : this.#jobs[this.#first + place];
    return job && rawOf(job).seq;
  }

  add(job: RawJob | BoundJob, now: number): void {
    this.#jobs.push(job);
    this.#since.push(now);
    this.#bytes += rawOf(job).size;
  }

  next(): RawJob | BoundJob | undefined {
    const job = this.#jobs[this.#first];
    if (!job) return undefined;
    this.#first++;
    this.#bytes -= rawOf(job).size;
    if (this.#first === this.#jobs.length) this.#clear();
    else if (this.#first >= MOST_TAKEN) this.#compact();
    return job;
  }

  /** Empties it. */
  takeAll(): RawJob[] {
    const raws = this.#jobs.slice(this.#first).map(rawOf);
    this.#clear();
    return raws;
  }

  /** New jobs come before the last ones are taken: the places of those that were are given back in between. */
  #compact(): void {
    this.#jobs = this.#jobs.slice(this.#first);
    this.#since = this.#since.slice(this.#first);
    this.#first = 0;
  }

  #clear(): void {
    this.#jobs = [];
    this.#since = [];
    this.#first = 0;
    this.#bytes = 0;
  }
}

const MOST_TAKEN = 1_000;

function rawOf(job: RawJob | BoundJob): RawJob {
  return 'handler' in job ? job.job.raw : job;
}
