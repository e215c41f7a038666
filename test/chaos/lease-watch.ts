import { setTimeout as delay } from 'node:timers/promises';
import { HeldJobs } from '../helpers/chaos-held-jobs.ts';
import type { TestRedis } from '../helpers/redis-server.ts';
import type { Excuse } from './rerun-reasons.ts';

/** Between two looks, ms: several in each lease. */
const INTERVAL = 200;

/** Looks into Redis all the time: which worker holds which jobs, and whose lease ends. */
export class Watch {
  readonly held = new HeldJobs();
  /** Leases that ended, or went, while it looked. */
  readonly ended: Excuse[] = [];
  readonly #redis: TestRedis['client'];
  #leases = new Map<number, number>();
  readonly #over = new Set<number>();
  #stopped = false;
  readonly #loop: Promise<void>;

  constructor(redis: TestRedis['client']) {
    this.#redis = redis;
    this.#loop = this.#look();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#loop;
  }

  async #look(): Promise<void> {
    while (!this.#stopped) {
      // Redis may be away.
      await this.held.look(this.#redis).catch(() => {});
      await this.#lookAtLeases().catch(() => {});
      await delay(INTERVAL);
    }
  }

  async #lookAtLeases(): Promise<void> {
    const [seconds] = await this.#redis.time();
    const flat = await this.#redis.zrange('resque:leases', '0', '-1', 'WITHSCORES');
    const now = new Map<number, number>();
    for (let i = 0; i < flat.length; i += 2) now.set(Number(flat[i]?.split(':')[1]), Number(flat[i + 1]));
    for (const pid of this.#leases.keys()) {
      // What was over is told; that it goes then is no second loss.
      if (!now.has(pid) && !this.#over.delete(pid)) this.#tell(pid, 'its lease is gone');
    }
    for (const [pid, end] of now) {
      if (end >= Number(seconds) * 1_000) this.#over.delete(pid);
      else if (!this.#over.has(pid)) {
        this.#over.add(pid);
        this.#tell(pid, 'its lease has ended');
      }
    }
    this.#leases = now;
  }

  /** What it lost is back in its queue, and may have run, since the last look. */
  #tell(pid: number, what: string): void {
    this.ended.push({ pid, kind: 'seen', at: Date.now(), what, late: 3 * INTERVAL });
  }
}
