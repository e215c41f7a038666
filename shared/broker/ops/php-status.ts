import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/** php-resque's status record of a job, where its producer made one. */
export function encodeStatus(status: Effect<'status'>, call: ScriptCall, keys: Keys): void {
  call.add(call.key(keys.jobStatus(status.id)), status.head, status.started ?? '', status.tail, status.ttl);
}

export const PHP_STATUS = `
-- ARGV  the record's key; the record up to its started time; that, '' keeps the one there; the rest; seconds to live (0: no limit)
function effects.status(held)
  local name, head, started, tail, ttl = key(), arg(), arg(), arg(), int()
  local record = held and try('GET', name)
  if not record then return end
  if started == '' then started = string.match(record, '"started":([%d.]+)') or 'null' end
  try('SET', name, head .. started .. tail)
  if ttl > 0 then try('EXPIRE', name, ttl) end
end
`;
