import { LOCK_MS } from '../../wire/control.ts';

/** A gate whose parked jobs could not be pushed is looked at again after so many ms. */
const AGAIN_MS = 60_000;

/**
 * Lua, behind READ_ARGUMENTS, where `time` is known: the locks of unique jobs; see lock-value.ts for their values.
 *
 * `holderText(id, place, queue, payload)`; `isHolder(value, id)`; `partsOf(value)` → id, place, queue, payload, or nothing;
 * `setLock(lock, value, ms)`; `firstParked(list)` → element, queue, payload. `askedOf(payload)` → id, how long its lock is held
 * (ms), when it is due (epoch ms; nil for at once), of a payload that our client wrote: its control is its last member.
 *
 * `passOn(lock, parked, gates, gate, queues, name, queue)` gives a lock back: to the first job that is parked for it, which goes to the
 * tail of its queue where that is the one given (its name and key); where it is another, the scheduler is told to look; or to nobody.
 */
export const LOCKS = `
local function holderText(id, place, queue, payload)
  return #id .. ':' .. id .. place .. ' ' .. #queue .. ':' .. queue .. payload
end
local function isHolder(value, id)
  local start = #id .. ':' .. id
  return string.sub(value, 1, #start) == start
end
local function pieceOf(text, from)
  local length, start = string.match(text, '^(%d+):()', from)
  if not length then return end
  return string.sub(text, start, start + length - 1), start + length
end
local function partsOf(value)
  local id, from = pieceOf(value, 1)
  if not id then return end
  local place, to = string.match(value, '^(%S*) ()', from)
  if not place then return end
  local queue, rest = pieceOf(value, to)
  if not queue then return end
  return id, place, queue, string.sub(value, rest)
end
local function setLock(lock, value, ms)
  return try('SET', lock, value, 'PX', string.format('%.0f', math.max(1, ms)))
end
local function firstParked(list)
  local element = try('LINDEX', list, 0)
  if not element then return end
  local queue, rest = pieceOf(element, 1)
  if not queue then return element end
  return element, queue, string.sub(element, rest)
end
local function askedOf(payload)
  local head, control = string.match(payload, '^(.*)"control":({[^{}]*})}$')
  if not head then return end
  local last = string.sub(head, -400)
  local id = string.match(last, '"id":"([^"\\\\]*)",$') or string.match(last, '"id":"([^"\\\\]*)","queue_time":[%d.eE+-]+,$')
  return id, tonumber(string.match(control, '"hold":(%d+)') or '') or ${LOCK_MS}, tonumber(string.match(control, '"due":(%d+)') or '')
end
local function noteGate(gates, gate, when)
  try('ZADD', gates, string.format('%.0f', when), gate)
end
-- What was parked first has the lock now, and is put where it runs.
local function letIn(lock, parked, gates, gate, queues, name, queue, payload)
  local id, ms = askedOf(payload)
  local _, err = try('RPUSH', queue, payload)
  if err then return err end
  try('SADD', queues, name)
  try('LPOP', parked)
  if id then setLock(lock, holderText(id, 'q', name, payload), ms) else try('DEL', lock) end
  if try('EXISTS', parked) == 1 then noteGate(gates, gate, time + (id and ms or 0)) else try('ZREM', gates, gate) end
end
local function passOn(lock, parked, gates, gate, queues, name, queue)
  local element, its, payload = firstParked(parked)
  if not element then
    try('DEL', lock)
    return
  end
  local id, ms, due = askedOf(payload or '')
  if id and due and due > time then
    -- It comes next, but its time has not come.
    setLock(lock, holderText(id, 'p', its, payload), due - time + ms)
    noteGate(gates, gate, due)
  elseif its ~= name then
    try('DEL', lock)
    noteGate(gates, gate, time)
  elseif letIn(lock, parked, gates, gate, queues, name, queue, payload) then
    try('DEL', lock)
    noteGate(gates, gate, time + ${AGAIN_MS})
  end
end
`;
