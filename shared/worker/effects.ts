import type { Effect, Job, Outcome } from '../types.ts';
import { phpStatus } from '../wire/php-status.ts';

/** Does anything happen besides when such a job ends? For most nothing does. */
export function hasEffects({ statusId, cron }: Job): boolean {
  return statusId !== undefined || cron?.exclusive === true;
}

/**
 * What else happens when a job has its outcome, in the same atomic step.
 * @param now Redis's time, epoch ms  @param started the started time of its status record, if Redis has not been told yet
 */
export function effectsOf(
  job: Job,
  outcome: Outcome,
  { now, started }: { readonly now: number; readonly started: string | undefined },
): Effect[] {
  const effects: Effect[] = [];
  const waits = outcome.kind === 'released' || outcome.kind === 'retried';
  if (job.statusId !== undefined) {
    const state = waits ? 'waiting' : outcome.kind === 'failed' ? 'failed' : 'complete';
    const result = outcome.kind === 'succeeded' ? outcome.result : undefined;
    effects.push({ ...phpStatus(job.statusId, state, now, result), started });
  }
  if (!waits && job.cron?.exclusive) effects.push({ kind: 'unlockCron', name: job.cron.name, slot: job.cron.slot });
  return effects;
}
