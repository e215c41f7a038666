import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { WAITING_EFFECTS } from './carry-out.ts';

/**
 * Take one delayed job out of its list, and put it somewhere else or nowhere. It is found by its exact bytes, as
 * resque-scheduler finds it; of equal ones the first is taken.
 *
 * KEYS  1 delayed:<ts>  2 delayed_queue_schedule  3 timestamps:<payload>  4 queues
 *       5 the queue or the delayed list that it goes to; the first key again where it goes nowhere  then those of the effects
 * ARGV  time; ts, member of the index (delayed:<ts> without namespace), payload, then
 *       remove | queue name | delay ts(epoch seconds) member; effects (number; kind, what it needs)
 * Returns 1, or 0 if it is not there (any more).
 */
export const moveDelayed = defineScript(
  'move-delayed',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
${WAITING_EFFECTS}
local ts, member, payload, kind = arg(), arg(), arg(), arg()
local target = kind ~= 'remove' and arg()
local index = kind == 'delay' and arg()
if not call('LPOS', KEYS[1], payload) then return 0 end
if kind == 'delay' and target == ts then return 1 end
-- The push comes first: one that fails leaves the job where it is.
if kind == 'queue' then
  call('RPUSH', KEYS[5], payload)
  call('SADD', KEYS[4], target)
elseif kind == 'delay' then
  call('RPUSH', KEYS[5], payload)
  call('SADD', KEYS[3], index)
  call('ZADD', KEYS[2], target, target)
end
call('LREM', KEYS[1], 1, payload)
if not call('LPOS', KEYS[1], payload) then call('SREM', KEYS[3], member) end
if call('EXISTS', KEYS[1]) == 0 then call('ZREM', KEYS[2], ts) end
carryOut(payload)
return 1
`,
);

/**
 * Drop a waiting retry.
 *
 * KEYS  1 retry  2 retry:payloads  then those of the effects
 * ARGV  time; member of the sorted set; effects (number; kind, what it needs)
 * Returns 1, or 0 if it is not there (any more).
 */
export const removeRetry = defineScript(
  'remove-retry',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
${WAITING_EFFECTS}
local member = arg()
call('HDEL', KEYS[2], member)
local removed = call('ZREM', KEYS[1], member)
carryOut(removed == 1)
return removed
`,
);

/**
 * Give a waiting retry another time.
 *
 * KEYS  1 retry  then those of the effects
 * ARGV  time; member of the sorted set; when it is due, epoch ms; effects (number; kind, what it needs)
 * Returns 1, or 0 if it is not there (any more).
 */
export const retimeRetry = defineScript(
  'retime-retry',
  `${NOW}${READ_ARGUMENTS}
local time = now(arg())
${WAITING_EFFECTS}
local member, due = arg(), arg()
if not call('ZSCORE', KEYS[1], member) then return 0 end
call('ZADD', KEYS[1], due, member)
carryOut(true)
return 1
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
