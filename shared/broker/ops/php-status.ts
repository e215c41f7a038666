import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';
import { TELL_END } from './tell-end.ts';

/** php-resque's status record of a job, where its producer made one. */
export function encodeStatus(status: Effect<'status'>, call: ScriptCall, keys: Keys): void {
  const { id, head, started, tail, more, ttl, ended } = status;
  const name = keys.jobStatus(id);
  call.add(call.key(name), head, started ?? '', tail, more, ttl, ended ? 1 : 0);
}

/**
 * ARGV  the record's key; the record up to its started time; that, '' keeps the one there; its result; what only a job of ours
 *       has, '' for another; seconds to live (0: no limit); 1 where its end is to be told, else 0
 */
export const PHP_STATUS = `${TELL_END}
function effects.status(held)
  local name, head, started, tail, more, ttl, ended = key(), arg(), arg(), arg(), arg(), int(), arg() == '1'
  local record = held and try('GET', name)
  if not record then return end
  if started == '' then started = string.match(record, '"started":([%d.]+)') or 'null' end
  local enqueued = more ~= '' and string.match(record, '"enqueued":(%d+)')
  local progress = more ~= '' and string.match(record, '(,"progress":%[.*%])}$') or ''
  try('SET', name, head .. started .. (enqueued and ',"enqueued":' .. enqueued or '') .. tail .. more .. progress .. '}')
  if ttl > 0 then try('EXPIRE', name, ttl) end
  if ended then tellEnd(name) end
end
`;
