import type { Controlled, ControlledJob } from '../broker/controlled.ts';
import type { LockState, LocksBroker } from '../broker/redis/locks.ts';

interface MemoryLocksDeps {
  /** Epoch ms. */
  readonly now: () => number;
  /** What is enqueued runs at once: then only a lock that is held for a time is there for the next one. */
  readonly inline: boolean;
  /** Puts a job where it waits. */
  readonly put: (job: ControlledJob) => void;
  /** Takes it away from there. @returns whether it was there */
  readonly take: (job: ControlledJob) => boolean;
}

/** The locks of unique jobs in a test without Redis, where nothing gives them back but time and `clear`. */
export class MemoryLocks {
  readonly #deps: MemoryLocksDeps;
  readonly #held = new Map<string, { readonly job: ControlledJob; readonly ends: number }>();

  constructor(deps: MemoryLocksDeps) {
    this.#deps = deps;
  }

  /** What looks at the locks of a client. Nothing is parked for them that could be let in. */
  readonly broker: LocksBroker = {
    scan: async () => ({ names: [...this.#held.keys()].filter((name) => this.#isHeld(name)), cursor: '0' }),
    read: async (names) => names.flatMap((name) => this.#state(name)),
    free: async (name) => this.#isHeld(name) && this.#held.delete(name),
  };

  #isHeld(name: string): boolean {
    return (this.#held.get(name)?.ends ?? 0) > this.#deps.now();
  }

  #state(name: string): LockState[] {
    const held = this.#held.get(name);
    if (!held || !this.#isHeld(name)) return [];
    const { id = '', queue, payload } = held.job;
    return [{ name, id, queue, payload, left: held.ends - this.#deps.now(), parked: 0 }];
  }

  clear(): void {
    this.#held.clear();
  }

  enqueue(jobs: readonly ControlledJob[]): Controlled[] {
    return jobs.map((job) => this.#one(job));
  }

  #one(job: ControlledJob): Controlled {
    const { now, inline, put, take } = this.#deps;
    const { lock, seconds } = job;
    if (lock) {
      const held = this.#held.get(lock.name);
      if (held && held.ends > now()) {
        if (lock.onConflict === 'skip') return { kind: 'duplicate', id: held.job.id ?? '' };
        if (lock.onConflict === 'later' || !take(held.job)) return 'parked';
      }
      const due = seconds === undefined ? now() : Math.max(now(), seconds * 1000);
      if (!inline || lock.until === 'time') this.#held.set(lock.name, { job, ends: due + lock.ms });
    }
    put(job);
    return 'enqueued';
  }
}
