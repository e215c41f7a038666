import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/**
 * Starts of consumers of which no worker has come yet, and how long jobs take. Starts that were given up are forgotten.
 *
 * KEYS  1 scheduler:starts:<system>  2 paces
 * ARGV  time
 * Returns {members…, keys of another type {{key, error}…}, {queue, µs…}}
 */
export const pendingStarts = defineScript(
  'pending-starts',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
try('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', time))
local members, paces = try('ZRANGE', KEYS[1], 0, -1) or {}, try('HGETALL', KEYS[2]) or {}
return {members, wrongKeys(), paces}
`,
);

/**
 * Remember starts, before they are made.
 *
 * KEYS  1 scheduler:starts:<system>
 * ARGV  time; number of starts, each: member, after how many ms it is given up
 * Returns 1.
 */
export const addStarts = defineScript(
  'add-starts',
  `${NOW}${READ_ARGUMENTS}
local time, longest = now(arg()), 0
for _ = 1, int() do
  local member, ms = arg(), int()
  try('ZADD', KEYS[1], string.format('%.0f', time + ms), member)
  longest = math.max(longest, ms)
end
try('PEXPIRE', KEYS[1], longest)
return 1
`,
);
