import type { TestRedis } from './redis-server.ts';

/** Which jobs were seen in which worker's in-flight record, and which of them were marked as started there. */
export class HeldJobs {
  /** Job id → pids of the workers that held it. */
  readonly #holders = new Map<string, Set<number>>();
  readonly #marked = new Set<string>();

  /**
   * Takes in what is in flight now. The record of a worker that died, or that cannot reach Redis, stays as it is until
   * its lease ends: a look within that time misses none of its jobs.
   */
  async look(redis: TestRedis['client']): Promise<void> {
    for (const key of await redis.keys('resque:inflight:*')) {
      // resque:inflight:<host>:<pid>:<queues>; our host parts have no colon.
      const pid = Number(key.split(':')[3]);
      for (const [field, payload] of Object.entries(await redis.hgetall(key))) {
        if (!/^!?\d+:/.test(field)) continue;
        const id = idOf(payload);
        if (id === undefined) continue;
        const pids = this.#holders.get(id) ?? new Set();
        this.#holders.set(id, pids.add(pid));
        if (field.startsWith('!')) this.#marked.add(`${pid} ${id}`);
      }
    }
  }

  holders(id: string): number[] {
    return [...(this.#holders.get(id) ?? [])];
  }

  /** Redis was told that this worker may have started the job. */
  isMarked(pid: number, id: string): boolean {
    return this.#marked.has(`${pid} ${id}`);
  }
}

/** The id of a job of ours: the first argument in its payload. */
export function idOf(payload: string): string | undefined {
  return /"args":\["([^"]+)"/.exec(payload)?.[1];
}
