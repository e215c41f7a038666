import { defineScript } from '../redis/client.ts';

/**
 * Count a try to sign in, unless there were too many: of this address, or of all together. It is counted before anybody looks at the
 * password, so that a thousand tries at once are as many as a thousand one after the other.
 *
 * KEYS  1 dashboard:tries:<address>  2 dashboard:tries
 * ARGV  most tries of the address; most of all; for how long they count, ms
 * Returns ms to wait until one is allowed; 0 if this one is, and was counted.
 */
export const takeTry = defineScript(
  'take-try',
  `
for i = 1, 2 do
  if tonumber(redis.call('GET', KEYS[i]) or 0) >= tonumber(ARGV[i]) then
    local left = redis.call('PTTL', KEYS[i])
    -- One that somebody has written without an end would shut the door for good.
    if left < 0 or left > tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[i], ARGV[3]) left = tonumber(ARGV[3]) end
    return math.max(left, 1)
  end
end
for i = 1, 2 do
  if redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
end
return 0
`,
);

/**
 * The last try of an address was a good one: its tries no longer count, neither for it nor for all.
 *
 * KEYS  1 dashboard:tries:<address>  2 dashboard:tries
 * Returns how many were forgotten.
 */
export const forgetTries = defineScript(
  'forget-tries',
  `
local n = tonumber(redis.call('GET', KEYS[1]) or 0)
redis.call('DEL', KEYS[1])
if tonumber(redis.call('GET', KEYS[2]) or 0) > n then redis.call('DECRBY', KEYS[2], n) else redis.call('DEL', KEYS[2]) end
return n
`,
);
