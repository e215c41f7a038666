import type { StepEnd } from '../flow-mark.ts';
import type { Progress } from '../job/progress.ts';
import type { Control, Effect, Gate, Job, Outcome } from '../types.ts';
import { errorInfo } from '../wire/failed-entry.ts';
import { phpStatus, type Tracked } from '../wire/php-status.ts';

/** Characters of an error that a flow keeps: the failed list has all of it. */
const MOST_ERROR = 2_000;

/** Does anything happen besides when such a job starts or ends? For most nothing does. */
export function hasEffects({ statusId, control, plugins, flow }: Job): boolean {
  return statusId !== undefined || flow !== undefined || heldLock(control) !== undefined || plugins !== undefined;
}

/** The lock that a job got when it was enqueued, and that its worker gives back. */
function heldLock(control: Control | undefined) {
  const lock = control?.lock;
  return lock && (lock.until === 'start' || lock.until === 'end') ? lock : undefined;
}

/** That it runs, for its status record; undefined where it has none. @param now Redis's time, epoch ms */
export function runningStatus(job: Job, now: number): Effect<'status'> | undefined {
  if (job.statusId === undefined) return undefined;
  return phpStatus(job.statusId, 'running', now, { tracked: trackedOf(job, 'running', undefined) });
}

/** The lock that it gives back when it starts. */
export function startUnlock(job: Job): Effect[] {
  const lock = heldLock(job.control);
  return lock?.until === 'start' ? [unlockOf(job, lock.name)] : [];
}

/** @param statusId of its job */
export function progressEffect(statusId: string, { percent, note }: Progress): Effect {
  return { kind: 'progress', id: statusId, text: JSON.stringify(note === undefined ? [percent] : [percent, note]) };
}

interface EffectsDeps {
  /** Redis's time, epoch ms. */
  readonly now: number;
  /** The started time of its status record, if Redis has not been told yet. */
  readonly started: string | undefined;
  /** What Redis has not been told yet of its progress. */
  readonly progress: Effect | undefined;
  /** Of the sorted set of retries, where it is to wait there. */
  readonly member: string;
  /** Those that let it through. */
  readonly gates: readonly Gate[];
  /** Somebody has said that it is to be cancelled. */
  readonly isCancelled: boolean;
}

/** What else happens when a job has its outcome, in the same atomic step. */
export function effectsOf(job: Job, outcome: Outcome, deps: EffectsDeps): Effect[] {
  const { now, started, progress, member, gates, isCancelled } = deps;
  const effects: Effect[] = [];
  const waits = outcome.kind === 'released' || outcome.kind === 'retried';
  if (job.statusId !== undefined) {
    if (progress) effects.push(progress);
    const status = waits ? 'waiting' : outcome.kind === 'failed' ? 'failed' : 'complete';
    const result = outcome.kind === 'succeeded' ? outcome.result : undefined;
    const state = outcome.kind === 'released' ? 'waiting' : outcome.kind === 'retried' ? 'retrying' : outcome.kind;
    const error = 'error' in outcome ? outcome.error : undefined;
    effects.push({
      ...phpStatus(job.statusId, status, now, { result, tracked: trackedOf(job, state, error) }),
      started,
    });
  }
  const lock = heldLock(job.control);
  if (lock && waits) {
    const relock = { kind: 'relock', id: job.id, name: lock.name, queue: job.raw.queue } as const;
    if (outcome.kind === 'retried') effects.push({ ...relock, ms: outcome.delay + lock.ms, member });
    // The other kind of lock is its own all the time.
    else if (lock.until === 'start') effects.push({ ...relock, ms: lock.ms });
  } else if (lock) {
    effects.push(unlockOf(job, lock.name));
  }
  if (gates.length > 0) effects.push({ kind: 'leave', gates, queue: job.raw.queue });
  if (!waits && job.flow) effects.push({ kind: 'flow', mark: job.flow, ...stepEnd(job, job.flow.step, outcome) });
  if (!waits && isCancelled) effects.push({ kind: 'cancelled', id: job.id });
  return effects;
}

function unlockOf({ id, raw }: Job, name: string): Effect {
  return { kind: 'unlock', id, name, queue: raw.queue };
}

function trackedOf({ attempt, control }: Job, state: Tracked['state'], thrown: unknown): Tracked | undefined {
  if (control?.keep === undefined) return undefined;
  const { exception, error } = thrown === undefined ? { exception: '', error: '' } : errorInfo(thrown);
  return { state, attempt, error: thrown === undefined ? undefined : `${exception}: ${error}`, keep: control.keep };
}

/** Callbacks get an error as it is here. */
function stepEnd({ class: name }: Job, step: string, outcome: Outcome): StepEnd {
  if (outcome.kind === 'succeeded') {
    const { result, added } = outcome;
    return { json: result && 'json' in result ? result.json : 'null', added };
  }
  const { exception, error } = errorInfo('error' in outcome ? outcome.error : undefined);
  return { error: JSON.stringify({ step, class: name, exception, error: error.slice(0, MOST_ERROR).toWellFormed() }) };
}
