import type { StatusUpdate, SyncRequest } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { CronSlot, Job, Outcome, RawJob, Settlement } from '../types.ts';
import type { Undecodable } from '../wire/decode.ts';
import { burialOf, settlementOf, statusOf } from './settlement.ts';

/** What has to be told to Redis, until the next turn takes it along. */
export class PendingResults {
  readonly #worker: string;
  readonly #clock: Clock;
  /** Longest wait for company, ms. */
  readonly #within: number;
  #settlements: Settlement[] = [];
  /** By job: the last one counts. */
  #statuses = new Map<string, StatusUpdate>();
  #cronEnded: CronSlot[] = [];
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
    const ended = outcome.kind !== 'retried' && outcome.kind !== 'released';
    if (ended && job.cron?.exclusive) this.#cronEnded.push(job.cron);
  }

  undecodable(one: Undecodable): void {
    this.#add(burialOf(one, this.#worker, this.#clock.now()));
  }

  /** Jobs that were reserved but did not start. */
  release(raws: readonly RawJob[]): void {
    for (const raw of raws) this.#add({ kind: 'release', raw, to: 'head' });
  }

  take(): Required<Pick<SyncRequest, 'settle' | 'statuses' | 'cronEnded'>> {
    const taken = { settle: this.#settlements, statuses: [...this.#statuses.values()], cronEnded: this.#cronEnded };
    this.#settlements = [];
    this.#statuses.clear();
    this.#cronEnded = [];
    this.#dueAt = Infinity;
    return taken;
  }

  #status(job: Job, outcome: Outcome | 'running'): void {
    if (job.statusId === undefined) return;
    const status = statusOf(job, outcome, this.#clock.now());
    if (!status) return;
    const started = status.started ?? this.#statuses.get(status.id)?.started;
    this.#statuses.set(status.id, { ...status, started });
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
