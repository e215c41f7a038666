import {
  ArgumentsError,
  CancelledError,
  DeadlineError,
  Discard,
  JobDeadlineError,
  LeaseLostError,
  ResultError,
  ShutdownError,
  SkipRetry,
  WorkerDiedError,
} from '../errors.ts';
import { defaultBackoff, RetryIn, type RetryOptions, waitAfter } from '../job/retry.ts';
import { type Job, MOST_DEATHS, type Outcome } from '../types.ts';
import { errorInfo } from '../wire/failed-entry.ts';

export interface FailedRun {
  readonly job: Pick<Job, 'attempt' | 'class'>;
  readonly retry: RetryOptions | undefined;
  readonly defaultAttempts: number;
  readonly thrown: unknown;
  /** Why the handler's signal was aborted, if it was. */
  readonly aborted: unknown;
  /** The handler was called, and the job may not be run again: see `delivery`. */
  readonly onlyOnce: boolean;
  /** Milliseconds until all attempts have to be over. @default no such time */
  readonly deadlineIn?: number;
  /** Did the attempt have at least half of the time that an invocation has? Then its deadline counts as a failure. */
  readonly hadItsTime: boolean;
}

/** What becomes of a job whose handler threw. */
export function outcomeOfError(run: FailedRun): Outcome {
  const { job, retry, thrown, aborted } = run;
  if (thrown instanceof Discard) return { kind: 'discarded', error: thrown };
  if (aborted instanceof CancelledError) return { kind: 'discarded', error: aborted };
  // The abort is what happened; how the handler took it is a detail.
  const error = aborted === undefined ? thrown : aborted;
  if (run.onlyOnce) return { kind: 'failed', error };
  if (aborted instanceof JobDeadlineError) return { kind: 'failed', error: aborted };
  if (thrown instanceof SkipRetry || thrown instanceof ArgumentsError || thrown instanceof ResultError)
    return { kind: 'failed', error: thrown };
  if (aborted instanceof ShutdownError) return { kind: 'released', to: 'head', reason: aborted.message };
  if (aborted instanceof LeaseLostError) return { kind: 'released', to: 'head', reason: aborted.message };
  if (aborted instanceof DeadlineError && !run.hadItsTime) {
    return { kind: 'released', to: 'head', reason: aborted.message };
  }
  if (job.attempt >= (retry?.attempts ?? run.defaultAttempts)) return { kind: 'failed', error };
  const retried = retryOf(run, error);
  // Another attempt would come too late.
  return retried.delay < (run.deadlineIn ?? Infinity) ? retried : { kind: 'failed', error };
}

function retryOf({ job, retry, thrown }: FailedRun, error: unknown): Outcome & { readonly kind: 'retried' } {
  if (thrown instanceof RetryIn) return { kind: 'retried', delay: thrown.delay, error };
  try {
    return { kind: 'retried', delay: waitAfter(retry?.backoff, job.attempt, thrown), error };
  } catch (broken) {
    // The job must go on, with the default's wait.
    const warning = `The backoff function of ${job.class} failed, so the default wait applies: ${errorInfo(broken).error}`;
    return { kind: 'retried', delay: defaultBackoff(job.attempt), error, warning };
  }
}

/** @param deadline epoch ms */
export function deadlineError(deadline: number): JobDeadlineError {
  return new JobDeadlineError(
    `Its deadline, for all of its attempts, was ${new Date(deadline).toISOString()}. There is no further attempt.`,
  );
}

/**
 * What becomes of a job whose workers died while they held it; undefined if it may run. Its last death was its own: nothing
 * ran beside it. An at-most-once job that is given back has never started, so it is not the cause.
 */
export function outcomeOfDeaths(job: Pick<Job, 'deaths'>, onlyOnce: boolean): Outcome | undefined {
  if (job.deaths < MOST_DEATHS || onlyOnce) return undefined;
  const message =
    `The worker that held this job died ${job.deaths} times (killed, out of memory, process.exit, or its event loop ` +
    'blocked for longer than the lease), the last time with nothing beside it, so the job is taken for the cause. ' +
    'Requeue it when that is mended.';
  return { kind: 'failed', error: new WorkerDiedError(message) };
}

/**
 * What becomes of a job that runs in a process that is about to end because of an error that no job could be told from; undefined where
 * it goes back with one death more.
 */
export function outcomeOfCrash(onlyOnce: boolean): Outcome | undefined {
  if (!onlyOnce) return undefined;
  const message =
    'An error escaped while this at-most-once job ran, and nobody knows from which job. Its process ended, and it is not ' +
    'run again. Find out what it has done, then requeue it if it is safe to run again.';
  return { kind: 'failed', error: new WorkerDiedError(message) };
}
