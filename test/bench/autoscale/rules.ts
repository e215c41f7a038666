import { type AutoscaleLimits, workersToStart } from '../../../shared/scheduler/autoscale.ts';
import type { Rule, Seen } from './simulation.ts';

const jobsOf = ({ waiting }: Seen) => [...waiting.values()].reduce((sum, jobs) => sum + jobs, 0);

/** By how long what waits takes: what the scheduler does. */
export function byTime(limits: AutoscaleLimits): Rule {
  return (seen) => {
    const backlog = { jobs: jobsOf(seen), unknown: 0, ms: 0 };
    for (const [queue, jobs] of seen.waiting) {
      const micros = seen.paces.get(queue);
      if (micros === undefined) backlog.unknown += jobs;
      else backlog.ms += (jobs * micros) / 1_000;
    }
    return workersToStart(limits, { backlog, live: seen.live, starting: 0 });
  };
}

/** By how many jobs wait: one worker for each `concurrency` of them, as it was before jobs were measured. */
export function byCount({ concurrency, maxWorkers }: AutoscaleLimits): Rule {
  return (seen) => Math.max(0, Math.min(Math.ceil(jobsOf(seen) / concurrency), maxWorkers - seen.live));
}

/** As many as may, as soon as anything waits. */
export function alwaysMost({ maxWorkers }: AutoscaleLimits): Rule {
  return (seen) => (jobsOf(seen) > 0 ? Math.max(0, maxWorkers - seen.live) : 0);
}
