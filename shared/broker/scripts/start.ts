import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';

/**
 * Write down that at-most-once jobs may have started, before their handlers run: none of them is run again.
 *
 * KEYS  1 inflight:<worker>
 * ARGV  fields of the jobs
 * Returns 1 for each job that the worker holds, else 0, in their order.
 */
export const startScript = defineScript(
  'start',
  `${READ_ARGUMENTS}
call('HDEL', KEYS[1], '') -- removes nothing; opens the script with a write that a full Redis allows
local answer = {}
for i = 1, #ARGV do
  local field = arg()
  local payload = call('HGET', KEYS[1], field)
  if payload then
    call('HSET', KEYS[1], '!' .. field, payload)
    call('HDEL', KEYS[1], field)
  end
  -- A call whose answer was lost is sent again.
  answer[i] = (payload or call('HEXISTS', KEYS[1], '!' .. field) == 1) and 1 or 0
end
return answer
`,
);
