import type { Effect, RawJob, Settlement } from '../../types.ts';
import type { Keys } from '../keys.ts';
import { LOCKS } from '../scripts/locks.ts';
import type { OpContext, ScriptCall } from './call.ts';
import { CANCELLED, encodeCancelled } from './cancelled.ts';
import { CLEAR_KEY, encodeClearKey } from './clear-key.ts';
import { encodeFail, encodeFailBinary, FAIL } from './fail.ts';
import { encodeFlow, encodeFlowKeys, FLOW } from './flow.ts';
import { encodeLeave, LEAVE } from './leave.ts';
import { encodeStatus, PHP_STATUS } from './php-status.ts';
import { encodeProgress, PROGRESS } from './progress.ts';
import { encodeRelease, RELEASE } from './release.ts';
import { encodeRelock, RELOCK } from './relock.ts';
import { encodeRemoved } from './removed.ts';
import { encodeRequeued } from './requeued.ts';
import { encodeResqueStatus, RESQUE_STATUS } from './resque-status.ts';
import { encodeRetry, RETRY } from './retry.ts';
import type { StatSums } from './stats.ts';
import { encodeStepLost, STEP_LOST } from './step-lost.ts';
import { encodeUnlock, UNLOCK } from './unlock.ts';

/** Done, and nothing else: most settlements are. */
export function isPlainDone({ outcome, marked, effects }: Settlement): boolean {
  return outcome.kind === 'done' && !marked && effects.length === 0;
}

/** Given back as it is to the head of its queue, and nothing else. */
export function isPlainRelease({ outcome, marked, effects }: Settlement): boolean {
  return outcome.kind === 'release' && outcome.to === 'head' && !outcome.record && !marked && effects.length === 0;
}

/** Field of the in-flight hash: its number and queue, behind a `!` if an at-most-once job may have started. */
export function fieldOf({ seq, queue }: RawJob, marked = false): string {
  return `${marked ? '!' : ''}${seq}:${queue}`;
}

/**
 * Settle = outcome + effects: one outcome, which takes the job out of flight, and effects that are carried out only if it
 * did. Each kind is one file with its encoder and its Lua.
 */
export function encodeSettlement(settlement: Settlement, call: ScriptCall, context: OpContext, stats: StatSums): void {
  const { raw, marked, outcome, effects, run } = settlement;
  call.add(outcome.kind, fieldOf(raw, marked), run ? stats.one(raw.queue, run) : '');
  switch (outcome.kind) {
    case 'done':
      break;
    case 'retry':
      encodeRetry(outcome, call, context);
      break;
    case 'fail':
    case 'failText':
      encodeFail(outcome, call);
      break;
    case 'failBinary':
      encodeFailBinary(outcome, call);
      break;
    case 'release':
      encodeRelease(outcome, call, context);
      break;
  }
  encodeEffects(effects, call, context.keys);
}

export function encodeEffects(effects: readonly Effect[], call: ScriptCall, keys: Keys): void {
  call.add(effects.length);
  for (const effect of effects) {
    call.add(effect.kind);
    switch (effect.kind) {
      case 'status':
        encodeStatus(effect, call, keys);
        break;
      case 'progress':
        encodeProgress(effect, call, keys);
        break;
      case 'removed':
        encodeRemoved(effect, call, keys);
        break;
      case 'requeued':
        encodeRequeued(effect, call, keys);
        break;
      case 'unlock':
        encodeUnlock(effect, call, keys);
        break;
      case 'relock':
        encodeRelock(effect, call, keys);
        break;
      case 'leave':
        encodeLeave(effect, call, keys);
        break;
      case 'flow':
        encodeFlow(effect, call, keys);
        break;
      case 'flowLists':
        encodeFlowKeys(effect, call, keys);
        break;
      case 'stepLost':
        encodeStepLost(effect, call, keys);
        break;
      case 'cancelled':
        encodeCancelled(effect, call, keys);
        break;
      case 'clearKey':
        encodeClearKey(effect, call, keys);
        break;
      case 'resqueStatus':
        encodeResqueStatus(effect, call, keys);
        break;
    }
  }
}

/**
 * Lua: an effect is called with the payload, with false or nil where its job was not held, or with true without a job; it
 * reads its arguments in any case.
 */
export const CARRY_OUT = `
local function carryOut(held)
  for _ = 1, int() do effects[arg()](held) end
end
`;

/**
 * Lua: an outcome is called with the payload, or nil where the job is not held any more; it reads its arguments in any
 * case, and returns the error of a key that did not take the job, which then stays in flight. They count `processed` and
 * `failed`.
 */
export const OPERATIONS = `
local outcomes, effects = {}, {}
-- no arguments
function outcomes.done(payload)
  if payload then processed = processed + 1 end
end
${RETRY}${FAIL}${RELEASE}${PHP_STATUS}${PROGRESS}${LOCKS}${UNLOCK}${RELOCK}${LEAVE}${FLOW}${STEP_LOST}${CANCELLED}${CLEAR_KEY}${RESQUE_STATUS}`;
