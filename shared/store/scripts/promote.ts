import { defineScript } from '../redis-client.ts';

/**
 * Move due retries to their queues, in the order given. One that another scheduler has moved is passed over.
 *
 * KEYS  1 retry  2 retry:payloads  3 queues  then the queues that ARGV names
 * ARGV  number of queues, their names, then for each retry: member of the sorted set, queue-index
 * Returns the number moved.
 */
export const promoteRetries = defineScript(
  'promote-retries',
  `
local queues, moved, used = tonumber(ARGV[1]), 0, {}
for i = queues + 2, #ARGV, 2 do
  local member, index = ARGV[i], tonumber(ARGV[i + 1])
  local payload = redis.call('HGET', KEYS[2], member)
  if redis.call('ZREM', KEYS[1], member) == 1 and payload then
    redis.call('RPUSH', KEYS[3 + index], payload)
    redis.call('HDEL', KEYS[2], member)
    used[index], moved = true, moved + 1
  end
end
for index in pairs(used) do redis.call('SADD', KEYS[3], ARGV[1 + index]) end
return moved
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
 * Returns {moved to queues, moved to the failed list, 1 if the list is now empty and off the schedule, else 0}
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
local queued, failed, indexKey, used = 0, 0, 4 + #names, {}
for i = 1, n do
  local sha, indexed, kind = arg(), arg(), arg()
  local a, b = arg(), kind == 'f' and arg() or nil
  local payload = payloads[i]
  if not payload or redis.sha1hex(payload) ~= sha then break end
  if kind == 'q' then
    redis.call('RPUSH', KEYS[4 + a], payload)
    used[tonumber(a)] = true
    queued = queued + 1
  else
    redis.call('RPUSH', KEYS[4], kind == 'f' and a .. payload .. b or a)
    failed = failed + 1
  end
  if indexed == '1' then
    indexKey = indexKey + 1
    redis.call('SREM', KEYS[indexKey], index)
  end
end
for i in pairs(used) do redis.call('SADD', KEYS[3], names[i]) end
if queued + failed > 0 then redis.call('LTRIM', KEYS[1], queued + failed, -1) end
local empty = redis.call('EXISTS', KEYS[1]) == 0 and 1 or 0
if empty == 1 then redis.call('ZREM', KEYS[2], ts) end
return {queued, failed, empty}
`,
);
