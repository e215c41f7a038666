import type { Clock } from '../clock.ts';
import type { StatusUpdate } from '../store/job-store.ts';
import type { Job, Outcome, RawJob, Settlement } from '../types.ts';
import type { Undecodable } from './decode.ts';
import { burialOf, settlementOf, statusOf } from './settlement.ts';

/** What has to be told to Redis, until the next turn takes it along. */
export class Outbox {
  readonly #worker: string;
  readonly #clock: Clock;
  /** Longest wait for company, ms. */
  readonly #within: number;
  #settlements: Settlement[] = [];
  #statuses: StatusUpdate[] = [];
  #dueAt = Infinity;

  constructor(worker: string, clock: Clock, within: number) {
    this.#worker = worker;
    this.#clock = clock;
    this.#within = within;
  }

  /** Number of settlements. */
  get size(): number {
    return this.#settlements.length;
  }

  /** When it should be on its way at the latest, epoch ms; Infinity while there is nothing. */
  get dueAt(): number {
    return this.#dueAt;
  }

  started(job: Job): void {
    this.#status(job, 'running');
  }

  ended(job: Job, outcome: Outcome): void {
    this.#add(settlementOf(job, outcome, this.#worker, this.#clock.now()));
    this.#status(job, outcome);
  }

  undecodable(one: Undecodable): void {
    this.#add(burialOf(one, this.#worker, this.#clock.now()));
  }

  /** Jobs that were reserved but did not start. */
  release(raws: readonly RawJob[]): void {
    for (const raw of raws) this.#add({ kind: 'release', raw, to: 'head' });
  }

  take(): { settle: Settlement[]; statuses: StatusUpdate[] } {
    const taken = { settle: this.#settlements, statuses: this.#statuses };
    this.#settlements = [];
    this.#statuses = [];
    this.#dueAt = Infinity;
    return taken;
  }

  #status(job: Job, outcome: Outcome | 'running'): void {
    const status = statusOf(job, outcome, this.#clock.now());
    if (!status) return;
    this.#statuses.push(status);
    this.#due();
  }

  #add(settlement: Settlement): void {
    this.#settlements.push(settlement);
    if (this.#dueAt === Infinity) this.#due();
  }

  #due(): void {
    this.#dueAt = Math.min(this.#dueAt, this.#clock.now() + this.#within);
  }
}
