import { version } from '../../config.ts';
import { READ_ARGUMENTS } from '../ops/call.ts';
import { CARRY_OUT, OPERATIONS } from '../ops/operation.ts';
import { STATS } from '../ops/stats.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { ADMIT } from './admit.ts';
import { GATES } from './gates.ts';
import { LIMITED } from './limited.ts';
import { DATE_TEXT, FIELD_OF, PAYLOAD } from './lua.ts';
import { PACES } from './paces.ts';
import { RESERVE } from './reserve.ts';
import { WORKER_PLACE } from './worker-place.ts';

/** What the script's first answer says. */
export const LEASE_LOST = -1;
export const WRITES_LOST = -2;
export const NO_PLACE = -3;

/**
 * One round trip of a worker: settle what ended, extend the lease, reserve the next jobs.
 *
 * A sync whose answer was lost is sent again unchanged: its number tells, nothing is done twice, and the jobs that it had
 * reserved are answered again. A copy that arrives after a later one does nothing. Redis takes nothing back when a later
 * command fails, so what hands a job on comes before what lets go of it; and a key that takes nothing stops nobody else:
 * its job stays in flight, and is told.
 *
 * KEYS  1 inflight:<worker>  2 leases  3 pause-all-workers  4 workers  5 worker:<worker>  6 worker:<worker>:started
 *       7 workers:heartbeat  8 stat:processed  9 stat:processed:<worker>  10 stat:failed  11 stat:failed:<worker>
 *       12 failed  13 retry  14 retry:payloads  15 queues  16 serial  17 queues:paused  18 control  19 parked
 *       20 failed_queues  then those that ARGV names by their place
 * ARGV  time; worker id; length of the lease (ms); number of the sync; 1 to register, else 0; 1 for a heartbeat, else 0
 *       what `hasNoPlace` needs
 *       number of queues with jobs done (succeeded or discarded, without effects), each: name, numbers as 1-5,7,9-12
 *       number of queues with jobs released to their heads, each: place of its key, name, numbers likewise
 *       number of other settlements, each: kind, field, what the statistics say of it, what the kind needs, its effects
 *       (number; kind, what it needs)
 *       what `addStats` needs
 *       effects without a job (number; kind, what it needs)
 *       field the worker works on (or '' for none, '-' for unchanged), head, tail of its record
 *       number of serial queues that are let go of, their names
 *       what `PACES`, `admit`, `LIMITED` and `reserve` need
 * Returns {LEASE_LOST, Redis's words where the in-flight key is of another type, or ''}, {WRITES_LOST} where Redis has not
 *         the last sync, {NO_PLACE} where as many workers as may are registered, or {1, now (epoch ms), number of settled
 *         jobs that were not held, places of settlements (from 1), and of queues of released jobs (negative), whose keys did not take them, what `reserve` answers, keys of
 *         another type {{key, error}…}, names of paused queues, the hash `control` (field, value…), what became of the jobs
 *         that asked for leave, as digits, and ms until a queue's rate allows more (-1: jobs of it have to end; -2: no queue
 *         was left alone for its limit), flows that wait for their lists, as JSON}
 */
