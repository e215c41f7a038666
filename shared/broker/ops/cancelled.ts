import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/** A job that was to be cancelled has ended: nobody need be told of it any more. */
export function encodeCancelled({ id }: Effect<'cancelled'>, call: ScriptCall, keys: Keys): void {
  call.add(call.key(keys.control), id);
}

/** ARGV  the key of orders; the job's id */
export const CANCELLED = `
function effects.cancelled(held)
  local orders, id = key(), arg()
  if held then try('HDEL', orders, 'cancel:' .. id) end
end
`;
