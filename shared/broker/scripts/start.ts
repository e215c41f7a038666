import { READ_ARGUMENTS } from '../ops/call.ts';
import { CLEAR_KEY } from '../ops/clear-key.ts';
import { CARRY_OUT } from '../ops/operation.ts';
import { defineScript } from '../redis/client.ts';

/**
 * Before handlers run: write down that at-most-once jobs may have started, so that none of them is run again, and carry out
 * the effects that must not come later. Where it is sent again, since its answer was lost, it changes nothing more.
 *
 * KEYS  1 inflight:<worker>  then those that ARGV names by their place
 * ARGV  number of jobs, each: its field; 1 for an at-most-once job, else 0; its effects (number; kind, what it needs)
 * Returns 1 for each job that the worker holds, else 0, in their order.
 */
export const startScript = defineScript(
  'start',
  `${READ_ARGUMENTS}
local effects = {}${CLEAR_KEY}${CARRY_OUT}
call('HDEL', KEYS[1], '') -- removes nothing; opens the script with a write that a full Redis allows
local answer = {}
for i = 1, int() do
  local field, marks = arg(), arg() == '1'
  local payload = call('HGET', KEYS[1], field)
  if payload and marks then
    call('HSET', KEYS[1], '!' .. field, payload)
    call('HDEL', KEYS[1], field)
  end
  local held = payload or (marks and call('HEXISTS', KEYS[1], '!' .. field) == 1)
  carryOut(held)
  answer[i] = held and 1 or 0
end
return answer
`,
);