export const syncScript = defineScript(
  'sync',
  `${NOW}${READ_ARGUMENTS}${PAYLOAD}${FIELD_OF}${DATE_TEXT}
local FAILED, RETRY, RETRY_PAYLOADS, QUEUES, SERIAL, PAUSED_QUEUES, CONTROL, PARKED = 12, 13, 14, 15, 16, 17, 18, 19
local inflight, leases = KEYS[1], KEYS[2]
local time = now(arg())
local worker, lease, number, registers, beats = arg(), int(), int(), arg() == '1', arg() == '1'
${WORKER_PLACE}
local last = redis.pcall('HGET', inflight, 'call')
if type(last) == 'table' then return {${LEASE_LOST}, last.err} end
last = tonumber(last or '')
if not last and not registers then return {${LEASE_LOST}, ''} end
if last and number < last then return {${LEASE_LOST}, ''} end
if last and number > last + 1 then return {${WRITES_LOST}} end
local replay = last == number
if hasNoPlace(registers, last) then return {last and ${LEASE_LOST} or ${NO_PLACE}, ''} end

-- Removes nothing. It opens the script with a write that a full Redis allows, which makes the later ones allowed too: a
-- full Redis can be drained.
call('HDEL', inflight, '')

local control, orders = {}, try('HGETALL', KEYS[CONTROL]) or {}
for i = 1, #orders, 2 do
  control[orders[i]] = orders[i + 1]
  -- Whoever cancelled a job may have died before it could say that there is none.
  local upto = string.sub(orders[i], 1, 7) == 'cancel:' and tonumber(string.match(orders[i + 1], '^(%d+) ') or '')
  if upto and upto <= time then try('HDEL', KEYS[CONTROL], orders[i]) end
end
-- For most calls nothing of this is needed, and to make so many functions is a good part of the work of a small one.
local processed, failed, made = 0, 0, nil
local function operations()
  if made then return made end
${GATES}${OPERATIONS}
  made = {outcomes = outcomes, effects = effects, flow = flow, gateOf = gateOf, isOpen = isOpen, enter = enter, park = park,
    giveTicket = giveTicket, parkErrors = parkErrors, writeUse = writeUse, closeGates = closeGates}
  return made
end
local effects = setmetatable({}, {__index = function(_, kind) return operations().effects[kind] end})
${CARRY_OUT}${STATS}
local missing, refused, stays = 0, {}, {}
local function fieldsOf(name, ranges, fields)
  local suffix, n = ':' .. name, #fields
  for first, final in string.gmatch(ranges, '(%d+)%-?(%d*)') do
    for seq = tonumber(first), tonumber(final) or tonumber(first) do
      n = n + 1
      fields[n] = fieldOf(seq, suffix)
    end
  end
  return fields
end
local done, groups = {}, {}
local function removeDone()
  local short = #done
  for from = 1, #done, 4000 do
    short = short - call('HDEL', inflight, unpack(done, from, math.min(from + 3999, #done)))
  end
  processed, missing = processed + #done - short, missing + short
  -- Of which queue those are that were not held, is not known where a queue has few of them.
  for _, group in ipairs(short > 0 and groups or {}) do
    local some = math.min(short, group[2])
    shortOf[group[1]], short = (shortOf[group[1]] or 0) + some, short - some
  end
  done, groups = {}, {}
end
for _ = 1, int() do
  local name, before = arg(), #done
  fieldsOf(name, arg(), done)
  groups[#groups + 1] = {name, #done - before}
  if #done >= 200 then removeDone() end
end
removeDone()
for group = 1, int() do
  local queue, name, _, err = key(), arg(), nil, nil
  local fields = fieldsOf(name, arg(), {})
  -- The last one goes first: each is pushed before those that were there.
  for upto = #fields, 1, -100 do
    local from, some, held = math.max(1, upto - 99), {}, {}
    local payloads = call('HMGET', inflight, unpack(fields, from, upto))
    for i = #payloads, 1, -1 do
      if payloads[i] then
        some[#some + 1], held[#held + 1] = payloads[i], fields[from + i - 1]
      else
        missing = missing + 1
      end
    end
    if #some > 0 then
      _, err = try('LPUSH', queue, unpack(some))
      if err then break end
      call('HDEL', inflight, unpack(held))
    end
  end
  if err then
    refused[#refused + 1], stays[name] = -group, true
  else
    try('SADD', KEYS[QUEUES], name)
  end
end
for i = 1, int() do
  local kind, field, run = arg(), arg(), arg()
  local payload = call('HGET', inflight, field)
  local err = operations().outcomes[kind](payload)
  if payload and not err then
    call('HDEL', inflight, field)
    count(run)
  end
  if not payload then missing = missing + 1 end
  if err then
    refused[#refused + 1] = i
    stays[string.match(field, '^!?%d+:(.*)$')] = true
  end
  carryOut(not err and payload)
end
addStats(time, replay)
-- What was settled the first time is not held now.
if replay then missing = 0 end
if processed > 0 then
  try('INCRBY', KEYS[8], processed)
  try('INCRBY', KEYS[9], processed)
end
if failed > 0 then
  try('INCRBY', KEYS[10], failed)
  try('INCRBY', KEYS[11], failed)
  -- With its multi-queue backend resque-web shows the lists that are named there, and no other.
  if try('EXISTS', KEYS[20]) == 1 then try('SADD', KEYS[20], 'failed') end
end

try('ZADD', leases, time + lease, worker)
if registers then
  try('SADD', KEYS[4], worker)
  try('SET', KEYS[6], dateText('%04d-%02d-%02d %02d:%02d:%02d +0000', time))
end
if beats then try('HSET', KEYS[7], worker, dateText('%04d-%02d-%02dT%02d:%02d:%02dZ', time)) end
carryOut(true)
if made then made.flow.close() end
local works, head, tail = arg(), arg(), arg()
if works == '' then
  try('DEL', KEYS[5])
elseif works ~= '-' then
  local payload = call('HGET', inflight, works)
  if payload then try('SET', KEYS[5], head .. original(payload) .. tail) end
end
for _ = 1, int() do
  local name = arg()
  if not stays[name] and try('HGET', KEYS[SERIAL], name) == worker then try('HSET', KEYS[SERIAL], name, '') end
end
${PACES}${ADMIT}
local digits, askers = admit()
if made then made.closeGates(KEYS[PARKED]) end
digits = admitted(digits, askers)
call('HSET', inflight, 'call', number, 'lease', time + lease)
if registers then call('HSET', inflight, 'version', '${version}') end
local paused, resting = try('SMEMBERS', KEYS[PAUSED_QUEUES]) or {}, {}
for _, name in ipairs(paused) do resting[name] = true end
${LIMITED}${RESERVE}
local reserved = reserve()
closeLimited()
return {1, time, missing, refused, reserved, wrongKeys(), paused, orders, digits, limitedFor, made and made.flow.unlisted or {}}
`,
);
