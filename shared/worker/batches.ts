import type { Clock } from '../clock.ts';
import { ArgumentsError } from '../errors.ts';
import type { BoundJob } from '../job/registry.ts';
import { shown } from '../options.ts';
import type { Job, RawJob } from '../types.ts';

/** Jobs that collect at the most: with many keys, none of which is full, no more are reserved. */
const MOST_COLLECTED = 20_000;
const LONGEST_WAIT_MS = 1_000;

interface Collecting {
  readonly jobs: BoundJob[];
  readonly size: number;
  /** When it is started with those that there are, on our clock. */
  readonly dueAt: number;
}

/** Jobs of classes that run together: they have left the buffer, take no place, and start when there are enough, or after a while. */
export class Batches {
  readonly #clock: Clock;
  #collecting = new Map<string, Collecting>();
  #size = 0;
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Jobs that wait for company. */
  get size(): number {
    return this.#size;
  }

  /** Of their payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  /** No more are to be reserved until some have started. */
  get isFull(): boolean {
    return this.#size >= MOST_COLLECTED;
  }

  /** When one of them is to start at the latest, on our clock. */
  get dueAt(): number {
    let due = Infinity;
    for (const { dueAt } of this.#collecting.values()) due = Math.min(due, dueAt);
    return due;
  }

  /** Does it run by itself? A suspect does, so that its death tells of nobody else. */
  static isAlone({ job, handler }: BoundJob): boolean {
    return handler.definition.batch === undefined || job.deaths > 0;
  }

  /** @returns the batch, where it is full with this job  @throws ArgumentsError for a key that fails */
  add(bound: BoundJob): readonly BoundJob[] | undefined {
    const { job, handler } = bound;
    const { size = 1, wait = LONGEST_WAIT_MS } = handler.definition.batch ?? {};
    const name = `${handler.definition.class}\n${keyOf(bound)}`;
    let found = this.#collecting.get(name);
    if (!found) {
      found = { jobs: [], size, dueAt: this.#clock.now() + wait };
      this.#collecting.set(name, found);
    }
    found.jobs.push(bound);
    this.#size++;
    this.#bytes += job.raw.size;
    return found.jobs.length >= size ? this.#start(name, found) : undefined;
  }

  /** One that has waited long enough. */
  nextDue(): readonly BoundJob[] | undefined {
    if (this.#size === 0) return undefined;
    const now = this.#clock.now();
    for (const [name, one] of this.#collecting) if (now >= one.dueAt) return this.#start(name, one);
    return undefined;
  }

  /** Takes those that fit. */
  take(fits: (raw: RawJob, job: Job) => boolean = () => true): RawJob[] {
    if (this.#size === 0) return [];
    const taken: RawJob[] = [];
    for (const [name, { jobs, ...rest }] of this.#collecting) {
      const left: BoundJob[] = [];
      for (const one of jobs) {
        if (fits(one.job.raw, one.job)) taken.push(one.job.raw);
        else left.push(one);
      }
      if (left.length > 0) this.#collecting.set(name, { ...rest, jobs: left });
      else this.#collecting.delete(name);
    }
    this.#size -= taken.length;
    for (const { size } of taken) this.#bytes -= size;
    return taken;
  }

  forEach(visit: (raw: RawJob) => void): void {
    for (const { jobs } of this.#collecting.values()) for (const { job } of jobs) visit(job.raw);
  }

  #start(name: string, { jobs }: Collecting): readonly BoundJob[] {
    this.#collecting.delete(name);
    this.#size -= jobs.length;
    for (const { job } of jobs) this.#bytes -= job.raw.size;
    return jobs;
  }
}

function keyOf({ job, handler: { definition } }: BoundJob): string {
  const { key } = definition.batch ?? {};
  if (!key) return '';
  const where = `batch.key of ${definition.class}`;
  let text: unknown;
  try {
    text = key(job.args);
  } catch (error) {
    throw new ArgumentsError(`${where} failed: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  if (typeof text === 'string') return text;
  throw new ArgumentsError(`${where} must give a text; got ${shown(text)}.`);
}
