import {
  ArgumentsError,
  DeadlineError,
  Discard,
  LeaseLostError,
  LostLeaseError,
  RetryIn,
  ShutdownError,
  SkipRetry,
} from '../errors.ts';
import { defaultBackoff, type RetryOptions, waitAfter } from '../job/retry.ts';
import { type Job, MOST_DEATHS, type Outcome } from '../types.ts';
import { errorInfo } from '../wire/failed-entry.ts';

export interface FailedRun {
  readonly job: Pick<Job, 'attempt' | 'class'>;
  readonly retry: RetryOptions | undefined;
  readonly defaultAttempts: number;
  readonly thrown: unknown;
  /** Why the handler's signal was aborted, if it was. */
  readonly aborted: unknown;
  /** Did the attempt have at least half of the time that an invocation has? Then its deadline counts as a failure. */
  readonly hadItsTime: boolean;
}

/** What becomes of a job whose handler threw. */
export function outcomeOfError(run: FailedRun): Outcome {
  const { job, retry, thrown, aborted } = run;
  if (thrown instanceof Discard) return { kind: 'discarded', error: thrown };
  if (thrown instanceof SkipRetry || thrown instanceof ArgumentsError) return { kind: 'failed', error: thrown };
  if (aborted instanceof ShutdownError) return { kind: 'released', to: 'head', reason: aborted.message };
  if (aborted instanceof LeaseLostError) return { kind: 'released', to: 'head', reason: aborted.message };
  if (aborted instanceof DeadlineError && !run.hadItsTime) {
    return { kind: 'released', to: 'head', reason: aborted.message };
  }
  // The abort is what happened; how the handler took it is a detail.
  const error = aborted === undefined ? thrown : aborted;
  if (job.attempt >= (retry?.attempts ?? run.defaultAttempts)) return { kind: 'failed', error };
  if (thrown instanceof RetryIn) return { kind: 'retried', delay: 1000 * thrown.seconds, error };
  try {
    return { kind: 'retried', delay: 1000 * waitAfter(retry?.backoff, job.attempt, thrown), error };
  } catch (broken) {
    // The job must go on, with the default's wait.
    const warning = `The backoff function of ${job.class} failed, so the default wait applies: ${errorInfo(broken).error}`;
    return { kind: 'retried', delay: 1000 * defaultBackoff(job.attempt, thrown), error, warning };
  }
}

/** What becomes of a job whose workers died while they held it; undefined if it may run once more. */
export function outcomeOfDeaths(job: Pick<Job, 'attempt' | 'deaths'>, attempts: number): Outcome | undefined {
  if (job.deaths === 0) return undefined;
  const times = job.deaths === 1 ? 'once' : `${job.deaths} times`;
  if (job.deaths >= MOST_DEATHS) {
    const message =
      `The lease on this job was lost ${times}: each time the worker that held it died (killed, out of memory, or its ` +
      'event loop blocked for longer than the lease). The job is taken for the cause. Requeue it when that is mended.';
    return { kind: 'failed', error: new LostLeaseError(message) };
  }
  if (job.attempt > attempts) {
    const message =
      `The lease on this job was lost ${times}: the worker that held it died, and that was the last of its ${attempts} ` +
      'attempts. It may have run in part or not at all. Requeue it if it is safe to run again.';
    return { kind: 'failed', error: new LostLeaseError(message) };
  }
  return undefined;
}
