import { READ_ARGUMENTS } from '../ops/call.ts';
import { END_BYTES, NOTE_END, UNTOLD } from '../ops/ended-untold.ts';
import { defineScript } from '../redis/client.ts';

/** Read at a time. */
const AT_ONCE = 500;

/**
 * Remove the first jobs of a queue. What those held is noted in the same step, for whoever gives it back.
 *
 * KEYS  1 the queue  2 flows:lost
 * ARGV  the queue's name; how many, -1 for all that are there; most to look at in this call; most bytes; most that hold something
 * Returns {how many were removed, how many are left of those, how many hold something}.
 */
export const clearQueue = defineScript(
  'clear-queue',
  `${READ_ARGUMENTS}${NOTE_END}
local name, want, most, bytes, holders = arg(), int(), int(), int(), int()
local size, removed, held = call('LLEN', KEYS[1]), 0, {}
if want < 0 or want > size then want = size end
while removed < want and removed < most and bytes > 0 and #held < holders do
  for _, payload in ipairs(call('LRANGE', KEYS[1], removed, math.min(removed + ${AT_ONCE}, want, most) - 1)) do
    removed, bytes = removed + 1, bytes - #payload
    local last = string.sub(payload, -${END_BYTES})
    if string.find(last, '"control":{[^{}]*}}$') or string.find(last, '"flow":{"id":[^{}]*}}$') then held[#held + 1] = last end
  end
end
for _, last in ipairs(held) do noteEnd(KEYS[2], '${UNTOLD.removed}', name, last) end
if next(wrong) then return redis.error_reply('WRONGTYPE ' .. KEYS[2] .. ' is no list: nothing was removed') end
if removed == size then call('UNLINK', KEYS[1]) else call('LTRIM', KEYS[1], removed, -1) end
return {removed, want - removed, #held}
`,
);

/**
 * Remove a queue that is empty, as Resque.remove_queue does; and what was said of it.
 *
 * KEYS  1 the queue  2 queues  3 queues:paused
 * ARGV  its name
 * Returns 1, or 0 where jobs are in it.
 */
export const removeQueue = defineScript(
  'remove-queue',
  `${READ_ARGUMENTS}
if call('LLEN', KEYS[1]) > 0 then return 0 end
call('SREM', KEYS[2], ARGV[1])
call('SREM', KEYS[3], ARGV[1])
return 1
`,
);

/**
 * Append the first jobs of one queue to another: all at once where that is empty, else some.
 *
 * KEYS  1 the one queue  2 the other  3 queues
 * ARGV  the other's name; jobs that are to be moved, -1 for all; most jobs in this call, where it is more work; most bytes
 * Returns {jobs moved, jobs that are left to be moved}.
 */
export const moveQueue = defineScript(
  'move-queue',
  `${READ_ARGUMENTS}
local name, want, most, bytes = arg(), int(), int(), int()
local size, there = call('LLEN', KEYS[1]), call('LLEN', KEYS[2])
if want < 0 or want > size then want = size end
if want == 0 then return {0, 0} end
if want == size and there == 0 then
  call('RENAME', KEYS[1], KEYS[2])
  call('SADD', KEYS[3], name)
  return {want, 0}
end
local moved = 0
while moved < want and moved < most and bytes > 0 do
  local payload = call('LINDEX', KEYS[1], 0)
  call('RPUSH', KEYS[2], payload)
  call('LPOP', KEYS[1])
  moved, bytes = moved + 1, bytes - #payload
end
call('SADD', KEYS[3], name)
return {moved, want - moved}
`,
);

/** The place of a cursor is looked for so far towards the head, and a little towards the tail; in so many bytes. */
const LOOK_BACK = 1_000;
const LOOK_AHEAD = 100;
const LOOK_BYTES = 8_388_608;

/**
 * Some jobs of a queue, from its head or from behind the last one of the page before, which may have moved.
 *
 * KEYS  1 the queue
 * ARGV  place of that job (from 0), -1 for none; its length; its SHA-1; most jobs; most bytes (one comes even if it is larger)
 * Returns {place of the first, {payload…}, length of the queue}.
 */
export const peekQueue = defineScript(
  'peek-queue',
  `${READ_ARGUMENTS}
local last, length, sha, most, bytes = int(), int(), arg(), int(), int()
local budget = ${LOOK_BYTES}
local function isThere(i)
  local item = i >= 0 and budget > 0 and call('LINDEX', KEYS[1], i)
  if not item then return false end
  budget = budget - #item
  return #item == length and redis.sha1hex(item) == sha
end
local function placeOf()
  if isThere(last) then return last end
  for by = 1, ${LOOK_BACK} do
    if isThere(last - by) then return last - by end
    if by <= ${LOOK_AHEAD} and isThere(last + by) then return last + by end
    -- All that came before it has left, and so has it.
    if last - by < 0 then return -1 end
  end
  return last
end
local at = last < 0 and 0 or placeOf() + 1
local items = {}
for i = at, at + most - 1 do
  local item = call('LINDEX', KEYS[1], i)
  if not item or #items > 0 and #item > bytes then break end
  items[#items + 1], bytes = item, bytes - #item
end
return {at, items, call('LLEN', KEYS[1])}
`,
);

/** Fields read in one call; of a worker with many, some stand for all. */
const MOST_FIELDS = 50_000;
const MANY = 20_000;
const SAMPLE = 5_000;

/**
 * How many jobs of each queue are in flight.
 *
 * KEYS  inflight:<worker>…
 * Returns {how many of KEYS were looked at, {queue, number}…, keys of another type {{key, error}…}}.
 */
export const countInFlight = defineScript(
  'count-in-flight',
  `${READ_ARGUMENTS}
local counts, looked, fields = {}, 0, 0
for i, name in ipairs(KEYS) do
  local length = try('HLEN', name) or 0
  if fields > 0 and fields + length > ${MOST_FIELDS} then break end
  local some, each = {}, 1
  if length > ${MANY} then
    local flat = call('HSCAN', name, 0, 'COUNT', ${SAMPLE})[2]
    for f = 1, #flat, 2 do some[#some + 1] = flat[f] end
    each = length / #some
  elseif length > 0 then
    some = call('HKEYS', name)
  end
  for _, field in ipairs(some) do
    local queue = string.match(field, '^!?%d+:(.*)$')
    if queue then counts[queue] = (counts[queue] or 0) + each end
  end
  looked, fields = i, fields + #some
end
local flat = {}
for queue, count in pairs(counts) do flat[#flat + 1] = {queue, math.floor(count + 0.5)} end
return {looked, flat, wrongKeys()}
`,
);
