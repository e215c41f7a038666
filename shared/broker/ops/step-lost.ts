import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/** A step of a flow is removed by somebody, without having run to its end: the scheduler tells its flow. */
export function encodeStepLost({ mark, why }: Effect<'stepLost'>, call: ScriptCall, keys: Keys): void {
  call.add(call.key(keys.flowsLost), JSON.stringify({ ...mark, why }));
}

/** ARGV  the list's key; the payload's mark, and why */
export const STEP_LOST = `
function effects.stepLost(held)
  local name, text = key(), arg()
  if held then try('RPUSH', name, text) end
end
`;
