import type { Reservation } from '../store/job-store.ts';
import type { HeldTurn } from './lease.ts';
import { type QueueList, QueueSelector } from './queues.ts';

/** Where to look for jobs next, and when: queues that were empty are left alone for the interval. */
export class Lookout {
  readonly #selector: QueueSelector;
  readonly #interval: number;
  /** Names of queues are read anew at this time, if patterns need them. */
  #namesAt = 0;
  #rest: { readonly why: 'empty' | 'paused'; readonly until: number } | undefined;

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

  reservation(count: number, bytes: number, now: number): Omit<Reservation, 'firstSeq'> {
    const listQueues = this.#selector.dynamic && now >= this.#namesAt;
    return { count, bytes, shares: this.#selector.shares(count), listQueues };
  }

  /** @param goOn whether what came is worth another look at once */
  looked(asked: Pick<Reservation, 'listQueues'>, result: HeldTurn, goOn: boolean, now: number): void {
    let newNames = false;
    if (asked.listQueues) {
      newNames = this.#selector.update(result.queues);
      this.#namesAt = now + this.#interval;
    }
    const more = !result.paused && ((result.more && goOn) || newNames);
    this.#rest = more ? undefined : { why: result.paused ? 'paused' : 'empty', until: now + this.#interval };
  }
}
