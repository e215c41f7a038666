import type { Admission, AskedGate } from '../broker/admission.ts';
import type { SyncReply } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { DuplicateJobError } from '../errors.ts';
import type { BoundJob } from '../job/registry.ts';
import type { bind } from './bind.ts';
import type { JobEnds } from './job-ends.ts';
import type { Summary } from './reporter.ts';
import type { Parts } from './wiring.ts';

/** Jobs before which a limit or a pause stands: they ask with a sync, and start, wait in Redis, or end with its answer. */
export class Admissions {
  readonly #clock: Clock;
  readonly #parts: Pick<Parts, 'gates' | 'buffer' | 'prefetch' | 'poller' | 'parkAhead'>;
  readonly #ends: JobEnds;
  readonly #summary: Pick<Summary, 'lost'>;

  constructor(
    clock: Clock,
    parts: Pick<Parts, 'gates' | 'buffer' | 'prefetch' | 'poller' | 'parkAhead'>,
    ends: JobEnds,
    summary: Pick<Summary, 'lost'>,
  ) {
    this.#clock = clock;
    this.#parts = parts;
    this.#ends = ends;
    this.#summary = summary;
  }

  /** Does nothing stand before it? Else it asks for leave with the next sync, or has ended. */
  mayStart(bound: BoundJob): boolean {
    const { gates } = this.#parts;
    try {
      const before = gates.before(bound);
      if (before.length === 0) return true;
      gates.wait(bound, before);
    } catch (error) {
      this.#ends.finish(bound.job, { kind: 'failed', error }, 0);
    }
    return false;
  }

  /** What has to let a job through first that nobody has taken; undefined where nothing has to, or it is not to be started at all. */
  gateOf(bound: ReturnType<typeof bind>): AskedGate | undefined {
    if (!('handler' in bound) || bound.job.deaths > 0) return undefined;
    try {
      return this.#parts.gates.before(bound)[0];
    } catch {
      return undefined;
    }
  }

  answered({ admissions }: SyncReply): void {
    const answered = this.#parts.gates.answered(admissions);
    this.#parts.parkAhead.noticed(answered);
    // Each goes before those that are there: the last one first.
    for (const { bound, admission } of answered.reverse()) this.#answered(bound, admission);
  }

  #answered(bound: BoundJob, admission: Admission): void {
    const { job } = bound;
    const { buffer, prefetch, poller } = this.#parts;
    if (admission === 'admitted') {
      buffer.addFirst(bound, this.#clock.now());
    } else if (admission === 'refused') {
      const error = new DuplicateJobError(`Another job of ${job.class} runs, and has the same unique key.`);
      this.#ends.finish(job, { kind: 'discarded', error }, 0);
    } else {
      // It was no work, and so many more can be looked at in the same time.
      prefetch.jobStarted();
      prefetch.jobEnded();
      if (admission === 'parked') poller.reset();
      else this.#summary.lost++;
      this.#ends.left(job.raw);
    }
  }
}
