import type { SettleOp } from '../../types.ts';
import { spliceText } from '../../wire/attempts-record.ts';
import type { OpContext, ScriptCall } from './call.ts';

/** Given back to its queue: as it is, or with another record where its worker is about to die. */
export function encodeRelease({ to, record }: SettleOp<'release'>, call: ScriptCall, { raw, keys }: OpContext): void {
  call.add(call.key(keys.queue(raw.queue)), raw.queue, to, record ? spliceText(record) : '');
}

/** ARGV  the queue's key, its name, head|tail, record to splice in or '' */
export const RELEASE = `
function outcomes.release(payload)
  local queue, name, to, record = key(), arg(), arg(), arg()
  if not payload then return end
  if record ~= '' then
    local head, rest = cut(payload)
    if head then payload = head .. record .. rest end
  end
  -- A queue that does not take its job back must not stop the others.
  local _, err = try(to == 'head' and 'LPUSH' or 'RPUSH', queue, payload)
  if not err then try('SADD', KEYS[QUEUES], name) end
  return err
end
`;
