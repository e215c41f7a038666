import type { Registry } from '../job/registry.ts';
import type { Logger } from '../log.ts';
import type { JobStore } from '../store/job-store.ts';
import { promoteDelayed } from './promote-delayed.ts';

export interface TickSetting {
  readonly store: JobStore;
  /** Tells the queue of a delayed job that names none. */
  readonly registry?: Registry;
  readonly log: Logger;
}

/** What a tick did. */
export interface TickResult {
  /** Delayed jobs moved to their queues. */
  readonly promoted: number;
  /** Retries moved to their queues. */
  readonly retried: number;
  /** Jobs of dead workers given back to their queues. */
  readonly reclaimed: number;
  /** Delayed payloads that no queue could be found for, now in the failed list. */
  readonly failed: number;
}

const RETRIES_AT_ONCE = 500;
const WORKERS_AT_ONCE = 100;

/** One run of the scheduler: reclaim, promote retries, promote delayed jobs. Safe beside any number of others. */
export async function tick({ store, registry, log }: TickSetting, now: number): Promise<TickResult> {
  let reclaimed = 0;
  for (const { worker, jobs } of await store.reclaim(now, WORKERS_AT_ONCE)) {
    reclaimed += jobs;
    log.warn('The lease of a worker ended; its jobs are back in their queues', { worker, jobs });
  }
  let retried = 0;
  for (;;) {
    const moved = await store.promoteRetries(now, RETRIES_AT_ONCE);
    retried += moved;
    if (moved < RETRIES_AT_ONCE) break;
  }
  const { promoted, failed } = await promoteDelayed(store, registry, now);
  if (failed > 0) log.error('Delayed payloads without a queue went to the failed list', { jobs: failed });
  return { promoted, retried, reclaimed, failed };
}
