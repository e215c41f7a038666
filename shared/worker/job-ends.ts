import type { Job, Outcome, RawJob } from '../types.ts';
import type { Undecodable } from '../wire/decode.ts';
import type { Parts } from './wiring.ts';

/** The end of a job at this worker: what is settled, what is told, and who hears that it neither runs nor waits any more. */
export class JobEnds {
  readonly #parts: Parts;
  readonly #onLeft: () => void;

  constructor(parts: Parts, onLeft: () => void) {
    this.#parts = parts;
    this.#onLeft = onLeft;
  }

  /** It has its outcome. @param attempts in all, where a handler was to run  @param startedAt on our clock, where it did */
  finish(job: Job, outcome: Outcome, ms: number, attempts?: number, startedAt?: number): void {
    this.#parts.pending.ended(job, outcome, this.#parts.marks.has(job.raw), ms, startedAt);
    // What waits for its lock may be let in by that.
    if (job.control?.lock) this.#parts.poller.reset();
    this.left(job.raw);
    this.#parts.reporter.ended(job, outcome, ms, attempts);
    this.#parts.callbacks.ended(job, outcome);
  }

  undecodable(found: Undecodable): void {
    this.left(found.raw);
    this.#parts.pending.undecodable(found);
    this.#parts.reporter.undecodable(found);
  }

  /** It runs and waits no more. */
  left(raw: RawJob): void {
    const { marks, gates, suspects, limits, poller, serial, buffer, reserver } = this.#parts;
    this.#onLeft();
    marks.forget(raw);
    gates.left(raw);
    suspects.left(raw);
    // Its place may be another's.
    if (limits.any && limits.has(raw.queue)) poller.reset();
    if (serial.has(raw.queue)) {
      buffer.ended(raw.queue);
      serial.prefetch(raw.queue).jobEnded();
      reserver.noteSerial(raw.queue);
    }
    // What had to run alone may be next.
    if (suspects.waiting && reserver.held === 0) poller.reset();
  }
}
