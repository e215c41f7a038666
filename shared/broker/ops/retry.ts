import type { RawJob, SettleOp } from '../../types.ts';
import { spliceText } from '../../wire/attempts-record.ts';
import { tokenOf } from '../../wire/worker-id.ts';
import type { OpContext, ScriptCall } from './call.ts';

/** An attempt failed and another follows: the job waits in `retry`. */
export function encodeRetry(
  { delay, record, edit }: SettleOp<'retry'>,
  call: ScriptCall,
  { raw, worker }: OpContext,
): void {
  call.add(Math.ceil(delay), spliceText(record), retryMember(worker, raw));
  call.add(edit?.at ?? -1, edit?.length ?? 0, edit?.text ?? '');
}

/** It belongs to this reservation, which there is only once; the record's id may be on two copies of a payload. */
export function retryMember(worker: string, { seq, queue }: RawJob): string {
  return `${tokenOf(worker)}-${seq}:${queue}`;
}

/**
 * ARGV  milliseconds until it is due; record to splice in; member of the sorted set; what to replace in the producer's
 *       payload: bytes before it or -1 for nothing, its length, the new text
 */
export const RETRY = `
function outcomes.retry(payload)
  local delay, record, member, from, length, text = int(), arg(), arg(), int(), int(), arg()
  if not payload then return end
  local head, rest = cut(payload)
  if from >= #head then rest = string.sub(rest, 1, from - #head) .. text .. string.sub(rest, from - #head + length + 1) end
  local _, err = try('ZADD', KEYS[RETRY], time + delay, member)
  if err then return err end
  _, err = try('HSET', KEYS[RETRY_PAYLOADS], member, head .. record .. rest)
  if err then call('ZREM', KEYS[RETRY], member) end
  if not err then processed = processed + 1 end
  return err
end
`;
