import { defineScript } from '../redis/client.ts';

/**
 * Take the right to tick, or extend it; and answer what a tick looks at first. A key of another type must not keep it from
 * all else that it does: then it is to look by itself.
 *
 * KEYS  1 scheduler:lease  2-5 those of `agenda`  6-9 those of `readCron`
 * ARGV  who asks; how long it holds, ms
 * Returns {0} while another's holds, {1, answer of `agenda`, answer of `readCron`} if it holds now, {1} if one of the keys
 *         is of another type.
 */
export const holdScheduler = defineScript(
  'hold-scheduler',
  `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return {0} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
local agenda, cron = {redis.call('EXISTS', KEYS[2])}, {}
for i = 3, 5 do
  local first = redis.pcall('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')
  if first.err then return {1} end
  agenda[i - 1] = first[2] or ''
end
for i = 6, 9 do
  local fields = redis.pcall('HGETALL', KEYS[i])
  if fields.err then return {1} end
  cron[i - 5] = fields
end
return {1, agenda, cron}
`,
);

/**
 * Give the right to tick up.
 *
 * KEYS  1 scheduler:lease
 * ARGV  who had it
 * Returns 1, or 0 if another has it by now.
 */
export const releaseScheduler = defineScript(
  'release-scheduler',
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
);
