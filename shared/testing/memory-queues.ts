import { DAY_MS, MINUTE_MS } from '../broker/ops/stats.ts';
import type { QueuesBroker } from '../broker/redis/queues.ts';
import type { StatHashesBroker } from '../broker/redis/stat-hashes.ts';
import type { StatsBroker } from '../broker/redis/stats.ts';
import type { WorkersBroker } from '../broker/redis/workers.ts';

interface MemoryQueuesDeps {
  /** Epoch ms. */
  readonly now: () => number;
  /** Delayed jobs. */
  readonly delayedCount: () => Promise<number>;
}

/** Queues without Redis: what is enqueued stays there, since no worker takes it. */
export class MemoryQueues {
  readonly #deps: MemoryQueuesDeps;
  readonly #queues = new Map<string, Buffer[]>();
  readonly #paused = new Set<string>();
  #allPaused = false;

  constructor(deps: MemoryQueuesDeps) {
    this.#deps = deps;
  }

  push(jobs: readonly { readonly queue: string; readonly payload: string }[]): void {
    for (const { queue, payload } of jobs) this.#of(queue).push(Buffer.from(payload));
  }

  /** @returns whether it was there */
  take({ queue, payload }: { readonly queue: string; readonly payload: string }): boolean {
    const jobs = this.#queues.get(queue);
    const at = jobs?.findLastIndex((one) => one.toString() === payload) ?? -1;
    if (!jobs || at === -1) return false;
    jobs.splice(at, 1);
    return true;
  }

  clear(): void {
    this.#queues.clear();
    this.#paused.clear();
    this.#allPaused = false;
  }

  readonly queues: QueuesBroker = {
    inFlight: async () => new Map(),
    peek: async (name, behind, limit) => {
      const all = this.#queues.get(name) ?? [];
      const place = behind ? behind.place + 1 : 0;
      return { place, payloads: all.slice(place, place + limit), size: all.length };
    },
    pause: async (name) => void this.#paused.add(name),
    resume: async (name) => void this.#paused.delete(name),
    pauseAll: async () => {
      this.#allPaused = true;
    },
    resumeAll: async () => {
      this.#allPaused = false;
    },
    clear: async (name) => this.#queues.get(name)?.splice(0).length ?? 0,
    remove: async (name) => {
      const count = this.#queues.get(name)?.length ?? 0;
      this.#queues.delete(name);
      this.#paused.delete(name);
      return count;
    },
    move: async (from, to) => {
      const moved = this.#queues.get(from)?.splice(0) ?? [];
      if (moved.length > 0) this.#of(to).push(...moved);
      return moved.length;
    },
  };

  readonly stats: StatsBroker = {
    read: async (named) => ({
      now: this.#deps.now(),
      queues: [...new Set([...this.#queues.keys(), ...named])].sort().map((name) => ({
        name,
        depth: this.#queues.get(name)?.length ?? 0,
        oldest: undefined,
        paused: this.#paused.has(name),
      })),
      workers: [],
      delayed: await this.#deps.delayedCount(),
      dueTimes: [],
      retries: 0,
      failed: 0,
      parkedGates: 0,
      paused: this.#allPaused,
      wrong: [],
    }),
  };

  readonly hashes: StatHashesBroker = {
    read: async (unit, first, count) =>
      Array.from({ length: count }, (_, i) => ({ at: (first + i) * (unit === 'day' ? DAY_MS : MINUTE_MS), sums: [] })),
    day: async () => ({ sums: [], times: [] }),
    sizes: async () => [],
    counters: async () => ({ processed: 0, failed: 0 }),
  };

  readonly workers: WorkersBroker = {
    survey: async () => ({
      now: this.#deps.now(),
      ids: [],
      leases: new Map(),
      heartbeats: new Map(),
      serialQueues: new Set(),
    }),
    describe: async () => [],
    reclaim: async () => undefined,
    unregisterForeign: async () => false,
  };

  #of(name: string): Buffer[] {
    const known = this.#queues.get(name);
    if (known) return known;
    const queue: Buffer[] = [];
    this.#queues.set(name, queue);
    return queue;
  }
}
