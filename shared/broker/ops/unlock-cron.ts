import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/** The job of a cron entry that must not overlap has ended for good: its entry may enqueue again. */
export function encodeUnlockCron({ name, slot }: Effect<'unlockCron'>, call: ScriptCall, keys: Keys): void {
  call.add(call.key(keys.cron.live), name, slot);
}

export const UNLOCK_CRON = `
-- ARGV  key of the locks; the entry's name; the job's slot, epoch ms
function effects.unlockCron(held)
  local locks, name, slot = key(), arg(), arg()
  local live = held and try('HGET', locks, name)
  if live and string.sub(live, 1, #slot + 1) == slot .. ':' then try('HDEL', locks, name) end
end
`;
