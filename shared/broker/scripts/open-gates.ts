import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { GATES } from './gates.ts';
import { PAYLOAD } from './lua.ts';

/** Parked jobs whose queues are looked at, at each end of what waits for a gate. */
const LOOKED_AT = 500;

/**
 * The gates that are to be looked at.
 *
 * KEYS  1 parked
 * ARGV  time; most gates; 1 for all, 0 for those that are due
 * Returns {names, score of the first that is not due, or '', keys of another type}.
 */
export const parkedGates = defineScript(
  'parked-gates',
  `${NOW}${READ_ARGUMENTS}
local time, most, all = now(arg()), int(), arg() == '1'
local names = try('ZRANGEBYSCORE', KEYS[1], '-inf', all and '+inf' or time, 'LIMIT', 0, most) or {}
local after = try('ZRANGEBYSCORE', KEYS[1], '(' .. time, '+inf', 'WITHSCORES', 'LIMIT', 0, 1) or {}
return {names, after[2] or '', wrongKeys()}
`,
);

/**
 * The queues of the first jobs that are parked for gates.
 *
 * KEYS  parked:<gate> of some gates
 * Returns a list of names for each.
 */
export const parkedQueues = defineScript(
  'parked-queues',
  `${READ_ARGUMENTS}
local found = {}
for i, name in ipairs(KEYS) do
  local seen, names = {}, {}
  -- From the head, and from the tail, as giveBack does.
  local most = math.min(${LOOKED_AT}, try('LLEN', name) or 0)
  for at = -most, most - 1 do
    local element = call('LINDEX', name, at)
    local length, start = string.match(element, '^(%d+):()')
    local queue = length and string.sub(element, start, start + tonumber(length) - 1)
    if queue and not seen[queue] then
      seen[queue] = true
      names[#names + 1] = queue
    end
  end
  found[i] = names
end
return found
`,
);

/**
 * Call the jobs that may go on now to the heads of their queues.
 *
 * KEYS  1 leases  2 control  3 queues  4 parked  then those that ARGV names by their place
 * ARGV  time; number of queues, each: its name, place of its key; number of gates, each: its name, places of its keys
 *       limit:<gate> and parked:<gate>, the class that is paused, or ''
 * Returns {jobs called, 1 if more may go on at once, else 0, keys of another type}.
 */
export const openGates = defineScript(
  'open-gates',
  `${NOW}${READ_ARGUMENTS}
local QUEUES = 3
local leases, worker, control = KEYS[1], '', {}
local time = now(arg())
local orders = try('HGETALL', KEYS[2]) or {}
for i = 1, #orders, 2 do control[orders[i]] = orders[i + 1] end
${PAYLOAD}${GATES}
for _ = 1, int() do
  local name = arg()
  queueKeys[name] = key()
end
for _ = 1, int() do
  local name, limitKey, parkedKey, class = arg(), key(), key(), arg()
  local gate = gateOf(name, limitKey, parkedKey, '', class)
  gate.waited = true
end
-- Jobs that were called and have not come. Those that still stand at the heads of their queues, which nobody drains now or which are paused,
-- wait here again, as the first ones, and those of other queues are called before them. Others were removed, or died with their
-- workers, or stand where nobody looks: the next ones are called. Where those do not come either, and nobody has asked here since, they
-- were taken without asking for leave: their class has no such limit any more, and whatever waits is judged anew.
local function takeBack(gate)
  local missing, resting = 0, nil
  for _, count in pairs(gate.late) do missing = missing + count end
  for name, queue in pairs(queueKeys) do
    local back = {}
    while true do
      local payload = try('LINDEX', queue, 0)
      local sha = payload and redis.sha1hex(original(payload))
      if not sha or (gate.late[sha] or 0) == 0 then break end
      gate.late[sha], missing = gate.late[sha] - 1, missing - 1
      call('LPOP', queue)
      back[#back + 1] = #name .. ':' .. name .. payload
    end
    for i = #back, 1, -1 do call('LPUSH', gate.parked, back[i]) end
    if #back > 0 then
      gate.waiting, resting = gate.waiting + #back, resting or {}
      resting[name] = true
    end
  end
  gate.resting = resting
  if missing > 0 and gate.unasked then
    gate.isNobodys, gate.places, gate.tokens = true, math.huge, math.huge
  elseif missing > 0 then
    call('HSET', gate.key, 'unasked', 1)
  end
end
for _, gate in ipairs(gateList) do
  if gate.late and gate.waiting > 0 then takeBack(gate) end
end
local before, after, more = 0, 0, 0
for _, gate in ipairs(gateList) do before = before + gate.waiting end
closeGates(KEYS[4])
for _, gate in ipairs(gateList) do
  after = after + gate.waiting
  if gate.full then more = 1 end
end
return {before - after, more, wrongKeys()}
`,
);
