import { isUtf8 } from 'node:buffer';
import { syntaxError } from '../consume/decode.ts';
import { PayloadError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import { buriedEntry, failedEntry } from '../resque/failed-entry.ts';
import type { DelayedMove, JobStore } from '../store/job-store.ts';

/** Payloads moved in one call: few enough that Redis is not blocked for long. */
const BATCH = 500;

/** Where a delayed payload goes: to the queue that it names, or that its class has; else to the failed list. */
export function destinationOf(bytes: Buffer, registry: Registry | undefined, now: number): DelayedMove {
  const utf8 = isUtf8(bytes);
  const failed = (reason: string, queue = '') => ({
    failedAt: new Date(now),
    thrown: new PayloadError(`The delayed payload cannot be promoted: ${reason}.`),
    worker: '',
    queue,
  });
  let value: unknown;
  try {
    if (!utf8) throw new SyntaxError('it is not valid UTF-8');
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const reason = `it is not JSON (${syntaxError(error)})`;
    return { bytes, to: 'buried', entry: buriedEntry(failed(reason), bytes, utf8) };
  }
  const { class: className, queue } = (typeof value === 'object' && value !== null ? value : {}) as {
    class?: unknown;
    queue?: unknown;
  };
  const named = typeof queue === 'string' && queue !== '' ? queue : undefined;
  const own = typeof className === 'string' ? registry?.handlerFor(className)?.definition.queue : undefined;
  const target = named ?? own;
  if (target !== undefined) return { bytes, to: 'queue', queue: target };
  const reason = `it names no queue, and its class ${JSON.stringify(className)} has none defined`;
  return { bytes, to: 'failed', ...failedEntry(failed(reason)) };
}

/**
 * Moves every delayed job that is due, in time order.
 * @returns how many went to their queues and how many to the failed list
 */
export async function promoteDelayed(
  store: JobStore,
  registry: Registry | undefined,
  now: number,
): Promise<{ promoted: number; failed: number }> {
  let promoted = 0;
  let failed = 0;
  for (;;) {
    const due = await store.dueDelayed(now, BATCH);
    if (!due) return { promoted, failed };
    // An empty list is moved as well: that takes it off the schedule.
    const moves = due.payloads.map((bytes) => destinationOf(bytes, registry, now));
    const moved = await store.promoteDelayed(due.seconds, moves);
    promoted += moved.queued;
    failed += moved.failed;
  }
}
