import type { Reclaimed, SchedulerBroker } from '../broker/broker.ts';
import type { Logger } from '../log.ts';
import type { Step } from './step.ts';

/** Dead workers in one share. */
const WORKERS_AT_ONCE = 20;

/** The step that gives back the jobs of dead workers. */
export function reclaimStep(store: SchedulerBroker, log: Logger, onReclaim?: (reclaimed: Reclaimed) => void): Step {
  return {
    name: 'reclaim',
    source: 'leases',
    dueAt: ({ leaseEnd }) => leaseEnd,
    begin(tick) {
      let passed = 0;
      const seen = new Set<string>();
      return async () => {
        const reclaimed = await store.reclaim(WORKERS_AT_ONCE, passed);
        // One that cannot be taken off the leases comes again.
        let isNew = false;
        for (const one of reclaimed) {
          tick.report(one.wrong);
          if (one.passedOver) {
            passed++;
            isNew = true;
            continue;
          }
          isNew ||= !seen.has(one.worker);
          seen.add(one.worker);
          tick.totals.reclaimed += one.jobs;
          tick.totals.failed += one.failed;
          onReclaim?.(one);
          if (one.jobs + one.failed === 0 && one.wrong.length > 0) continue;
          log.warn('The lease of a worker ended; its jobs are back in their queues', describe(one));
        }
        return isNew;
      };
    },
  };
}

function describe({ worker, jobs, failed }: Reclaimed): Record<string, unknown> {
  return { worker, jobs, ...(failed > 0 ? { failed } : {}) };
}
