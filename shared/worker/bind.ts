import type { WorkerOptions } from '../config.ts';
import type { Registry } from '../job/registry.ts';
import type { BoundJob, Job, Outcome, RawJob } from '../types.ts';
import { decode, isAtRisk, type Undecodable } from '../wire/decode.ts';
import { dispatch } from './dispatch.ts';
import type { PrefetchBuffer } from './prefetch-buffer.ts';

export interface BindDeps {
  readonly registry: Registry;
  readonly options: Pick<WorkerOptions, 'numbers' | 'unknownClass' | 'attempts'>;
  /** The worker's: see `decode`. */
  readonly token: string;
  /** A job has ended that nothing here can run. */
  readonly onEnd: (job: Job, outcome: Outcome) => void;
  readonly onUndecodable: (one: Undecodable) => void;
}

/** Looks into reserved jobs, and keeps the one in mind that is one death away from the failed list: there is never a second. */
export class Binder {
  readonly #setting: BindDeps;
  #atRisk: RawJob | undefined;

  constructor(setting: BindDeps) {
    this.#setting = setting;
  }

  /** May one that is at risk be among the next? */
  get mayRisk(): boolean {
    return this.#atRisk === undefined;
  }

  /**
   * Reserved jobs, to wait for a slot. They are looked into when they start, so that the next ones are on their way by
   * then.
   * @param now epoch ms
   * @param lookInto look into them now: whether to look for more depends on what came
   */
  accept(raws: readonly RawJob[], waiting: PrefetchBuffer, lookInto: boolean, now: number): void {
    for (const raw of raws) {
      if (isAtRisk(raw)) this.#atRisk = raw;
      const job = lookInto ? this.bind(raw) : raw;
      if (job) waiting.add(job, now);
    }
  }

  /** It has ended, or is given back. */
  left(raw: RawJob): void {
    if (raw === this.#atRisk) this.#atRisk = undefined;
  }

  allLeft(): void {
    this.#atRisk = undefined;
  }

  /** The job with its handler; undefined where it cannot run, and has ended. */
  bind(raw: RawJob): BoundJob | undefined {
    const { registry, options, token, onEnd, onUndecodable } = this.#setting;
    const job = decode(raw, token, options.numbers);
    if (!('class' in job)) {
      this.left(raw);
      onUndecodable(job);
      return undefined;
    }
    const bound = dispatch(job, registry, options);
    if (!('kind' in bound)) return bound;
    onEnd(job, bound);
    return undefined;
  }
}
