import { defineScript } from '../redis/client.ts';

/**
 * Take one delayed job out of its list, and put it somewhere else or nowhere. It is found by its exact bytes, as
 * resque-scheduler finds it; of equal ones the first is taken.
 *
 * KEYS  1 delayed:<ts>  2 delayed_queue_schedule  3 timestamps:<payload>  4 queues
 *       5 the queue or the delayed list that it goes to; the first key again where it goes nowhere
 * ARGV  ts, member of the index (delayed:<ts> without namespace), payload, then
 *       remove | queue name | delay ts(epoch seconds) member
 * Returns 1, or 0 if it is not there (any more).
 */
export const moveDelayed = defineScript(
  'move-delayed',
  `
local ts, member, payload, kind = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if not redis.call('LPOS', KEYS[1], payload) then return 0 end
if kind == 'delay' and ARGV[5] == ts then return 1 end
-- The push comes first: one that fails leaves the job where it is.
if kind == 'queue' then
  redis.call('RPUSH', KEYS[5], payload)
  redis.call('SADD', KEYS[4], ARGV[5])
elseif kind == 'delay' then
  redis.call('RPUSH', KEYS[5], payload)
  redis.call('SADD', KEYS[3], ARGV[6])
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[5])
end
redis.call('LREM', KEYS[1], 1, payload)
if not redis.call('LPOS', KEYS[1], payload) then redis.call('SREM', KEYS[3], member) end
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('ZREM', KEYS[2], ts) end
return 1
`,
);

/**
 * Drop a waiting retry. The cron entry that waits for its end waits no more.
 *
 * KEYS  1 retry  2 retry:payloads  3 cron:live
 * ARGV  member of the sorted set; name of that cron entry, or ''; the job's slot (epoch ms)
 * Returns 1, or 0 if it is not there (any more).
 */
export const removeRetry = defineScript(
  'remove-retry',
  `
redis.call('HDEL', KEYS[2], ARGV[1])
local removed = redis.call('ZREM', KEYS[1], ARGV[1])
if removed == 1 and ARGV[2] ~= '' then
  local live = redis.call('HGET', KEYS[3], ARGV[2])
  if live and string.sub(live, 1, #ARGV[3] + 1) == ARGV[3] .. ':' then redis.call('HDEL', KEYS[3], ARGV[2]) end
end
return removed
`,
);

/**
 * The lengths of lists; 0 of a key of another type.
 *
 * KEYS  lists
 * Returns a length for each.
 */
export const listLengths = defineScript(
  'list-lengths',
  `
local lengths = {}
for i, name in ipairs(KEYS) do
  local length = redis.pcall('LLEN', name)
  lengths[i] = type(length) == 'number' and length or 0
end
return lengths
`,
);

/**
 * Take lists of delayed jobs out of the indexes of payloads that are no longer in them.
 *
 * KEYS  timestamps:<payload> for each
 * ARGV  for each the member: delayed:<ts> without namespace
 * Returns nothing.
 */
export const dropIndexes = defineScript(
  'drop-indexes',
  `for i, name in ipairs(KEYS) do redis.pcall('SREM', name, ARGV[i]) end`,
);
