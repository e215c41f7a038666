import { LONGEST_HASHED } from '../element-digest.ts';
import { READ_ARGUMENTS } from '../ops/call.ts';
import { NOTE_END, UNTOLD } from '../ops/ended-untold.ts';
import { defineScript } from '../redis/client.ts';

/** Stands in the place of a payload that was moved from between others that stay, until the end of the script. */
const HOLE = 'lambdesque:moved:7d0b6a52';

/**
 * The first payloads of lists, bounded by number and size for all together. They are read one by one: how large the next
 * one is nobody knows before.
 *
 * KEYS  lists
 * ARGV  most payloads; most bytes: the payload that exceeds them is the last; how many to pass over, for each list
 * Returns for each list that was read its payloads, or Redis's words if it is none. One that was cut short is the last.
 */
export const readDelayed = defineScript(
  'read-delayed',
  `${READ_ARGUMENTS}
local most, bytes, answer = int(), int(), {}
for l, name in ipairs(KEYS) do
  if most <= 0 or bytes <= 0 then break end
  local passed, payloads = int(), {}
  answer[l] = payloads
  while most > 0 and bytes > 0 do
    local payload, err = try('LINDEX', name, passed + #payloads)
    if err then answer[l] = err end
    if not payload then break end
    payloads[#payloads + 1] = payload
    most, bytes = most - 1, bytes - #payload
  end
end
return answer
`,
);

/**
 * Move the first payloads of due lists to their queues, or to the failed list where they name none. The caller has read
 * them; each moves only if it is still the one at that place, which its mark tells, so several schedulers (Ruby's too) can
 * work side by side and none moves a job twice. It stops at the first that is not. Payload bytes stay as they are. One that
 * its key does not take stays in its place, and those behind it move.
 *
 * KEYS  1 delayed_queue_schedule  2 queues  3 failed  4 flows:lost  then what ARGV names by its place
 * ARGV  number of lists, then for each: ts; place of delayed:<ts> among KEYS; member of the index (timestamps:<payload>);
 *       number of payloads to pass over; number of payloads, then for each: its mark, place of its index key or 0, and
 *       q place-of-queue name, f head tail (failed entry around the payload), b entry, or s (it stays)
 * Returns {moved to queues, moved to the failed list,
 *         {{payloads left, 1 if it has changed since it was read, else 0, 1 if its time is still on the schedule, else 0,
 *         {place among the payloads, key, Redis's words}…}…
 *         for each list}, keys that are not what they should be {{key, problem}…}}.
 */
export const promoteDelayed = defineScript(
  'promote-delayed',
  `${READ_ARGUMENTS}${NOTE_END}
local queued, failed, used, lists, stopped = 0, 0, {}, {}, false
local function markOf(payload)
  if #payload <= ${LONGEST_HASHED} then return redis.sha1hex(payload) end
  local half = ${LONGEST_HASHED / 2}
  return #payload .. ':' .. redis.sha1hex(string.sub(payload, 1, half) .. string.sub(payload, -half))
end
try('ZREM', KEYS[1], '') -- removes nothing; opens the script with a write that a full Redis allows
for l = 1, int() do
  local ts, name, member, passed, count = arg(), key(), arg(), int(), int()
  local moved, list = {}, {0, 0, 1}
  for i = 1, count do
    local mark, index, kind = arg(), int(), arg()
    local target, head, tail
    if kind == 'q' then target, head = key(), arg() end
    if kind == 'f' then head, tail = arg(), arg() end
    if kind == 'b' then head = arg() end
    local payload = not stopped and try('LINDEX', name, passed + i - 1)
    if not payload or markOf(payload) ~= mark then
      stopped = true
    elseif kind ~= 's' then
      local entry = kind == 'f' and head .. payload .. tail or kind == 'b' and head or payload
      local pushed, err = try('RPUSH', target or KEYS[3], entry)
      if pushed then
        moved[#moved + 1] = passed + i - 1
        if kind == 'q' then
          used[head], queued = true, queued + 1
        else
          failed = failed + 1
          noteEnd(KEYS[4], '${UNTOLD.refused}', '', payload)
        end
        if index > 0 then try('SREM', KEYS[index], member) end
      else
        list[#list + 1] = {i - 1, target or KEYS[3], err}
      end
    end
  end
  -- From the start, they are cut off at once; from between others, one by one.
  if #moved > 0 and moved[#moved] == #moved - 1 then
    call('LTRIM', name, #moved, -1)
  elseif #moved > 0 then
    for _, place in ipairs(moved) do call('LSET', name, place, '${HOLE}') end
    call('LREM', name, #moved, '${HOLE}')
  end
  list[1], list[2] = try('LLEN', name) or 0, stopped and 1 or 0
  list[3] = (list[1] > 0 or wrong[name] or not try('ZREM', KEYS[1], ts)) and 1 or 0
  lists[l] = list
  if stopped then break end
end
for queue in pairs(used) do try('SADD', KEYS[2], queue) end
return {queued, failed, lists, wrongKeys()}
`,
);
