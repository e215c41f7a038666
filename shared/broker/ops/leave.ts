import type { Effect } from '../../types.ts';
import { ruleText } from '../gate.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/** A job that gates have let through gives its places back, or one that was called those that are kept for it; the next ones that wait for them are called. */
export function encodeLeave({ gates, queue }: Effect<'leave'>, call: ScriptCall, keys: Keys): void {
  call.add(queue, call.key(keys.queue(queue)), gates.length);
  for (const { name, rule, life, unused } of gates) {
    call.add(name, call.key(keys.limit(name)), call.key(keys.parkedAt(name)), ruleText(rule, life), unused ? 1 : 0);
  }
}

/** ARGV  the job's queue, its key; number of gates, each: its name, places of its keys limit:<gate> and parked:<gate>, its rule, 1 where the job has not passed it, else 0 */
export const LEAVE = `
function effects.leave(held)
  local queue, queueKey = arg(), key()
  queueKeys[queue] = queueKey
  for _ = 1, int() do
    local name, limitKey, parkedKey, rule, giveBack = arg(), key(), key(), arg(), arg() == '1' and giveTicket or leave
    if held then giveBack(gateOf(name, limitKey, parkedKey, rule, ''), held) end
  end
end
`;
