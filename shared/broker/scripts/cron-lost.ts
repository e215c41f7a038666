import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';

/** What is looked through at the most: beyond it nobody knows. */
const MOST_PAYLOADS = 50_000;
const MOST_BYTES = 16_777_216;
/** Read at a time. */
const AT_ONCE = 500;

/** What `freeLost` answers. */
const STILL_THERE = 0;
export const FREED = 1;
const UNKNOWN = 2;

/**
 * Give back a lock whose job is neither in its queue, nor with a worker, nor waiting for a retry: it was lost, or run by a worker
 * that knows nothing of locks. All in one step, so that it cannot be on its way from one place to another.
 *
 * KEYS  1 the lock  2 the job's queue  3 retry:payloads  4 leases  5 workers
 *       then inflight:<worker> of all that have a lease, and worker:<worker> of all workers
 * ARGV  the lock's value as it was read, as SHA-1; text that stands in the job's payload; number of workers with a lease, they; number
 *       of workers, they
 * Returns FREED, STILL_THERE, or UNKNOWN: there is too much to look through, other workers have come, or a key is of another type.
 */
export const freeLost = defineScript(
  'free-lost',
  `${READ_ARGUMENTS}
local mark, needle = arg(), arg()
local value = try('GET', KEYS[1])
if not value or redis.sha1hex(value) ~= mark then return ${STILL_THERE} end
local function areKnown(found)
  local known = {}
  for _ = 1, int() do known[arg()] = true end
  for _, name in ipairs(found or {}) do
    if not known[name] then return false end
  end
  return found ~= nil
end
local held, workers = try('ZRANGE', KEYS[4], 0, -1), try('SMEMBERS', KEYS[5])
local knowsHeld = areKnown(held)
if not areKnown(workers) or not knowsHeld then return ${UNKNOWN} end
local payloads, bytes = ${MOST_PAYLOADS}, ${MOST_BYTES}
-- Is it among these? Where that is not known, the limits are used up.
local function has(found)
  for _, payload in ipairs(found) do
    payloads, bytes = payloads - 1, bytes - #payload
    if string.find(payload, needle, 1, true) then return true end
  end
  return false
end
local function hashHas(name)
  payloads = payloads - (try('HLEN', name) or 0)
  if payloads < 0 then return false end
  return has(try('HVALS', name) or {})
end
local function listHas(name)
  local length = try('LLEN', name) or 0
  for from = 0, length - 1, ${AT_ONCE} do
    if payloads <= 0 or bytes <= 0 then return false end
    if has(call('LRANGE', name, from, from + ${AT_ONCE - 1})) then return true end
  end
  return false
end
if listHas(KEYS[2]) or hashHas(KEYS[3]) then return ${STILL_THERE} end
for i = 6, #KEYS do
  if payloads <= 0 or bytes <= 0 then return ${UNKNOWN} end
  local kind = redis.call('TYPE', KEYS[i])
  kind = kind.ok or kind
  if kind == 'hash' and hashHas(KEYS[i]) then return ${STILL_THERE} end
  if kind == 'string' and has({call('GET', KEYS[i])}) then return ${STILL_THERE} end
end
if payloads <= 0 or bytes <= 0 or next(wrong) then return ${UNKNOWN} end
call('DEL', KEYS[1])
return ${FREED}
`,
);
