import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';
import { TELL_END } from './tell-end.ts';

/** A tracked job is removed by somebody, without having run to its end: its status record says so. */
export function encodeRemoved({ id, keep, reason }: Effect<'removed'>, call: ScriptCall, keys: Keys): void {
  call.add(call.key(keys.jobStatus(id)), keep, reason);
}

/** Where `time` is known. `endRecord(key, seconds that it is kept, why)`; whoever waits for the job is told. */
export const END_RECORD = `${TELL_END}
local function endRecord(name, keep, reason)
  local record = try('GET', name)
  if not record then return end
  local enqueued = string.match(record, '"enqueued":%d+')
  local ended = string.format('{"status":4,"updated":%.0f,"started":%s,%s"result":null,"state":"discarded","attempt":%s,"ended":%.0f,"error":"%s"}',
    math.floor(time / 1000), string.match(record, '"started":([%d.]+)') or 'null', enqueued and enqueued .. ',' or '',
    string.match(record, '"attempt":(%d+)') or '0', time, reason)
  try('SET', name, ended, 'EX', keep)
  tellEnd(name)
end
`;

/** ARGV  the record's key; seconds that it is kept; why, without quotes */
export const REMOVED = `${END_RECORD}
function effects.removed(held)
  local name, keep, reason = key(), int(), arg()
  if held then endRecord(name, keep, reason) end
end
`;
