import { READ_ARGUMENTS } from '../ops/call.ts';
import { STATS } from '../ops/stats.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/**
 * A job is to be cancelled wherever it is met. What was ordered before and is out of date goes.
 *
 * KEYS  1 control
 * ARGV  time; the job's id; the reason; how long it holds, ms; most jobs that are to be cancelled at once
 * Returns 1, or 0 where there are that many.
 */
export const orderCancel = defineScript(
  'order-cancel',
  `${NOW}${READ_ARGUMENTS}
local time, id, reason, ms, most = now(arg()), arg(), arg(), int(), int()
local flat, count = call('HGETALL', KEYS[1]), 0
for i = 1, #flat, 2 do
  if string.sub(flat[i], 1, 7) == 'cancel:' then
    local upto = tonumber(string.match(flat[i + 1], '^(%d+) ') or '')
    if not upto or upto <= time then call('HDEL', KEYS[1], flat[i]) elseif flat[i] ~= 'cancel:' .. id then count = count + 1 end
  end
end
if count >= most then return 0 end
call('HSET', KEYS[1], 'cancel:' .. id, string.format('%.0f ', time + ms) .. reason)
return 1
`,
);

/**
 * Count a job that no worker had.
 *
 * KEYS  those that ARGV names by their place
 * ARGV  time; what `addStats` needs
 * Returns 1.
 */
export const countDiscarded = defineScript(
  'count-discarded',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
${STATS}
addStats(time, false)
return 1
`,
);
