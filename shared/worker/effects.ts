import type { Effect, Gate, Job, Outcome } from '../types.ts';
import { phpStatus } from '../wire/php-status.ts';

/** Does anything happen besides when such a job ends? For most nothing does. */
export function hasEffects({ statusId, cron, plugins }: Job): boolean {
  return statusId !== undefined || cron?.exclusive === true || plugins !== undefined;
}

export interface EffectsDeps {
  /** Redis's time, epoch ms. */
  readonly now: number;
  /** The started time of its status record, if Redis has not been told yet. */
  readonly started: string | undefined;
  /** Those that let it through. */
  readonly gates: readonly Gate[];
  /** Somebody has said that it is to be cancelled. */
  readonly isCancelled: boolean;
}

/** What else happens when a job has its outcome, in the same atomic step. */
export function effectsOf(job: Job, outcome: Outcome, { now, started, gates, isCancelled }: EffectsDeps): Effect[] {
  const effects: Effect[] = [];
  const waits = outcome.kind === 'released' || outcome.kind === 'retried';
  if (job.statusId !== undefined) {
    const state = waits ? 'waiting' : outcome.kind === 'failed' ? 'failed' : 'complete';
    const result = outcome.kind === 'succeeded' ? outcome.result : undefined;
    effects.push({ ...phpStatus(job.statusId, state, now, result), started });
  }
  if (!waits && job.cron?.exclusive) effects.push({ kind: 'unlockCron', name: job.cron.name, slot: job.cron.slot });
  if (gates.length > 0) effects.push({ kind: 'leave', gates, queue: job.raw.queue });
  if (!waits && isCancelled) effects.push({ kind: 'cancelled', id: job.id });
  return effects;
}
