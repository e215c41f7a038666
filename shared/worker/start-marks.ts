import type { StartingJob } from '../broker/broker.ts';
import type { RawJob } from '../types.ts';

interface Batch {
  readonly jobs: StartingJob[];
  /** Those that may start. */
  readonly written: Promise<ReadonlySet<RawJob>>;
}

/**
 * Jobs whose start stands in Redis before the handler runs: at-most-once jobs, which may have started from then on, and those
 * that have effects by then. All that get a place in the same moment are one call.
 */
export class StartMarks {
  /** Writes it down. @returns those that may start; rejects when Redis is not waited for any longer */
  readonly #write: (jobs: readonly StartingJob[]) => Promise<readonly RawJob[]>;
  readonly #marked = new Set<RawJob>();
  #next: Batch | undefined;

  constructor(write: (jobs: readonly StartingJob[]) => Promise<readonly RawJob[]>) {
    this.#write = write;
  }

  /** It may have started. */
  has(raw: RawJob): boolean {
    return this.#marked.size > 0 && this.#marked.has(raw);
  }

  /** @returns whether the job may start; never rejects */
  async mark(job: StartingJob): Promise<boolean> {
    this.#next ??= this.#open();
    const { jobs, written } = this.#next;
    jobs.push(job);
    const may = (await written).has(job.raw);
    if (may && job.marked) this.#marked.add(job.raw);
    return may;
  }

  /** It is settled, or not ours any more. */
  forget(raw: RawJob): void {
    if (this.#marked.size > 0) this.#marked.delete(raw);
  }

  #open(): Batch {
    const jobs: StartingJob[] = [];
    const send = async () => {
      await Promise.resolve();
      this.#next = undefined;
      try {
        return new Set(await this.#write(jobs));
      } catch {
        // Nobody knows whether it stands there: the jobs stay in flight, and are not started.
        return new Set<RawJob>();
      }
    };
    return { jobs, written: send() };
  }
}
