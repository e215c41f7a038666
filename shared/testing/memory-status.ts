import { errorInfo } from '../wire/failed-entry.ts';
import { keptResult, phpStatus } from '../wire/php-status.ts';
import { jobIn } from './decode-enqueued.ts';
import type { EnqueuedJob } from './job-run.ts';

const STATES = { released: 'waiting', retried: 'retrying' } as const;
const CODES = {
  waiting: 'waiting',
  retrying: 'waiting',
  failed: 'failed',
  succeeded: 'complete',
  discarded: 'complete',
} as const;

/** The status record of a job in a test without Redis; undefined where it is not tracked. */
export function memoryStatus(enqueued: readonly EnqueuedJob[], id: string): string | undefined {
  const job = enqueued.find((one) => one.id === id);
  const keep = job && jobIn(job, job.class).control?.keep;
  if (!job || keep === undefined) return undefined;
  const { run } = job;
  const state = !run
    ? 'waiting'
    : run.outcome === 'released' || run.outcome === 'retried'
      ? STATES[run.outcome]
      : run.outcome;
  const thrown = run?.error === undefined ? undefined : errorInfo(run.error);
  const error = thrown && `${thrown.exception}: ${thrown.error}`;
  const { head, tail, more } = phpStatus(id, CODES[state], job.enqueuedAt.getTime(), {
    result: run && keptResult(run.result),
    tracked: { state, attempt: run ? 1 : 0, error, keep },
  });
  const last = run?.progress.at(-1);
  const progress = last
    ? `,"progress":${JSON.stringify([last.percent, ...(last.note === undefined ? [] : [last.note])])}`
    : '';
  return `${head}null,"enqueued":${Math.floor(job.enqueuedAt.getTime())}${tail}${more}${progress}}`;
}
