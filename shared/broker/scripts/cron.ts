import { defineScript } from '../redis/client.ts';

/**
 * All that is known of cron entries, as of one moment.
 *
 * KEYS  1 persistent_schedules  2 cron:last  3 cron:since  4 cron:paused
 * Returns {name, JSON … of dynamic entries}, {name, last slot …}, {name + newline + timing, first seen:last seen …},
 *         {name, '' while paused or when the pause ended …}
 */
export const readCron = defineScript(
  'read-cron',
  `
return {redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3]), redis.call('HGETALL', KEYS[4])}
`,
);

/**
 * Note that timings are there. A note that changed since it was read stays: another scheduler was here.
 *
 * KEYS  1 cron:since
 * ARGV  for each: name + newline + timing, its note as it was read or '', its note as it should be
 * Returns nothing.
 */
export const seeTimings = defineScript(
  'see-timings',
  `
for i = 1, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') == ARGV[i + 1] then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2]) end
end
`,
);

/** What `claimSlot` answers. */
export const SLOT_TAKEN = 0;
export const SLOT_ENQUEUED = 1;
export const SLOT_OVERLAPS = 2;

/**
 * Claim a slot of a cron entry and push its job, or neither. Slots are claimed in rising order only, so one that is not
 * later than the last was claimed by another scheduler, whatever its clock says.
 *
 * KEYS  1 cron:last  2 cron:live  3 cron:status  4 queues  5 the job's queue
 * ARGV  entry's name, slot (epoch ms), payload, queue's name, now (epoch ms),
 *       epoch ms until which an unfinished job counts as alive, or '' where jobs may overlap,
 *       status of the entry if its job is pushed, status if it is not because the last one is alive
 * Returns SLOT_TAKEN, SLOT_ENQUEUED or SLOT_OVERLAPS.
 */
export const claimSlot = defineScript(
  'claim-slot',
  `
local name, slot, now, aliveUntil = ARGV[1], ARGV[2], tonumber(ARGV[5]), ARGV[6]
local last = redis.call('HGET', KEYS[1], name)
if last and tonumber(last) >= tonumber(slot) then return ${SLOT_TAKEN} end
if aliveUntil ~= '' then
  local live = redis.call('HGET', KEYS[2], name)
  if live and tonumber(string.match(live, ':(%d+)$')) > now then
    redis.call('HSET', KEYS[1], name, slot)
    redis.call('HSET', KEYS[3], name, ARGV[8])
    return ${SLOT_OVERLAPS}
  end
end
-- The push comes first: should it fail (a key of another type), the slot is not claimed.
redis.call('RPUSH', KEYS[5], ARGV[3])
redis.call('SADD', KEYS[4], ARGV[4])
redis.call('HSET', KEYS[1], name, slot)
if aliveUntil ~= '' then redis.call('HSET', KEYS[2], name, slot .. ':' .. aliveUntil) end
redis.call('HSET', KEYS[3], name, ARGV[7])
return ${SLOT_ENQUEUED}
`,
);

/**
 * Write or remove a dynamic entry, as resque-scheduler does, and tell its schedulers.
 *
 * KEYS  1 persistent_schedules  2 schedules_changed  3 cron:last  4 cron:live  5 cron:status  6 cron:paused  7 cron:since
 * ARGV  name; JSON, or '' to remove it, or '-' to forget what is known of one that was removed
 * Returns 1 if there was such an entry, else 0.
 */
export const changeCron = defineScript(
  'change-cron',
  `
local name, json = ARGV[1], ARGV[2]
local known = redis.call('HEXISTS', KEYS[1], name)
if json == '-' and known == 1 then return known end
if json ~= '-' then redis.call('SADD', KEYS[2], name) end
if json ~= '' and json ~= '-' then
  redis.call('HSET', KEYS[1], name, json)
  return known
end
redis.call('HDEL', KEYS[1], name)
for i = 3, 5 do redis.call('HDEL', KEYS[i], name) end
redis.call('HDEL', KEYS[6], name)
for _, field in ipairs(redis.call('HKEYS', KEYS[7])) do
  if string.sub(field, 1, #name + 1) == name .. '\\n' then redis.call('HDEL', KEYS[7], field) end
end
return known
`,
);
