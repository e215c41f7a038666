import type { SettleOp } from '../../types.ts';
import type { ScriptCall } from './call.ts';

/** No attempts are left: an entry of the failed list, around the payload as its producer wrote it. */
export function encodeFail({ head, tail }: SettleOp<'fail' | 'failText'>, call: ScriptCall): void {
  call.add(head, tail);
}

/** The payload is not UTF-8, so the entry comes whole. */
export function encodeFailBinary({ entry }: SettleOp<'failBinary'>, call: ScriptCall): void {
  call.add(entry);
}

/** A text as JSON has it. */
export const QUOTE = `
local escapes = {['"'] = '\\\\"', ['\\\\'] = '\\\\\\\\'}
local function quote(text)
  return '"' .. string.gsub(text, '[%c"\\\\]', function(c) return escapes[c] or string.format('\\\\u%04x', string.byte(c)) end) .. '"'
end
`;

/** ARGV  of `fail`: the entry before and behind the payload; `failText`, of a payload that is no JSON, puts it there as a string; of `failBinary`: the whole entry */
export const FAIL = `
local function toFailed(entry)
  local _, err = try('RPUSH', KEYS[FAILED], entry)
  if not err then processed, failed = processed + 1, failed + 1 end
  return err
end
function outcomes.fail(payload)
  local head, tail = arg(), arg()
  return payload and toFailed(head .. original(payload) .. tail)
end
${QUOTE}function outcomes.failText(payload)
  local head, tail = arg(), arg()
  return payload and toFailed(head .. quote(original(payload)) .. tail)
end
function outcomes.failBinary(payload)
  local entry = arg()
  return payload and toFailed(entry)
end
`;
