import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import { gateOf } from '../lock-value.ts';
import type { ScriptCall } from './call.ts';

/** A job gives its lock back, to the first that is parked for it: where the lock is still its own. */
export function encodeUnlock({ id, name, queue }: Effect<'unlock'>, call: ScriptCall, keys: Keys): void {
  const gate = gateOf({ name });
  call.add(id, call.key(keys.unique(name)), call.key(keys.parkedAt(gate)), call.key(keys.parked), gate);
  call.add(call.key(keys.queues), queue, call.key(keys.queue(queue)));
}

/**
 * Behind LOCKS.
 *
 * ARGV  id of the job; keys of the lock, of what is parked for it, and of the gates; the gate; key of the queues; the job's queue, its key
 */
export const UNLOCK = `
function effects.unlock(held)
  local id, lock = arg(), key()
  local parked, gates, gate, queues, name, queue = key(), key(), arg(), key(), arg(), key()
  local value = held and try('GET', lock)
  if value and isHolder(value, id) then passOn(lock, parked, gates, gate, queues, name, queue) end
end
`;
