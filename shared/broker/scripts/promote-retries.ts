import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/** A queue that does not take its retries is tried again after so many ms. */
const AGAIN_MS = 60_000;

/**
 * Move due retries to their queues, in the order given. One that another scheduler has moved is passed over.
 *
 * KEYS  1 retry  2 retry:payloads  3 queues  then the retries' queues
 * ARGV  time; 1 to move them whatever their time, else 0; most bytes of payloads (one is moved even if it is larger);
 *       then for each retry: member of the sorted set, place of its queue among KEYS, queue's name
 * Returns {number moved, number that stay since their payloads cannot be read, number not looked at, keys that are not
 *         what they should be {{key, problem}…}}. Retries of a queue that did not take them wait another minute.
 */
export const promoteRetries = defineScript(
  'promote-retries',
  `${NOW}${READ_ARGUMENTS}
local time, whatever, bytes = now(arg()), arg() == '1', int()
local moved, stay, left, used, refused = 0, 0, 0, {}, {}
try('HDEL', KEYS[2], '') -- removes nothing; opens the script with a write that a full Redis allows
local function promote(member, queue, name)
  local at = try('ZSCORE', KEYS[1], member)
  -- One that was put off since it was read is left alone.
  if not at or not whatever and tonumber(at) > time then return end
  local payload, err = nil, refused[queue]
  if not err then
    local unreadable
    payload, unreadable = try('HGET', KEYS[2], member)
    if unreadable then
      stay = stay + 1
      return
    end
    if not payload then
      -- There is nothing to be moved, now or later.
      wrong[KEYS[2]] = 'the payload of a retry is missing; it was forgotten: ' .. string.sub(member, 1, 80)
      call('ZREM', KEYS[1], member)
      return
    end
    bytes = bytes - #payload
    local _, failure = try('RPUSH', queue, payload)
    err = failure
  end
  -- The push comes first: one that fails leaves the retry where it is, but out of the way of those behind it.
  if err then
    refused[queue] = err
    if not whatever then call('ZADD', KEYS[1], time + ${AGAIN_MS}, member) end
    return
  end
  call('ZREM', KEYS[1], member)
  try('HDEL', KEYS[2], member)
  used[name], moved = true, moved + 1
end
while at < #ARGV do
  local member, queue, name = arg(), key(), arg()
  if bytes > 0 then promote(member, queue, name) else left = left + 1 end
end
for name in pairs(used) do try('SADD', KEYS[3], name) end
return {moved, stay, left, wrongKeys()}
`,
);
