import { createHash } from 'node:crypto';
import type { FoundElement, ListName } from '../broker/lists.ts';
import type { FailedBroker } from '../broker/redis/failed.ts';
import type { JobsBroker } from '../broker/redis/jobs.ts';
import type { Clock } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import type { EnqueuedJob } from './job-run.ts';
import { memoryStatus } from './memory-status.ts';
import type { MemoryDelayed } from './memory-store.ts';

/** The jobs of a client without Redis: those that wait for their time. What is enqueued is recorded, and nothing fails for good. */
export function memoryJobs(
  delayed: MemoryDelayed,
  clock: Clock,
  enqueued: readonly EnqueuedJob[],
): FailedBroker & JobsBroker {
  async function elements(list: ListName): Promise<FoundElement[]> {
    if (list.kind !== 'delayed') return [];
    const [payloads = []] = await delayed.delayedAt([{ name: list.name, score: Number(list.name) }], 0, Infinity);
    return payloads.map((payload, position) => ({ list, position, bytes: Buffer.from(payload) }));
  }
  return {
    async search(lists, { texts, from, limit }) {
      const found: FoundElement[] = [];
      let [scanned, length] = [0, 0];
      for (const [place, list] of lists.entries()) {
        const all = await elements(list);
        length = all.length;
        for (const one of all) {
          if (place === 0 && one.position < (from?.position ?? 0)) continue;
          if (found.length >= limit) {
            return {
              found,
              scanned,
              end: { list: place, position: one.position, passed: [], next: [] },
              length,
              wrong: [],
            };
          }
          scanned++;
          if (texts.every((text) => one.bytes.includes(text))) found.push(one);
        }
      }
      return { found, scanned, length, end: undefined, wrong: [] };
    },
    async read(list, { mark }) {
      return (await elements(list)).find(({ bytes }) => createHash('sha1').update(bytes).digest('hex') === mark);
    },
    change: async (_list, changes) => changes.map(() => false),
    failedLists: async () => [{ name: 'failed', size: 0 }],
    countFailed: async () => ({ length: 0, next: -1, mark: '', rows: [], others: [] }),
    failedMarks: async (_name, positions) => ({
      length: 0,
      marks: positions.map(() => ''),
      now: Math.floor(clock.now()),
    }),
    async appendFailed() {
      throw new ConfigError('A recording client has no failed list: import into a Redis.');
    },
    clearFailed: async () => 0,
    oldestFailed: async () => ({ length: 0, times: [], marks: [], wrong: [] }),
    trimFailed: async () => ({ removed: 0, left: 0, wrong: [] }),
    workers: async () => [],
    queueNames: async () => [],
    parkedGates: async () => [],
    workingOn: async () => [],
    searchHeld: async () => ({ found: [], scanned: 0, end: undefined }),
    searchRetries: async () => ({ found: [], scanned: 0, end: undefined }),
    retryPayload: async () => undefined,
    status: async (id) => memoryStatus(enqueued, id),
  };
}
