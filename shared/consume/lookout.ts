import type { Reservation } from '../store/job-store.ts';
import type { HeldTurn } from './lease.ts';
import { type QueueList, QueueSelector } from './queues.ts';

/** With more queues than this, not every turn looks at all of them. */
const FEW = 16;
/** But one so often does, ms: so long may a job of an earlier queue have to wait for later ones. */
const LOOK_AT_ALL_MS = 50;

/** Where to look for jobs next, and when: queues that were empty are left alone for the interval. */
export class Lookout {
  readonly #selector: QueueSelector;
  readonly #interval: number;
  /** Names of queues are read anew at this time, if patterns need them. */
  #namesAt = 0;
  #rest: { readonly why: 'empty' | 'paused'; readonly until: number } | undefined;
  /** Queues that had jobs when all were last looked at; undefined to look at all. */
  #busy: Set<string> | undefined;
  #allAt = 0;
  #askedAll = true;
  /** Jobs of unknown classes that were sent on since the last job that could run. */
  #sentOn = 0;

  constructor(queues: QueueList, interval: number) {
    this.#selector = new QueueSelector(queues);
    this.#interval = interval;
  }

  /** Why the last look found nothing more; undefined where it did. */
  get found(): 'empty' | 'paused' | undefined {
    return this.#rest?.why;
  }

  /** Before this time there is no use in looking; epoch ms. */
  get restUntil(): number {
    return this.#rest?.until ?? 0;
  }

  /** Only jobs of unknown classes are left: to look again at once would be to spin on them. */
  get onlyUnknown(): boolean {
    return this.#sentOn > 0 && this.#rest !== undefined;
  }

  /** Forgets what it found. */
  reset(): void {
    this.#rest = undefined;
  }

  reservation(count: number, bytes: number, mayRisk: boolean, now: number): Omit<Reservation, 'firstSeq'> {
    const listQueues = this.#selector.dynamic && now >= this.#namesAt;
    const all = this.#selector.shares(count);
    const busy = this.#busy;
    const some = busy && all.length > FEW && now < this.#allAt ? all.filter((share) => busy.has(share.queue)) : all;
    this.#askedAll = some === all;
    return { count, bytes, mayRisk, listQueues, shares: some, countLeft: this.#sentOn > 0 };
  }

  /** @param unknown how many of the jobs that came were of unknown classes */
  looked(asked: Omit<Reservation, 'firstSeq'>, result: HeldTurn, unknown: number, now: number): void {
    const { jobs, more, paused, left } = result;
    this.#sentOn = unknown < jobs.length ? 0 : this.#sentOn + unknown;
    const comeRound = this.#sentOn > 0 && asked.countLeft && this.#sentOn >= left + jobs.length;
    const newNames = this.#readNames(asked, result, now);
    const lookedAtAll = this.#noteBusy(result, now);
    const goOn = !paused && !comeRound && (more || newNames || !lookedAtAll);
    this.#rest = goOn ? undefined : { why: paused ? 'paused' : 'empty', until: now + this.#interval };
  }

  /** @returns whether there are new names, or might be: before it rests, it reads them */
  #readNames(asked: Omit<Reservation, 'firstSeq'>, { queues, jobs }: HeldTurn, now: number): boolean {
    if (!this.#selector.dynamic) return false;
    if (asked.listQueues) {
      this.#namesAt = now + this.#interval;
      return this.#selector.update(queues);
    }
    if (jobs.length > 0) return false;
    this.#namesAt = 0;
    return true;
  }

  /** @returns false where queues were left out of a look that found nothing */
  #noteBusy({ jobs, more }: HeldTurn, now: number): boolean {
    if (this.#askedAll) {
      this.#busy = new Set(jobs.map((job) => job.queue));
      this.#allAt = now + LOOK_AT_ALL_MS;
      return true;
    }
    if (!more) this.#busy = undefined;
    return more || jobs.length > 0;
  }
}
