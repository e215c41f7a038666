import { defineScript } from '../redis-client.ts';

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
 * Move the first payloads of one due list to their queues, or to the failed list where they name none. The caller has
 * read them; each moves only if it is still the one at that place, which its SHA-1 tells, so several schedulers (Ruby's
 * too) can work side by side and none moves a job twice. Payload bytes stay as they are.
 *
 * KEYS  1 delayed:<ts>  2 delayed_queue_schedule  3 queues  4 failed  then a queue for each name, then an index key
 *       (timestamps:<payload>) for each payload that has one
 * ARGV  ts; member of the index; number of names, the names; number of payloads, then for each:
 *       SHA-1, 0|1 has an index key, and: q queue-index, or f head tail (failed entry around the payload), or b entry
 * Returns {moved to queues, moved to the failed list, the error of a queue that did not take its payload, or ''}. It
 *         stops there; the payload is then first in the list.
 */
export const promoteDelayed = defineScript(
  'promote-delayed',
  `
local at = 0
local function arg() at = at + 1; return ARGV[at] end
local function int() return tonumber(arg()) end
local ts, index, names = arg(), arg(), {}
for i = 1, int() do names[i] = arg() end
local n = int()
local payloads = n > 0 and redis.call('LRANGE', KEYS[1], 0, n - 1) or {}
local queued, failed, indexKey, used, refused = 0, 0, 4 + #names, {}, ''
redis.call('ZREM', KEYS[2], '') -- removes nothing; opens the script with a write that a full Redis allows
for i = 1, n do
  local sha, indexed, kind = arg(), arg(), arg()
  local a, b = arg(), kind == 'f' and arg() or nil
  local payload = payloads[i]
  if not payload or redis.sha1hex(payload) ~= sha then break end
  if kind == 'q' then
    local pushed = redis.pcall('RPUSH', KEYS[4 + a], payload)
    if type(pushed) == 'table' then
      refused = pushed.err
      break
    end
    used[tonumber(a)] = true
    queued = queued + 1
  else
    local pushed = redis.pcall('RPUSH', KEYS[4], kind == 'f' and a .. payload .. b or a)
    if type(pushed) == 'table' then
      refused = pushed.err
      break
    end
    failed = failed + 1
  end
  if indexed == '1' then
    indexKey = indexKey + 1
    redis.pcall('SREM', KEYS[indexKey], index)
  end
end
for i in pairs(used) do redis.call('SADD', KEYS[3], names[i]) end
if queued + failed > 0 then redis.call('LTRIM', KEYS[1], queued + failed, -1) end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('ZREM', KEYS[2], ts) end
return {queued, failed, refused}
`,
);

/**
 * The first payloads of a list, bounded by number and size.
 *
 * KEYS  1 list
 * ARGV  most payloads, most bytes (one payload is read even if it is larger)
 * Returns the payloads.
 */
export const readFirst = defineScript(
  'read-first',
  `
local most, left, window, payloads = tonumber(ARGV[1]), tonumber(ARGV[2]), 2, {}
while #payloads < most do
  local width = math.min(most - #payloads, window)
  local items = redis.call('LRANGE', KEYS[1], #payloads, #payloads + width - 1)
  for _, payload in ipairs(items) do
    left = left - #payload
    if left < 0 and #payloads > 0 then return payloads end
    payloads[#payloads + 1] = payload
  end
  if #items < width then break end
  window = width * 8
end
return payloads
`,
);
