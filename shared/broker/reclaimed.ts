import type { WrongKey } from './wrong-key.ts';

export interface Reclaimed {
  readonly worker: string;
  /** Jobs given back to their queues. */
  readonly jobs: number;
  /** At-most-once jobs that may have started, now in the failed list. */
  readonly failed: number;
  /** All of these, with the death that it is about. */
  readonly each: readonly ReclaimedJob[];
  /** Keys that did not take their jobs; those stay in flight and are tried again in a minute. */
  readonly wrong: readonly WrongKey[];
  /** Nothing could be done, and its lease stays as it is. */
  readonly passedOver?: true;
}

/** A job that a dead worker held, whether it had started or not. */
export interface ReclaimedJob {
  /** undefined where its payload does not say. */
  readonly class: string | undefined;
  readonly id: string;
  readonly queue: string;
  /** How many workers have died with it. */
  readonly deaths: number;
  /** Where it is now. */
  readonly to: 'queue' | 'failed';
}
