import type { Effect } from '../../types.ts';
import { ruleText } from '../gate.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/** A job that gates have let through gives its places back; the next ones that wait for them are called. */
export function encodeLeave({ gates, queue }: Effect<'leave'>, call: ScriptCall, keys: Keys): void {
  call.add(queue, call.key(keys.queue(queue)), gates.length);
  for (const { name, rule, life } of gates) {
    call.add(name, call.key(keys.limit(name)), call.key(keys.parkedAt(name)), ruleText(rule, life));
  }
}

/** ARGV  the job's queue, its key; number of gates, each: its name, places of its keys limit:<gate> and parked:<gate>, its rule */
export const LEAVE = `
function effects.leave(held)
  local queue, queueKey = arg(), key()
  queueKeys[queue] = queueKey
  for _ = 1, int() do
    local name, limitKey, parkedKey, rule = arg(), key(), key(), arg()
    if held then leave(gateOf(name, limitKey, parkedKey, rule, '')) end
  end
end
`;
