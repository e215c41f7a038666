import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/** Lua: whether a hash `limit:<gate>` is of use to nobody, and does not go by itself. */
const IS_STALE = `
local function isStale(limit, parked, leases, time)
  local flat = redis.pcall('HGETALL', limit)
  if flat.err or #flat == 0 or redis.call('PTTL', limit) >= 0 or redis.call('EXISTS', parked) == 1 then return false end
  for i = 1, #flat, 2 do
    local mark, rest = string.sub(flat[i], 1, 1), string.sub(flat[i], 2)
    local expires = tonumber(string.match(flat[i + 1], '^(%d+) ') or '')
    if mark == '=' and type(redis.pcall('ZSCORE', leases, rest)) == 'string' then return false end
    if mark == '+' and expires and expires > time then return false end
    -- What was let through in a time is not known to be of use: a rate is 31 days long at the most.
    local upto = tonumber(string.match(flat[i], '^r(%d+)$') or '')
    if upto and upto + 2678400000 > time then return false end
  end
  return true
end
`;

/**
 * KEYS  1 leases, then limit:<gate> and parked:<gate> of each
 * ARGV  time
 * Returns for each 1 if it is stale, else 0.
 */
export const staleLimits = defineScript(
  'stale-limits',
  `${NOW}${IS_STALE}
local time, answer = now(ARGV[1]), {}
for i = 2, #KEYS, 2 do answer[#answer + 1] = isStale(KEYS[i], KEYS[i + 1], KEYS[1], time) and 1 or 0 end
return answer
`,
);

/**
 * KEYS  1 leases, then limit:<gate> and parked:<gate> of each
 * ARGV  time
 * Returns how many were removed.
 */
export const mendLimits = defineScript(
  'mend-limits',
  `${NOW}${IS_STALE}
local time, mended = now(ARGV[1]), 0
for i = 2, #KEYS, 2 do
  if isStale(KEYS[i], KEYS[i + 1], KEYS[1], time) then mended = mended + redis.call('DEL', KEYS[i]) end
end
return mended
`,
);

/**
 * Gates with parked jobs at which nobody looks.
 *
 * KEYS  1 parked, then parked:<gate>…
 * ARGV  time; names of the gates
 * Returns how many were mended.
 */
export const mendParked = defineScript(
  'mend-parked',
  `${NOW}${READ_ARGUMENTS}
local time, mended = now(arg()), 0
for i = 2, #KEYS do
  local gate, length = arg(), redis.pcall('LLEN', KEYS[i])
  if type(length) == 'number' and length > 0 then mended = mended + call('ZADD', KEYS[1], 'NX', string.format('%.0f', time), gate) end
end
return mended
`,
);

/**
 * Fields that no worker understands.
 *
 * KEYS  1 control
 * ARGV  field, value as it was found, …
 * Returns how many were removed.
 */
export const mendControl = defineScript(
  'mend-control',
  `
local mended = 0
for i = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then mended = mended + redis.call('HDEL', KEYS[1], ARGV[i]) end
end
return mended
`,
);
