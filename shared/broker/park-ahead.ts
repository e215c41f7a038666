import type { RawJob } from '../types.ts';
import type { AskedGate } from './admission.ts';
import type { WrongKey } from './wrong-key.ts';

/** Jobs of a queue are looked at where they wait: nobody takes them. */
export interface AheadRequest {
  readonly queue: string;
  /** Those that were read before are parked. */
  readonly park?: {
    /** Where the first of them was seen, from 0. */
    readonly place: number;
    /** One behind the other. */
    readonly jobs: readonly RawJob[];
    /** For each the gate that it is parked at; undefined where it stays. */
    readonly gates: readonly (AskedGate | undefined)[];
  };
  /** Then these are read. @property bytes at the most; one comes even if it is larger */
  readonly read?: { readonly place: number; readonly most: number; readonly bytes: number };
}

export interface AheadReply {
  readonly parked: number;
  /** Jobs that were in front of those that are parked in their queue, and are. */
  readonly before: number;
  readonly jobs: readonly RawJob[];
  readonly wrong: readonly WrongKey[];
}
