import type { Effect } from '../../types.ts';
import { WAITING_SECONDS } from '../../wire/php-status.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/** A tracked job that had ended is in its queue again: its status record begins anew. */
export function encodeRequeued({ id, keep }: Effect<'requeued'>, call: ScriptCall, keys: Keys): void {
  call.add(call.key(keys.jobStatus(id)), keep);
}

/** Where `time` is known. `beginRecord(key, seconds that it is kept when the job has ended, seconds until that is due, 'NX' where it must be new)`. */
export const BEGIN_RECORD = `
local function beginRecord(name, keep, waits, ...)
  local text = string.format('{"status":1,"updated":%.0f,"started":null,"enqueued":%.0f,"result":null,"state":"waiting","attempt":0}',
    math.floor(time / 1000), time)
  try('SET', name, text, 'EX', waits + ${WAITING_SECONDS} + keep, ...)
end
`;

export const REQUEUED = `${BEGIN_RECORD}
-- ARGV  the record's key; seconds that it is kept when the job has ended
function effects.requeued(held)
  local name, keep = key(), int()
  if held then beginRecord(name, keep, 0) end
end
`;
