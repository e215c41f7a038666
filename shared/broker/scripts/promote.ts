import { defineScript } from '../redis/client.ts';

/**
 * Move due retries to their queues, in the order given. One that another scheduler has moved is passed over.
 *
 * KEYS  1 retry  2 retry:payloads  3 queues  then the queues that ARGV names
 * ARGV  now (epoch ms), or '' to move them whatever their time; number of queues, their names; then for each retry: member of the sorted set, queue-index
 * Returns {number moved, errors of queues that did not take theirs…}. Their retries wait another minute.
 */
export const promoteRetries = defineScript(
  'promote-retries',
  `
local queues, moved, used, errors = tonumber(ARGV[2]), 0, {}, {}
redis.call('HDEL', KEYS[2], '') -- removes nothing; opens the script with a write that a full Redis allows
local now = tonumber(ARGV[1])
for i = queues + 3, #ARGV, 2 do
  local member, index = ARGV[i], tonumber(ARGV[i + 1])
  local at = redis.call('ZSCORE', KEYS[1], member)
  -- One that was put off since it was read is left alone.
  local due = at and (not now or tonumber(at) <= now)
  local payload = due and redis.call('HGET', KEYS[2], member)
  -- The push comes first: one that fails leaves the retry where it is.
  local pushed = payload and redis.pcall('RPUSH', KEYS[3 + index], payload)
  if type(pushed) == 'table' then
    errors[index] = pushed.err
    if now then redis.call('ZADD', KEYS[1], now + 60000, member) end -- out of the way of those behind it
  elseif due then
    redis.call('ZREM', KEYS[1], member)
    redis.call('HDEL', KEYS[2], member)
    if pushed then used[index], moved = true, moved + 1 end
  end
end
for index in pairs(used) do redis.call('SADD', KEYS[3], ARGV[2 + index]) end
local answer = {moved}
for index, err in pairs(errors) do answer[#answer + 1] = ARGV[2 + index] .. ': ' .. err end
return answer
`,
);

/**
 * Move the first payloads of due lists to their queues, or to the failed list where they name none. The caller has read
 * them; each moves only if it is still the one at that place, which its SHA-1 tells, so several schedulers (Ruby's too) can
 * work side by side and none moves a job twice. It stops at the first that is not. Payload bytes stay as they are.
 *
 * KEYS  1 delayed_queue_schedule  2 queues  3 failed  then a queue for each name, then delayed:<ts> for each list, then an
 *       index key (timestamps:<payload>) for each payload that has one
 * ARGV  number of names, the names; number of lists, then for each: ts; member of the index; number of payloads, then for
 *       each: SHA-1, 0|1 has an index key, and: q queue-index, or f head tail (failed entry around the payload), or b entry
 * Returns {moved to queues, moved to the failed list, the error of a queue that did not take its payload, or ''}. It
 *         stops there; the payload is then first in its list.
 */
export const promoteDelayed = defineScript(
  'promote-delayed',
  `
local at = 0
local function arg() at = at + 1; return ARGV[at] end
local function int() return tonumber(arg()) end
local names = {}
for i = 1, int() do names[i] = arg() end
local lists = int()
local queued, failed, used, refused, stopped = 0, 0, {}, '', false
local indexKey = 3 + #names + lists
redis.call('ZREM', KEYS[1], '') -- removes nothing; opens the script with a write that a full Redis allows
for l = 1, lists do
  local key, ts, index, n, moved = KEYS[3 + #names + l], arg(), arg(), int(), 0
  local payloads = n > 0 and redis.call('LRANGE', key, 0, n - 1) or {}
  for i = 1, n do
    local sha, indexed, kind = arg(), arg(), arg()
    local a, b = arg(), kind == 'f' and arg() or nil
    local payload = payloads[i]
    if not payload or redis.sha1hex(payload) ~= sha then stopped = true break end
    local pushed
    if kind == 'q' then
      pushed = redis.pcall('RPUSH', KEYS[3 + a], payload)
    else
      pushed = redis.pcall('RPUSH', KEYS[3], kind == 'f' and a .. payload .. b or a)
    end
    if type(pushed) == 'table' then
      refused, stopped = pushed.err, true
      break
    end
    if kind == 'q' then
      used[tonumber(a)] = true
      queued = queued + 1
    else
      failed = failed + 1
    end
    moved = moved + 1
    if indexed == '1' then
      indexKey = indexKey + 1
      redis.pcall('SREM', KEYS[indexKey], index)
    end
  end
  if moved > 0 then redis.call('LTRIM', key, moved, -1) end
  if redis.call('EXISTS', key) == 0 then redis.call('ZREM', KEYS[1], ts) end
  if stopped then break end
end
for i in pairs(used) do redis.call('SADD', KEYS[2], names[i]) end
return {queued, failed, refused}
`,
);

/**
 * The first payloads of lists, bounded by number and size for all together. A list that is cut short is the last.
 *
 * KEYS  lists
 * ARGV  most payloads, most bytes (one payload is read even if it is larger)
 * Returns the payloads of each list that was read.
 */
export const readFirst = defineScript(
  'read-first',
  `
local most, left, count, answer = tonumber(ARGV[1]), tonumber(ARGV[2]), 0, {}
for l, key in ipairs(KEYS) do
  local payloads, window = {}, 2
  answer[l] = payloads
  while true do
    local width = math.min(most - count, window)
    if width == 0 then return answer end
    local items = redis.call('LRANGE', key, #payloads, #payloads + width - 1)
    for _, payload in ipairs(items) do
      left = left - #payload
      if left < 0 and count > 0 then return answer end
      payloads[#payloads + 1] = payload
      count = count + 1
    end
    if #items < width then break end
    window = width * 8
  end
end
return answer
`,
);
