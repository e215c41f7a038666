import type { Outcome } from '../types.ts';
import type { Attempt } from './attempt.ts';
import { isOnlyOnce } from './bind.ts';
import { outcomeOfError } from './outcome.ts';

export interface AttemptEnd {
  readonly thrown: unknown;
  /** Epoch ms, on the attempt's clock. */
  readonly now: number;
  /** When its worker began: what an invocation's time is counted from. */
  readonly workerStartedAt: number;
  /** Attempts of a job whose definition does not say. */
  readonly defaultAttempts: number;
}

/** What becomes of a job whose attempt has failed. */
export function outcomeOfFailure(attempt: Attempt, end: AttemptEnd): Outcome {
  const { thrown, now, workerStartedAt, defaultAttempts } = end;
  return outcomeOfError({
    job: attempt.bound.job,
    retry: attempt.bound.handler.definition.retry,
    defaultAttempts,
    thrown,
    aborted: attempt.aborted,
    onlyOnce: attempt.started && isOnlyOnce(attempt.bound),
    deadlineIn: attempt.deadlineIn,
    hadItsTime: now - attempt.startedAt >= (now - workerStartedAt) / 2,
  });
}
