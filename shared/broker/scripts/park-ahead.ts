import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { GATES } from './gates.ts';
import { PAYLOAD, RUN_OF } from './lua.ts';

/** What the script answers where the jobs are not where they were read. */
export const MOVED = -1;

/** Payloads are read so many at a time, one by one where the last of the next ones is larger than this. */
const WINDOW = 128;
const SMALL = 16_384;
/** So many jobs more than were seen may be in front of those that are looked for: some were called to the head since. */
const MORE_BEFORE = 100;

/**
 * Park jobs of a queue that were read, and are beyond their limits, without any worker that takes them; and read others, which stay where
 * they are. Those that it parks at a gate which has opened meanwhile are called at once.
 *
 * KEYS  1 leases  2 control  3 queues  4 parked  5 the queue  then those that ARGV names by their place
 * ARGV  time; the queue's name; how many jobs are looked at, and if there are any: place at which the first was seen; its length and
 *       SHA-1; SHA-1 of all, one behind the other; which gate has to let them through, as <gate, 0 for those that stay>x<how many> …;
 *       number of gates, each: its name, places of its keys limit:<gate> and parked:<gate>, its rule, the class that is paused, or ''
 *       place of the first that is to be read, from 0; most jobs, 0 for none; most bytes (one comes even if it is larger)
 * Returns {MOVED} where they are not there any more, one behind the other: nothing was done; or {how many were parked, place at
 *         which the first of them was, keys of another type {{key, error}…}, a run of those that were read, as `runOf` makes it}.
 */
export const parkAhead = defineScript(
  'park-ahead',
  `${NOW}${READ_ARGUMENTS}
local QUEUES = 3
local leases, worker, control = KEYS[1], '', {}
local time, queue, name = now(arg()), KEYS[5], arg()
${PAYLOAD}${RUN_OF}${GATES}
local function read(from, most, bytes)
  local payloads, size, inLines = {}, 0, true
  while #payloads < most and (size < bytes or #payloads == 0) do
    local next, wide = from + #payloads, math.min(${WINDOW}, most - #payloads)
    if wide > 1 and #(call('LINDEX', queue, next + wide - 1) or '') > ${SMALL} then wide = 1 end
    local items = call('LRANGE', queue, next, next + wide - 1)
    for _, payload in ipairs(items) do
      payloads[#payloads + 1], size = payload, size + #payload
      inLines = inLines and not string.find(payload, '\\n', 1, true)
    end
    if #items < wide then break end
  end
  return #payloads > 0 and runOf(1, payloads, size, inLines) or {}
end
local function placeOf(seen, length, sha)
  local function isThere(at)
    local item = call('LINDEX', queue, at)
    return item and #item == length and redis.sha1hex(item) == sha
  end
  if isThere(seen) then return seen end
  for at = 0, seen + ${MORE_BEFORE} do
    if isThere(at) then return at end
  end
end
-- A place is kept for it: it is on its way to a worker.
local stayed = {}
local function isCalled(gate, payload)
  local sha = ticketOf(gate, payload)
  if not sha then return false end
  local id = gate.name .. sha
  stayed[id] = (stayed[id] or 0) + 1
  return stayed[id] <= gate.tickets[sha]
end
-- How many were parked, and where the first of them was.
local function parkThese(count)
  local place, all, runs, asked = placeOf(int(), int(), arg()), arg(), arg(), {}
  for i = 1, int() do asked[i] = {arg(), key(), key(), arg(), arg()} end
  local items = place and call('LRANGE', queue, place, place + count - 1) or {}
  if #items < count or redis.sha1hex(concat(items)) ~= all then return end
  local orders, i = try('HGETALL', KEYS[2]) or {}, 0
  for o = 1, #orders, 2 do control[orders[o]] = orders[o + 1] end
  for which, many in string.gmatch(runs, '(%d+)x(%d+)') do
    local gate = asked[tonumber(which)]
    gate = gate and gateOf(unpack(gate))
    for _ = 1, tonumber(many) do
      i = i + 1
      if gate and not isCalled(gate, items[i]) then park(gate, name, items[i], i) else parkErrors[i] = true end
    end
  end
  pushParked()
  local stay = place > 0 and call('LRANGE', queue, 0, place - 1) or {}
  for i = 1, count do
    if parkErrors[i] then stay[#stay + 1] = items[i] end
  end
  call('LTRIM', queue, place + count, -1)
  for upto = #stay, 1, -1000 do
    local some = {}
    for i = upto, math.max(1, upto - 999), -1 do some[#some + 1] = stay[i] end
    call('LPUSH', queue, unpack(some))
  end
  queueKeys[name] = queue
  closeGates(KEYS[4])
  return place + count - #stay, place
end
-- Changes nothing; it opens the script with a write that a full Redis allows.
call('LTRIM', queue, 0, -1)
local count, parked, place = int(), 0, 0
if count > 0 then
  parked, place = parkThese(count)
  if not parked then return {${MOVED}} end
end
return {parked, place, wrongKeys(), read(int(), int(), int())}
`,
);
