/** Classes with what rides on a job: limits, locks, status records, batches, pauses, cancelling. Their runs are in the same log as all others. */
import { setTimeout as delay } from 'node:timers/promises';
import { defineBatchJob, defineJob, type JobContext } from '../../shared/index.ts';
import type { Mark } from './chaos-log.ts';

/** Of one queue, which every worker drains. */
export const FEATURES = 'features';
/** Jobs of a key that run at once. */
export const RUNNING = 2;

export type FeatureClass = 'Limited' | 'Unique' | 'Tracked' | 'Row' | 'Pausable' | 'Cancelled' | 'Step';

/** @param mark writes into the log; its id comes with each job as first argument */
export function featureJobs(mark: (mark: Mark, id: string, attempt: number) => void) {
  const perform = async ([id, , ms]: readonly unknown[], { job, signal }: JobContext) => {
    const name = String(id);
    mark('S', name, job.attempt);
    await delay(Number(ms));
    mark(signal.aborted ? 'F' : 'E', name, job.attempt);
    signal.throwIfAborted();
    return name;
  };
  const common = { queue: FEATURES, retry: { attempts: 20, backoff: 0 }, perform } as const;
  const keyOf = ([, key]: readonly unknown[]) => String(key);
  return [
    defineJob({ ...common, class: 'Limited', limit: { running: RUNNING, key: keyOf } }),
    defineJob({ ...common, class: 'Unique', unique: { by: keyOf } }),
    defineJob({ ...common, class: 'Tracked', track: true }),
    defineJob({ ...common, class: 'Pausable' }),
    defineJob({ ...common, class: 'Cancelled' }),
    defineJob({ ...common, class: 'Step' }),
    defineBatchJob({
      class: 'Row',
      queue: FEATURES,
      batch: { size: 5, wait: '100ms' },
      async performAll(jobs) {
        const all = jobs.map(({ args: [id], job }) => [String(id), job.attempt] as const);
        for (const [id, attempt] of all) mark('S', id, attempt);
        await delay(5);
        for (const [id, attempt] of all) mark('E', id, attempt);
      },
    }),
  ];
}
