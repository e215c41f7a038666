import type { Reservation, SyncReply } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { RawJob } from '../types.ts';

/** After so many ms in which a suspect was passed over, the worker makes room for it: no job waits for ever. */
const PATIENCE_MS = 60_000;

/** Jobs that were in two deaths run with nothing beside them. The others go first; but not always. */
export class Suspects {
  readonly #clock: Clock;
  /** The one that runs alone. */
  #alone: RawJob | undefined;
  /** Since when one is passed over. */
  #since = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One waits for a worker of its own. */
  get waiting(): boolean {
    return this.#since < Infinity;
  }

  /** Nothing may be reserved: one runs alone, or is about to. @param held jobs of this worker */
  blocks(held: number): boolean {
    return this.#alone !== undefined || (held > 0 && this.#isPatienceOver());
  }

  mayTake(held: number): Reservation['alone'] {
    if (held > 0) return 'no';
    return this.#isPatienceOver() ? 'first' : 'ifNothingElse';
  }

  reserved({ jobs, alone, passedOver }: SyncReply): void {
    if (alone) this.#alone = jobs[0];
    if (alone || passedOver.forWorker === 0) this.#since = Infinity;
    else this.#since = Math.min(this.#since, this.#clock.now());
  }

  /** It has ended, or was given back. */
  left(raw: RawJob): void {
    if (raw === this.#alone) this.#alone = undefined;
  }

  reset(): void {
    this.#alone = undefined;
    this.#since = Infinity;
  }

  #isPatienceOver(): boolean {
    return this.#clock.now() - this.#since >= PATIENCE_MS;
  }
}
