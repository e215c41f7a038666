import { BUCKETS_MS } from '../broker/ops/run-times.ts';
import type { TickTotals } from '../scheduler/step.ts';
import type { RunReport } from '../worker/reporter.ts';
import type { MetricFamily } from './exposition.ts';
import { Counter, Histogram } from './labelled.ts';

const SECONDS = BUCKETS_MS.map((ms) => ms / 1_000);

/** What one worker does, counted since it began. */
export class RunMetrics {
  readonly #runs = new Counter();
  readonly #durations = new Histogram(SECONDS);
  readonly #waits = new Histogram(SECONDS);
  readonly #moved = new Counter();
  readonly #lateness = new Histogram(SECONDS);

  ran(run: RunReport): void {
    const labels = { queue: run.queue, class: run.class ?? '(unknown)' };
    this.#runs.add({ ...labels, outcome: run.outcome });
    if (run.outcome === 'released') return;
    this.#durations.observe(labels, run.ms / 1_000);
    // Of a retried job it would count the waits between its attempts, too.
    if (run.waitMs !== undefined && run.attempt === 1) this.#waits.observe(labels, run.waitMs / 1_000);
  }

  ticked({ promoted, retried, reclaimed, cron, lateness }: TickTotals): void {
    for (const [kind, jobs] of Object.entries({ delayed: promoted, retry: retried, reclaimed, cron })) {
      if (jobs > 0) this.#moved.add({ kind }, jobs);
    }
    if (promoted + retried > 0) this.#lateness.observe({}, lateness / 1_000);
  }

  families(): MetricFamily[] {
    return [
      {
        name: 'lambdesque_worker_jobs_total',
        type: 'counter',
        help: 'Runs that ended in this worker, by outcome.',
        samples: this.#runs.samples(),
      },
      {
        name: 'lambdesque_worker_job_duration_seconds',
        type: 'histogram',
        help: 'How long handlers ran.',
        samples: this.#durations.samples(),
      },
      {
        name: 'lambdesque_worker_job_wait_seconds',
        type: 'histogram',
        help: 'From enqueuing to the start of the first attempt, of jobs that say when they were enqueued.',
        samples: this.#waits.samples(),
      },
      {
        name: 'lambdesque_scheduler_moved_jobs_total',
        type: 'counter',
        help: 'Jobs that the scheduler of this worker has put into their queues, by where they came from.',
        samples: this.#moved.samples(),
      },
      {
        name: 'lambdesque_scheduler_lateness_seconds',
        type: 'histogram',
        help: 'How late the latest of the jobs was that a tick of this scheduler has promoted.',
        samples: this.#lateness.samples(),
      },
    ];
  }
}
