import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/**
 * Starts of consumers of which no worker has come yet. Those that were given up are forgotten.
 *
 * KEYS  1 scheduler:starts:<system>
 * ARGV  time
 * Returns {members…, keys of another type {{key, error}…}}
 */
export const pendingStarts = defineScript(
  'pending-starts',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
try('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', time))
return {try('ZRANGE', KEYS[1], 0, -1) or {}, wrongKeys()}
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
