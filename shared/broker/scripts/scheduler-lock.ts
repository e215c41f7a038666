import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { CRON_STATE } from './cron.ts';
import { DUE_TIMES } from './due-times.ts';

/** Nobody holds the lock for longer, ms: an invocation lasts 15 minutes at most. */
const LONGEST_HOLD = 1_200_000;

/**
 * Lua, behind READ_ARGUMENTS: `acquire(lock, holder, ms)` → whether the holder has it now. What is there without an end, or
 * with one that no scheduler sets, is no scheduler's lock: it would keep all of them from their work for good. A key of
 * another type cannot be a lock either; then everybody works, which is safe, but for two that may start the same workers.
 */
export const ACQUIRE = `
local function acquire(lock, holder, ms)
  local found, err = try('GET', lock)
  if err then return true end
  if found and found ~= holder then
    local left = call('PTTL', lock)
    if left >= 0 and left <= ${LONGEST_HOLD} then return false end
    wrong[lock] = 'it does not expire as a lock does; it was taken over'
  end
  call('SET', lock, holder, 'PX', ms)
  return true
end
`;

/**
 * Take the scheduler's lock, or extend it; and answer what a tick looks at first.
 *
 * KEYS  1 scheduler:lease:<system>  2-7 those of `dueTimes`  8-14 those of `readCron`
 * ARGV  time; who asks; how long it holds, ms; '', '', '', ''; what `cronState` needs
 * Returns {0} while another holds it, else {1, answer of `dueTimes`, answer of `readCron`}.
 */
export const acquireLock = defineScript(
  'acquire-lock',
  `${NOW}${READ_ARGUMENTS}${ACQUIRE}${DUE_TIMES}${CRON_STATE}
local time = now(arg())
if not acquire(KEYS[1], arg(), arg()) then return {0} end
local due = dueTimes(2, time)
return {1, due, cronState(8, time)}
`,
);

/**
 * Give the scheduler's lock up.
 *
 * KEYS  1 scheduler:lease:<system>
 * ARGV  who had it
 * Returns 1, or 0 if another has it by now.
 */
export const releaseLock = defineScript(
  'release-lock',
  `
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
);
