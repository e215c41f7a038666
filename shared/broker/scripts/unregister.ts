import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';

/** Lua: gives up the serial queues that a worker holds. KEYS[9] is their hash. */
export const LET_GO = `
local function letGo(worker)
  local held = try('HGETALL', KEYS[9]) or {}
  for i = 1, #held, 2 do
    if held[i + 1] == worker then call('HSET', KEYS[9], held[i], '') end
  end
end
`;

/**
 * A worker's end. While it still holds jobs its lease stays, so that they are reclaimed when it has run out.
 *
 * KEYS  1 inflight:<worker>  2 leases  3 workers  4 workers:heartbeat  5 worker:<worker>  6 worker:<worker>:started
 *       7 stat:processed:<worker>  8 stat:failed:<worker>  9 serial
 * ARGV  worker id
 * Returns {how many jobs it still holds, 1 if anything was known of it, else 0}.
 */
export const unregister = defineScript(
  'unregister',
  `${READ_ARGUMENTS}${LET_GO}
local worker = arg()
local known = (try('SREM', KEYS[3], worker) or 0) + (try('HDEL', KEYS[4], worker) or 0)
  + call('DEL', KEYS[5], KEYS[6], KEYS[7], KEYS[8])
local held = 0
for _, field in ipairs(try('HKEYS', KEYS[1]) or {}) do
  if string.find(field, '^!?%d+:') then held = held + 1 end
end
if held > 0 then return {held, 1} end
known = known + call('DEL', KEYS[1]) + (try('ZREM', KEYS[2], worker) or 0)
letGo(worker)
return {0, known > 0 and 1 or 0}
`,
);
