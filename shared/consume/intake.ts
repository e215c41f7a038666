import type { ConsumerOptions } from '../config.ts';
import type { Registry } from '../job/registry.ts';
import type { BoundJob, Job, Outcome, RawJob } from '../types.ts';
import { decode, type Undecodable } from './decode.ts';
import { dispatch } from './dispatch.ts';
import { MOST_DEATHS } from './fate.ts';

export interface IntakeHandlers {
  undecodable(one: Undecodable): void;
  /** A job that ended without having run. */
  ended(job: Job, outcome: Outcome): void;
}

/** Reserved jobs until they start: those that can run wait here in order, the others end at once. */
export class Intake {
  readonly #registry: Registry;
  readonly #options: Pick<ConsumerOptions, 'numbers' | 'unknownClass' | 'attempts'>;
  readonly #token: string;
  readonly #handlers: IntakeHandlers;
  #waiting: { readonly bound: BoundJob; readonly since: number }[] = [];
  /** Jobs whose next death would be taken for their fault: each runs with nothing beside it, so that it is. */
  #suspects: BoundJob[] = [];
  /** Payloads of unknown classes that went back since the last job that could run. */
  readonly #sentOn = new Set<string>();
  /** The last jobs were suspects: more may follow, so take one at a time. */
  careful = false;
  /** Only jobs of unknown classes are left: they come round again. */
  onlyUnknown = false;

  constructor(
    registry: Registry,
    options: Pick<ConsumerOptions, 'numbers' | 'unknownClass' | 'attempts'>,
    token: string,
    handlers: IntakeHandlers,
  ) {
    this.#registry = registry;
    this.#options = options;
    this.#token = token;
    this.#handlers = handlers;
  }

  /** Jobs that wait for a slot. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Since when the first of them does, epoch ms; Infinity if none does. */
  get waitingSince(): number {
    return this.#waiting[0]?.since ?? Infinity;
  }

  get suspects(): number {
    return this.#suspects.length;
  }

  accept(raws: readonly RawJob[], now: number): void {
    this.onlyUnknown = false;
    for (const raw of raws) {
      const job = decode(raw, this.#token, this.#options.numbers);
      if ('class' in job) this.#acceptJob(job, now);
      else this.#handlers.undecodable(job);
    }
  }

  next(): BoundJob | undefined {
    return this.#waiting.shift()?.bound;
  }

  nextSuspect(): BoundJob | undefined {
    return this.#suspects.pop();
  }

  /** Gives up the jobs that wait; in the order in which they were reserved. */
  takeWaiting(): RawJob[] {
    const raws = this.#waiting.map(({ bound }) => bound.job.raw);
    this.#waiting = [];
    return raws;
  }

  /** Gives up all suspects but so many. */
  takeSuspects(keep: number): RawJob[] {
    return this.#suspects.splice(keep).map((bound) => bound.job.raw);
  }

  #acceptJob(job: Job, now: number): void {
    const bound = dispatch(job, this.#registry, this.#options);
    if ('kind' in bound) {
      if (bound.kind === 'released') this.#noteUnknown(job);
      this.#handlers.ended(job, bound);
      return;
    }
    this.#sentOn.clear();
    this.careful = job.deaths === MOST_DEATHS - 1;
    if (this.careful) this.#suspects.push(bound);
    else this.#waiting.push({ bound, since: now });
  }

  #noteUnknown(job: Job): void {
    if (this.#sentOn.has(job.payload)) this.onlyUnknown = true;
    else if (this.#sentOn.size < 10_000) this.#sentOn.add(job.payload);
  }
}
