import { expect } from 'vitest';
import { Attempt, type AttemptSetting, type Ended } from '../../../shared/consume/attempt.ts';
import { type AnyJobDefinition, defineJob, type JobDefinition } from '../../../shared/job/define.ts';
import type { Job } from '../../../shared/types.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { attemptSetting, bound } from '../builders.ts';

export interface Given {
  readonly job?: Partial<Job>;
  readonly setting?: Partial<AttemptSetting>;
}

/** An attempt that has not started, the clock it sees, and how it ended: once, if all is well. */
export function prepare(definition: AnyJobDefinition, { job = {}, setting = {} }: Given = {}) {
  const clock = new ManualClock();
  const ends: Ended[] = [];
  const attempt = new Attempt(bound(definition, job), attemptSetting({ clock, ...setting }), (one, ended) => {
    expect(one).toBe(attempt);
    ends.push(ended);
  });
  return { attempt, clock, ends };
}

/** The same for a handler, started. */
export function start(perform: JobDefinition['perform'], given: Given = {}) {
  const prepared = prepare(defineJob({ class: 'Hello', perform }), given);
  prepared.attempt.start();
  return prepared;
}

export const succeeded: Ended = { ok: true };
