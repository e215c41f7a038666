import type { BoundJob } from '../job/registry.ts';
import type { RawJob } from '../types.ts';

/** A reserved job, looked into or not. */
type Prefetched = RawJob | BoundJob;

/**
 * Jobs that are reserved and have not started, in the order of their reservation. Of a serial queue one runs at a time:
 * the others wait in a lane of their own, and keep nobody else waiting.
 */
export class PrefetchBuffer {
  readonly #line = new Line();
  /** By serial queue: jobs that wait for the one that runs, or may start next. */
  readonly #lanes = new Map<string, Line>();
  /** Serial queues of which a job runs. */
  readonly #busy = new Set<string>();
  readonly #isSerial: (queue: string) => boolean;

  constructor(isSerial: (queue: string) => boolean = () => false) {
    this.#isSerial = isSerial;
  }

  /** Jobs that wait for nothing but a place. */
  get startable(): number {
    if (this.#lanes.size === 0) return this.#line.size;
    let count = this.#line.size;
    for (const [queue, lane] of this.#lanes) if (!this.#busy.has(queue) && lane.size > 0) count++;
    return count;
  }

  /** All jobs. */
  get total(): number {
    if (this.#lanes.size === 0) return this.#line.size;
    let count = this.#line.size;
    for (const lane of this.#lanes.values()) count += lane.size;
    return count;
  }

  /** Of the payloads of all of them. */
  get bytes(): number {
    let bytes = this.#line.bytes;
    for (const lane of this.#lanes.values()) bytes += lane.bytes;
    return bytes;
  }

  /** Since when the first of them waits for a place, epoch ms; Infinity if none does. Nobody else may take a serial queue's. */
  get since(): number {
    return this.#line.since;
  }

  /** Of a serial queue: jobs that wait, and the one that runs. */
  held(queue: string): number {
    return (this.#lanes.get(queue)?.size ?? 0) + (this.#busy.has(queue) ? 1 : 0);
  }

  /** Of a serial queue: whether one runs. */
  isBusy(queue: string): boolean {
    return this.#busy.has(queue);
  }

  add(job: Prefetched, now: number): void {
    const { queue } = rawOf(job);
    if (!this.#isSerial(queue)) {
      this.#line.add(job, now);
      return;
    }
    let lane = this.#lanes.get(queue);
    if (!lane) {
      lane = new Line();
      this.#lanes.set(queue, lane);
    }
    lane.add(job, now);
  }

  /** It may start before all others. */
  addFirst(job: Prefetched, now: number): void {
    const { queue } = rawOf(job);
    this.#busy.delete(queue);
    const lane = this.#isSerial(queue) ? this.#lanes.get(queue) : undefined;
    (lane ?? this.#line).addFirst(job, now);
  }

  /** The next that may start: of a serial queue's jobs and the others, the one that was reserved first. */
  next(): Prefetched | undefined {
    if (this.#lanes.size === 0) return this.#line.next();
    let first = this.#line;
    let serial: string | undefined;
    for (const [queue, lane] of this.#lanes) {
      if (this.#busy.has(queue) || lane.seq >= first.seq) continue;
      first = lane;
      serial = queue;
    }
    if (serial !== undefined && first.size > 0) this.#busy.add(serial);
    return first.next();
  }

  /** It has ended, or did not start after all. */
  ended(queue: string): void {
    this.#busy.delete(queue);
  }

  /**
   * Takes those that would start too late, and all behind them; but none of a serial queue.
   * @param rate jobs that start in a millisecond  @param latest longest wait, ms
   */
  takeLate(now: number, rate: number, latest: number): RawJob[] {
    return this.#line.takeAll(this.#line.inTime(now, rate, latest));
  }

  /** Empties it. */
  takeAll(): RawJob[] {
    const raws = this.#line.takeAll();
    for (const lane of this.#lanes.values()) for (const raw of lane.takeAll()) raws.push(raw);
    return raws;
  }

  /** Drops those that fit. @returns how many */
  drop(fits: (raw: RawJob) => boolean): number {
    return this.take(fits).length;
  }

  /** Takes those that fit. */
  take(fits: (raw: RawJob) => boolean): RawJob[] {
    return [this.#line, ...this.#lanes.values()].flatMap((line) => line.take(fits));
  }

  forEach(visit: (raw: RawJob) => void): void {
    for (const line of [this.#line, ...this.#lanes.values()]) line.forEach(visit);
  }
}

/** Jobs are taken from the front so many times before the places of those that were are given back. */
const MOST_TAKEN = 1_000;

/** First in, first out; taking from the front of an array moves all the others. */
class Line {
  #jobs: Prefetched[] = [];
  /** When each came, epoch ms. */
  #since: number[] = [];
  #first = 0;
  bytes = 0;

  get size(): number {
    return this.#jobs.length - this.#first;
  }

  get since(): number {
    return this.#since[this.#first] ?? Infinity;
  }

  /** Number of the first one's reservation. */
  get seq(): number {
    const job = this.#jobs[this.#first];
    return job ? rawOf(job).seq : Infinity;
  }

  add(job: Prefetched, now: number): void {
    this.#jobs.push(job);
    this.#since.push(now);
    this.bytes += rawOf(job).size;
  }

  addFirst(job: Prefetched, now: number): void {
    this.bytes += rawOf(job).size;
    if (this.#first === 0) {
      this.#jobs.unshift(job);
      this.#since.unshift(now);
      return;
    }
    this.#first--;
    this.#jobs[this.#first] = job;
    this.#since[this.#first] = now;
  }

  next(): Prefetched | undefined {
    const job = this.#jobs[this.#first];
    if (!job) return undefined;
    this.#first++;
    this.bytes -= rawOf(job).size;
    if (this.#first === this.#jobs.length) this.#set([], []);
    else if (this.#first >= MOST_TAKEN) this.#set(this.#jobs.slice(this.#first), this.#since.slice(this.#first));
    return job;
  }

  /** How many of the first start in time. */
  inTime(now: number, rate: number, latest: number): number {
    for (let i = this.#first; i < this.#jobs.length; i++) {
      const before = i - this.#first;
      const startsAt = before === 0 ? now : now + before / rate;
      if (startsAt > (this.#since[i] ?? now) + latest) return before;
    }
    return this.size;
  }

  /** @param keep so many of the first stay */
  takeAll(keep = 0): RawJob[] {
    const upto = this.#first + keep;
    const raws = this.#jobs.slice(upto).map(rawOf);
    this.#set(this.#jobs.slice(this.#first, upto), this.#since.slice(this.#first, upto));
    for (const raw of raws) this.bytes -= raw.size;
    return raws;
  }

  take(fits: (raw: RawJob) => boolean): RawJob[] {
    const taken: RawJob[] = [];
    const kept: number[] = [];
    for (let i = this.#first; i < this.#jobs.length; i++) {
      const raw = rawOf(this.#jobs[i] as Prefetched);
      if (fits(raw)) taken.push(raw);
      else kept.push(i);
    }
    if (taken.length === 0) return taken;
    this.#set(
      kept.flatMap((i) => this.#jobs[i] ?? []),
      kept.map((i) => this.#since[i] ?? 0),
    );
    this.bytes = this.#jobs.reduce((sum, job) => sum + rawOf(job).size, 0);
    return taken;
  }

  forEach(visit: (raw: RawJob) => void): void {
    for (let i = this.#first; i < this.#jobs.length; i++) {
      const job = this.#jobs[i];
      if (job) visit(rawOf(job));
    }
  }

  #set(jobs: Prefetched[], since: number[]): void {
    this.#jobs = jobs;
    this.#since = since;
    this.#first = 0;
  }
}

export function rawOf(job: Prefetched): RawJob {
  return 'handler' in job ? job.job.raw : job;
}
