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
  /** Since when one is passed over, now and then. */
  #since = Infinity;
  /** The last look passed one over. */
  #seen = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One waits for a worker of its own. */
  get waiting(): boolean {
    return this.#seen;
  }

  /** Nothing may be reserved: one runs alone, or is about to. @param held jobs of this worker */
  blocks(held: number): boolean {
    return this.#alone !== undefined || (held > 0 && this.#hasToComeFirst());
  }

  mayTake(held: number): Reservation['alone'] {
    if (held > 0) return 'no';
    return this.#hasToComeFirst() ? 'first' : 'ifNothingElse';
  }

  /**
   * In a long queue most looks do not get as far as to the suspect: they tell nothing of it.
   * @param mayTake what was asked for  @param all whether all queues were looked at
   */
  reserved({ jobs, alone, passedOver, more }: SyncReply, mayTake: Reservation['alone'], all: boolean): void {
    if (alone) this.#alone = jobs[0];
    this.#seen = !alone && passedOver.forWorker > 0;
    if (alone || mayTake === 'first' || (all && !more && !this.#seen)) this.#since = Infinity;
    if (this.#seen) this.#since = Math.min(this.#since, this.#clock.now());
  }

  /** It has ended, or was given back. */
  left(raw: RawJob): void {
    if (raw === this.#alone) this.#alone = undefined;
  }

  reset(): void {
    this.#alone = undefined;
    this.#since = Infinity;
    this.#seen = false;
  }

  /** One that was just passed over is at the tail, where it is found as long as not many came behind it. */
  #hasToComeFirst(): boolean {
    return this.#seen && this.#clock.now() - this.#since >= PATIENCE_MS;
  }
}
