import type { WorkerOptions } from '../config.ts';
import { matchesQueue, type QueueList } from '../queues/queue-list.ts';
import { Prefetch } from './prefetch.ts';

/** The queues of which one job runs at a time, in order, whoever looks: as its worker was told, and as Redis remembers. */
export class SerialQueues {
  readonly #options: Pick<WorkerOptions, 'ahead' | 'batchCount'>;
  readonly #isNamed: (queue: string) => boolean;
  readonly #known = new Map<string, boolean>();
  /** There may be some: most workers never meet one, and ask for every job. */
  #any: boolean;
  /** By queue: how many to reserve. */
  readonly #prefetch = new Map<string, Prefetch>();
  /** Those of which this worker may hold jobs. */
  readonly held = new Set<string>();

  /** @param named @default none */
  constructor(options: Pick<WorkerOptions, 'ahead' | 'batchCount'>, named?: QueueList) {
    this.#options = options;
    this.#isNamed = named ? matchesQueue(named) : () => false;
    this.#any = named !== undefined;
  }

  readonly has = (queue: string): boolean => {
    if (!this.#any) return false;
    let known = this.#known.get(queue);
    if (known === undefined) {
      known = this.#isNamed(queue);
      this.#known.set(queue, known);
    }
    return known;
  };

  /** Redis says that these are. */
  learn(queues: readonly string[]): void {
    for (const queue of queues) {
      this.#known.set(queue, true);
      this.#any = true;
    }
  }

  /** Tells what its jobs could do from now on. @param waiting of them  @param runs one of them does */
  note(queue: string, now: number, waiting: number, runs: boolean): void {
    this.prefetch(queue).now(now, waiting, runs ? 0 : 1);
  }

  /** Takes what was counted since the last time into account. */
  measure(): void {
    for (const queue of this.held) this.#prefetch.get(queue)?.measure();
  }

  /** How many of a serial queue to reserve: as of a worker that runs one at a time. */
  prefetch(queue: string): Prefetch {
    let found = this.#prefetch.get(queue);
    if (!found) {
      found = new Prefetch({ ...this.#options, concurrency: 1 });
      this.#prefetch.set(queue, found);
    }
    return found;
  }
}
