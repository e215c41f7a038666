import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/** A lock or a counter of a plugin of Ruby's Resque. */
export function encodeClearKey({ name, seconds }: Effect<'clearKey'>, call: ScriptCall, keys: Keys): void {
  call.add(call.key(keys.plugin(name)), seconds);
}

/** ARGV  the key; seconds until it goes (0: at once) */
export const CLEAR_KEY = `
function effects.clearKey(held)
  local name, seconds = key(), int()
  if not held then return end
  if seconds > 0 then try('EXPIRE', name, seconds) else try('DEL', name) end
end
`;
