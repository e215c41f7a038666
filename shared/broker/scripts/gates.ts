/** A place that is kept for a job that was called is free again after so many ms: nobody drains its queue. */
export const CALLED_MS = 60_000;
/** So much longer than its rate needs it, a gate is kept where nobody is in it, nor waits. */
const IDLE_MS = 60_000;
/** What waits for places of dead workers is looked at again after so many ms. */
const LOOK_AGAIN_MS = 300_000;
/** Jobs that are called at a time. */
const MOST_CALLED = 500;
/** Parked jobs that are passed over, since they cannot go on; or since nobody takes their queues' jobs now. */
const MOST_PASSED = 100;
const MOST_RESTING = 1_000;
/** A rate is counted in so many parts of its time. */
const PARTS = 100;

/**
 * Lua, behind READ_ARGUMENTS and PAYLOAD: gates, see gate.ts. It needs `time`, `leases` and `control` (a table of that hash), and
 * `worker` where somebody passes.
 *
 * `gateOf(name, limit key, parked key, rule, paused class)` reads a gate once in a script; `isOpen(gate, payload)`, `enter`,
 * `leave` change what was read, `park(gate, element)` notes a job that has to wait, and `closeGates(parked set)` calls those
 * that may go on now to the heads of their queues, as far as `queueKeys[name]` is known, and writes everything down. Those that could not
 * be parked are in `parkErrors`, by the last argument of `park`, once `pushParked` or `closeGates` was called.
 */
