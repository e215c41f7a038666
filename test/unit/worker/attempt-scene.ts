import { expect } from 'vitest';
import { type AnyJobDefinition, defineJob, type JobDefinition } from '../../../shared/job/define.ts';
import type { Job } from '../../../shared/types.ts';
import { Attempt, type AttemptDeps, type Ended } from '../../../shared/worker/attempt.ts';
import { attemptDeps, bound } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

export interface OmitUndefined {
  readonly job?: Partial<Job>;
  readonly setting?: Partial<AttemptDeps>;
}

/** An attempt that has not started, the clock it sees, and how it ended: once, if all is well. */
export function prepare(definition: AnyJobDefinition, { job = {}, setting = {} }: OmitUndefined = {}) {
  const clock = new ManualClock();
  const ends: Ended[] = [];
  const attempt = new Attempt(bound(definition, job), attemptDeps({ clock, ...setting }), (one, ended) => {
    expect(one).toBe(attempt);
    ends.push(ended);
  });
  return { attempt, clock, ends };
}

/** The same for a handler, started. */
export function start(perform: JobDefinition['perform'], given: OmitUndefined = {}) {
  const prepared = prepare(defineJob({ class: 'Hello', perform }), given);
  prepared.attempt.start();
  return prepared;
}

export const succeeded: Ended = { ok: true };
