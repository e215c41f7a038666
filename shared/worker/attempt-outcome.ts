import { ruleFor } from '../job/retry-on.ts';
import type { Job, Outcome } from '../types.ts';
import type { Attempt } from './attempt.ts';
import { isOnlyOnce } from './bind.ts';
import { outcomeOfError } from './outcome.ts';

interface AttemptEnd {
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
  const { job, handler } = attempt.bound;
  const rule = ruleFor(handler.definition.retryOn, attempt.aborted ?? thrown);
  const outcome = outcomeOfError({
    // Of such errors alone, this is that attempt.
    job: rule ? { class: job.class, attempt: exceptionCount(job, rule.exceptions) + 1 } : job,
    retry: rule ?? handler.definition.retry,
    defaultAttempts,
    thrown,
    aborted: attempt.aborted,
    onlyOnce: attempt.started && isOnlyOnce(attempt.bound),
    deadlineIn: attempt.deadlineIn,
    hadItsTime: now - attempt.startedAt >= (now - workerStartedAt) / 2,
  });
  return rule && outcome.kind === 'retried' ? { ...outcome, exceptions: rule.exceptions } : outcome;
}

function exceptionCount({ activeJob }: Job, exceptions: string): number {
  const count = activeJob?.exceptionExecutions[exceptions];
  return typeof count === 'number' && count > 0 ? Math.floor(count) : 0;
}