export const GATES = `
local gates, gateList, alive, queueKeys, parkErrors = {}, {}, {}, {}, {}
local function lives(holder)
  if holder == worker then return true end
  if alive[holder] == nil then
    local score = redis.pcall('ZSCORE', leases, holder)
    alive[holder] = type(score) == 'string'
  end
  return alive[holder]
end
local function gateOf(name, limitKey, parkedKey, rule, class)
  local gate = gates[limitKey]
  if gate then return gate end
  gate = {name = name, key = limitKey, parked = parkedKey, rule = rule, class = class, places = math.huge, tokens = math.huge,
    tickets = {}, parking = {}, own = 0, used = 0, delta = 0, gone = {}, frees = math.huge, kept = math.huge, waiting = 0}
  gates[limitKey] = gate
  gateList[#gateList + 1] = gate
  gate.waiting = parkedKey and try('LLEN', parkedKey) or 0
  gate.waited = gate.waiting > 0
  if class ~= '' then return gate end
  local flat = try('HGETALL', limitKey)
  -- Somebody else's key: nobody passes, what waits is looked at again, and nothing is written there.
  if not flat then
    gate.places, gate.isOthers = 0, true
    return gate
  end
  local fields = {}
  for i = 1, #flat, 2 do fields[flat[i]] = flat[i + 1] end
  -- Where nobody knows what is allowed any more, one at a time is.
  gate.rule, gate.hasRule = rule ~= '' and rule or fields.rule or '1 - - -', fields.rule ~= nil
  local running, count, per, life = string.match(gate.rule, '^(%S+) (%S+) (%S+) (%S+)$')
  running, count, per = tonumber(running or ''), tonumber(count or ''), tonumber(per or '')
  gate.places, gate.tokens = running or math.huge, count or math.huge
  gate.life = tonumber(life or '')
  gate.part, gate.per = per and math.max(1, math.floor(per / ${PARTS})), per
  for field, value in pairs(fields) do
    local mark, rest = string.sub(field, 1, 1), string.sub(field, 2)
    local n = tonumber(value)
    if mark == '=' then
      if rest == worker then gate.own = n or 0 end
      if n and lives(rest) then
        gate.places = gate.places - n
        if rest ~= worker then gate.others = true end
      else
        gate.gone[#gate.gone + 1] = field
      end
    elseif mark == '+' then
      local expires, tickets = string.match(value, '^(%d+) (%d+)$')
      if expires and tonumber(expires) > time then
        gate.called, gate.tickets[rest] = true, tonumber(tickets)
        gate.kept = math.min(gate.kept, tonumber(expires))
        gate.places, gate.tokens = gate.places - tonumber(tickets), gate.tokens - tonumber(tickets)
      else
        if expires then
          gate.late = gate.late or {}
          gate.late[rest] = tonumber(tickets)
        end
        gate.gone[#gate.gone + 1] = field
      end
    elseif field == 'unasked' and rule == '' then
      gate.unasked = true
    elseif field ~= 'rule' then
      local upto = tonumber(string.match(field, '^r(%d+)$') or '')
      if upto and per and upto + per > time then
        gate.tokens, gate.frees = gate.tokens - (n or 0), math.min(gate.frees, upto + per)
      else
        gate.gone[#gate.gone + 1] = field
      end
    end
  end
  return gate
end
local function ticketOf(gate, payload)
  if not gate.called then return nil end
  -- It may have been in a death since it was called, which is written into it.
  local sha = redis.sha1hex(original(payload))
  return (gate.tickets[sha] or 0) > 0 and sha or nil
end
local function isOpen(gate, payload)
  if gate.class ~= '' then return control['class:' .. gate.class] ~= 'paused' end
  if ticketOf(gate, payload) then return true end
  return gate.waiting == 0 and gate.places > 0 and gate.tokens > 0
end
local function useTicket(gate, sha)
  local left = gate.tickets[sha] - 1
  gate.tickets[sha] = left
  call('HSET', gate.key, '+' .. sha, math.floor(time + ${CALLED_MS}) .. ' ' .. left)
  if left == 0 then call('HDEL', gate.key, '+' .. sha) end
end
local function enter(gate, payload)
  if gate.class ~= '' then return end
  local sha = ticketOf(gate, payload)
  gate.delta = gate.delta + 1
  gate.used = gate.used + 1
  if sha then
    useTicket(gate, sha)
  else
    gate.places, gate.tokens = gate.places - 1, gate.tokens - 1
  end
end
local function leave(gate)
  gate.delta, gate.places = gate.delta - 1, gate.places + 1
end
local function giveTicket(gate, payload)
  local sha = ticketOf(gate, payload)
  if not sha then return end
  useTicket(gate, sha)
  gate.places, gate.tokens = gate.places + 1, gate.tokens + 1
end
local function park(gate, name, payload, place)
  gate.waiting = gate.waiting + 1
  gate.parking[#gate.parking + 1] = {#name .. ':' .. name .. payload, place}
end
-- A job that is parked; or nil, and true where it is passed over: it cannot be read, or its queue is no list.
local function readParked(gate, index)
  local element = call('LINDEX', gate.parked, index)
  local length, rest = string.match(element or '', '^(%d+):(.*)$')
  if not length then
    wrong[gate.parked] = 'one of its elements is no parked job'
    return nil, true
  end
  local name = string.sub(rest, 1, tonumber(length))
  local queue = queueKeys[name]
  if not queue then return nil, false end
  if not try('LLEN', queue) then return nil, true end
  return {queue, string.sub(rest, tonumber(length) + 1), name, element}
end
local function toHead(job)
  call('LPUSH', job[1], job[2])
  try('SADD', KEYS[QUEUES], job[3])
end
local function keepPlace(gate, payload)
  local sha = redis.sha1hex(original(payload))
  gate.kept = math.min(gate.kept, time + ${CALLED_MS})
  gate.tickets[sha] = (gate.tickets[sha] or 0) + 1
  call('HSET', gate.key, '+' .. sha, math.floor(time + ${CALLED_MS}) .. ' ' .. gate.tickets[sha])
  gate.places, gate.tokens = gate.places - 1, gate.tokens - 1
end
-- Jobs that may go on go to the heads of their queues. At a limit the first ones do, and their places are kept for them. When
-- a class is resumed all do, in portions: the last ones first, so that they are in order in the end; and at a limit that is nobody's now.
local function callNext(gate)
  local isLimit, resting = gate.class == '' and not gate.isNobodys, gate.resting or {}
  if gate.class ~= '' and control['class:' .. gate.class] == 'paused' then return end
  local jobs, passed, rest = {}, 0, 0
  while #jobs + passed + rest < gate.waiting and #jobs < ${MOST_CALLED} and passed < ${MOST_PASSED} and rest < ${MOST_RESTING}
    and gate.places > 0 and gate.tokens > 0 do
    local at = #jobs + passed + rest
    local job, bad = readParked(gate, isLimit and at or -1 - at)
    if job and isLimit and resting[job[3]] then
      rest = rest + 1
    elseif job then
      jobs[#jobs + 1] = job
      if isLimit then keepPlace(gate, job[2]) end
    elseif bad then
      passed = passed + 1
    else
      break
    end
  end
  for i = 1, #jobs do toHead(jobs[isLimit and #jobs + 1 - i or i]) end
  if passed + rest > 0 then
    for _, job in ipairs(jobs) do call('LREM', gate.parked, isLimit and 1 or -1, job[4]) end
  elseif #jobs > 0 then
    call('LTRIM', gate.parked, isLimit and #jobs or 0, isLimit and -1 or -#jobs - 1)
  end
  gate.waiting = gate.waiting - #jobs
  gate.full = #jobs == ${MOST_CALLED}
  -- What cannot go on is looked at now and then.
  gate.stuck = passed + rest > 0 and gate.waiting <= passed + rest
end
-- When somebody has to look at what waits, should nothing else do it: when the rate allows it, or where it can go on now.
local function lookAt(gate)
  if gate.isOthers then return time + ${CALLED_MS} end
  if gate.class ~= '' or gate.stuck then return time + (gate.resting and ${CALLED_MS} or ${LOOK_AGAIN_MS}) end
  -- A job that was called may never come: it was removed, or its worker died with it.
  if gate.places <= 0 then return math.min(gate.kept, time + ${LOOK_AGAIN_MS}) end
  if gate.tokens <= 0 then
    return math.max(time + 1, math.min(gate.frees, gate.kept, time + (gate.used > 0 and gate.per or ${CALLED_MS})))
  end
  return time
end
-- What is out of date, the places that this worker takes now, and what the rate has let through.
local function writeUse(gate, holds)
  if #gate.gone > 0 then call('HDEL', gate.key, unpack(gate.gone)) end
  if holds > 0 and holds ~= gate.own then
    call('HSET', gate.key, '=' .. worker, holds)
  elseif holds <= 0 and gate.own > 0 then
    call('HDEL', gate.key, '=' .. worker)
  end
  if gate.used > 0 and gate.per then
    call('HINCRBY', gate.key, 'r' .. math.ceil(time / gate.part) * gate.part, gate.used)
  end
end
local function pushParked()
  for _, gate in ipairs(gateList) do
    for from = 1, #gate.parking, 1000 do
      local elements = {}
      for i = from, math.min(from + 999, #gate.parking) do elements[#elements + 1] = gate.parking[i][1] end
      local _, err = try('RPUSH', gate.parked, unpack(elements))
      if err then
        for i = from, #gate.parking do parkErrors[gate.parking[i][2]] = true end
        gate.waiting = gate.waiting - (#gate.parking - from + 1)
        break
      end
    end
    gate.parking = {}
  end
end
local function closeGates(parkedSet)
  pushParked()
  for _, gate in ipairs(gateList) do
    if gate.waiting > 0 then callNext(gate) end
    -- That it is nobody's has to be known for the next portion.
    if gate.isNobodys and gate.waiting > 0 then gate.gone = {} end
    if gate.class == '' and not gate.isOthers then
      writeUse(gate, gate.own + gate.delta)
      if gate.waiting > 0 then call('HSET', gate.key, 'rule', gate.rule)
      elseif gate.hasRule then call('HDEL', gate.key, 'rule', 'unasked') end
      local isFree = gate.waiting == 0 and not gate.others and not gate.called and gate.own + gate.delta <= 0
      if isFree then
        -- What the rate has let through counts no longer than that. There may be a gate for each of a million customers.
        call('PEXPIRE', gate.key, (gate.per or 0) + (gate.part or 0) + ${IDLE_MS})
      elseif gate.waiting > 0 or not gate.life then
        call('PERSIST', gate.key)
      else
        call('PEXPIRE', gate.key, math.max(gate.life, gate.per or 0, call('PTTL', gate.key)))
      end
    end
    if gate.parked and gate.waiting > 0 then
      try('ZADD', parkedSet, lookAt(gate), gate.name)
    elseif gate.parked and gate.waited then
      try('ZREM', parkedSet, gate.name)
    end
  end
end
`;
