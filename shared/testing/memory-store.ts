import type { CronState } from '../broker/cron-broker.ts';
import type { ScheduledBroker } from '../broker/redis/scheduled.ts';
import type { Clock } from '../clock.ts';
import type { CronStore } from '../inspect/cron.ts';
import type { EnqueueStore } from './enqueue-recorder.ts';
import { MemoryLocks } from './memory-locks.ts';

/** Takes everything, and keeps nothing but the locks of unique jobs. */
export function nowhere(clock: Clock): EnqueueStore {
  const locks = new MemoryLocks({ now: () => clock.now(), inline: false, put() {}, take: () => true });
  return {
    enqueue: async () => {},
    enqueueDelayed: async () => {},
    enqueueControlled: async (jobs) => locks.enqueue(jobs),
    time: async () => clock.now(),
  };
}

/** The delayed jobs of a client without Redis, by the second for which they wait. There are no retries: nothing runs. */
export class MemoryDelayed implements ScheduledBroker {
  readonly #lists = new Map<number, string[]>();

  add(seconds: number, payload: string): void {
    const list = this.#lists.get(seconds);
    if (list) list.push(payload);
    else this.#lists.set(seconds, [payload]);
  }

  /** @returns whether it was there */
  remove(seconds: number, payload: string): boolean {
    const list = this.#lists.get(seconds);
    const at = list?.indexOf(payload) ?? -1;
    if (!list || at === -1) return false;
    list.splice(at, 1);
    if (list.length === 0) this.#lists.delete(seconds);
    return true;
  }

  clear(): void {
    this.#lists.clear();
  }

  async delayedCount() {
    return [...this.#lists.values()].reduce((sum, list) => sum + list.length, 0);
  }

  delayedTimes: ScheduledBroker['delayedTimes'] = async (behind, limit) =>
    [...this.#lists.keys()]
      .filter((seconds) => seconds > (behind?.score ?? -Infinity))
      .sort((a, b) => a - b)
      .slice(0, limit)
      .map((seconds) => ({ name: String(seconds), score: seconds }));

  delayedAt: ScheduledBroker['delayedAt'] = async (times, offset, limit) => {
    const found: string[][] = [];
    let left = limit;
    for (const [i, { score }] of times.entries()) {
      const list = (this.#lists.get(score) ?? []).slice(i === 0 ? offset : 0).slice(0, left);
      found.push(list);
      left -= list.length;
      if (left <= 0) break;
    }
    return found;
  };

  moveDelayed: ScheduledBroker['moveDelayed'] = async (time, payload, target) => {
    if (!this.remove(Number(time), payload)) return false;
    if (target.to === 'time') this.add(target.seconds, payload);
    return true;
  };

  async retryCount() {
    return 0;
  }
  async retries() {
    return [];
  }
  async retryNow() {
    return false;
  }
  async removeRetry() {
    return false;
  }
  async rescheduleRetry() {
    return false;
  }
}

/** The cron entries of a client without Redis. No scheduler looks at them, so that they have no slots. */
export class MemoryCron implements CronStore {
  readonly #clock: Clock;
  readonly #entries = new Map<string, string>();
  readonly #paused = new Set<string>();
  readonly #resumed = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  clear(): void {
    for (const part of [this.#entries, this.#paused, this.#resumed]) part.clear();
  }

  async read(): Promise<CronState> {
    return {
      now: Math.floor(this.#clock.now()),
      isSure: true,
      dynamic: new Map(this.#entries),
      last: new Map(),
      lastEnqueued: new Map(),
      notes: new Map(),
      notesLost: false,
      paused: new Set(this.#paused),
      resumed: new Map(this.#resumed),
      heal: {},
      wrong: [],
    };
  }

  async statuses() {
    return new Map();
  }

  async change(name: string, json: string | undefined): Promise<boolean> {
    const was = this.#entries.has(name);
    if (json === undefined) this.#entries.delete(name);
    else this.#entries.set(name, json);
    return was;
  }

  async pause(name: string): Promise<void> {
    this.#paused.add(name);
  }

  async resume(name: string): Promise<void> {
    this.#paused.delete(name);
    this.#resumed.set(name, Math.floor(this.#clock.now()));
  }
}
