import { READ_ARGUMENTS } from '../ops/call.ts';
import { CARRY_OUT } from '../ops/operation.ts';
import { RELOCK } from '../ops/relock.ts';
import { REMOVED } from '../ops/removed.ts';
import { STEP_LOST } from '../ops/step-lost.ts';
import { UNLOCK } from '../ops/unlock.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { LOCKS } from './locks.ts';

/** Lua: the effects of what is done with a job that waits, behind READ_ARGUMENTS and `time`; `carryOut(held)` reads them. */
export const WAITING_EFFECTS = `${LOCKS}
local effects = {}
${REMOVED}${STEP_LOST}${UNLOCK}${RELOCK}${CARRY_OUT}`;

/**
 * Effects alone, of jobs that were removed before.
 *
 * KEYS  those of the effects
 * ARGV  time; effects (number; kind, what it needs)
 * Returns keys that are not what they should be {{key, error}…}.
 */
export const carryOutEffects = defineScript(
  'carry-out',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
${WAITING_EFFECTS}
carryOut(true)
return wrongKeys()
`,
);
