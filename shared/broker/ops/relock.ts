import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/**
 * A job that is to run again holds its lock for longer; or takes it back, where nobody else has it: for `ms` from now, or from
 * when it is due (epoch ms). `member` of the sorted set of retries, or `seconds` of its delayed list, say where it waits.
 */
export function encodeRelock(effect: Effect<'relock'>, call: ScriptCall, keys: Keys): void {
  const { id, name, queue, ms, due, member } = effect;
  call.add(id, call.key(keys.unique(name)), Math.ceil(ms), due ?? 0, placeOf(effect), queue);
  call.add(call.key(keys.retryPayloads), member ?? '');
}

function placeOf({ member, queue, seconds }: Effect<'relock'>): string {
  if (member !== undefined) return `r${member.slice(0, member.length - queue.length - 1)}`;
  return seconds === undefined ? 'q' : `d${seconds}`;
}

/**
 * Behind LOCKS.
 *
 * ARGV  id of the job; the lock's key; how long it is held, ms, from now or from this time, epoch ms; where the job is now, its queue;
 *       key of the retries' payloads, its member there or ''
 */
export const RELOCK = `
function effects.relock(held)
  local id, lock, ms, due, place, name, payloads, member = arg(), key(), int(), int(), arg(), arg(), key(), arg()
  if not held then return end
  local value, err = try('GET', lock)
  if err or value and not isHolder(value, id) then return end
  local payload = member ~= '' and try('HGET', payloads, member) or held
  setLock(lock, holderText(id, place, name, payload), math.max(0, due - time) + ms)
end
`;
