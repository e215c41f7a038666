import type { Reclaimed, SchedulerBroker } from '../broker/broker.ts';
import type { Logger } from '../log.ts';
import { functionWorkerOf } from '../wire/worker-id.ts';
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
          tell(log, one);
        }
        return isNew;
      };
    },
  };
}

function tell(log: Logger, { worker, jobs, failed, each }: Reclaimed): void {
  const whose = { worker, ...functionWorkerOf(worker) };
  log.warn('The lease of a worker ended; its jobs are back in their queues', {
    ...whose,
    jobs,
    ...(failed > 0 ? { failed } : {}),
  });
  for (const { class: name, id, queue, deaths, to } of each) {
    const message = to === 'queue' ? 'job reclaimed' : 'job reclaimed, to the failed list: it may have started';
    log.warn(message, { ...(name === undefined ? {} : { class: name }), queue, id, deaths, ...whose });
  }
}
