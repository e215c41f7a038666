import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/** How far a job has come, as the last member of its status record, where that is there. */
export function encodeProgress({ id, text }: Effect<'progress'>, call: ScriptCall, keys: Keys): void {
  call.add(call.key(keys.jobStatus(id)), text);
}

/** ARGV  the record's key; progress as JSON */
export const PROGRESS = `
function effects.progress(held)
  local name, progress = key(), arg()
  local record = held and try('GET', name)
  if not record then return end
  local rest = string.match(record, '^(.*),"progress":%[.*%]}$') or string.sub(record, 1, -2)
  try('SET', name, rest .. ',"progress":' .. progress .. '}', 'KEEPTTL')
end
`;
