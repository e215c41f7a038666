import { MOST_PAST } from '../cron-broker.ts';
import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { LOCKS } from './locks.ts';
import { DATE_TEXT } from './lua.ts';

/**
 * Lua, behind READ_ARGUMENTS, and the last to read them: `cronState(place, time)`, of the seven keys from that place of KEYS
 * on. No count or version tells of each change, since anybody may write there. So that ten thousand entries need not be sent with
 * each tick, a hash that is as the caller knows it is not: its checksum says so, which Redis makes where it dumps a value (or
 * SHA-1, of a Redis that does not). That takes a microsecond for each entry. So for a while sizes and the version are enough:
 * they tell of what programs of ours change, of entries that others add or remove, and mostly of those that Ruby changes.
 *
 * ARGV  the stamp that the caller knows, or ''; from when until when it is enough, epoch ms
 *       checksum of each hash, as the caller knows it, or ''
 */
export const CRON_STATE = `
local function hex(byte) return string.format('%02x', string.byte(byte)) end
local function stampOf(place)
  local parts = {}
  for i = 0, 4 do parts[i + 1] = try('HLEN', KEYS[place + i]) or '' end
  parts[6], parts[7] = try('SCARD', KEYS[place + 5]) or '', try('GET', KEYS[place + 6]) or ''
  return table.concat(parts, ' ')
end
local function cronState(place, time)
  local state, sums, stamp, enough = {time}, {}, stampOf(place), arg()
  local from, upto = int(), int()
  if stamp == enough and time >= from and time < upto then return {time, 1, 1, 1, 1, 1, wrongKeys(), sums, stamp} end
  for i = 0, 4 do
    local name, known = KEYS[place + i], arg()
    local dump, sum, fields = redis.pcall('DUMP', name), 'none', nil
    if type(dump) == 'string' then
      sum = #dump .. ':' .. string.gsub(string.sub(dump, -8), '.', hex)
    elseif dump then
      fields = try('HGETALL', name) or ''
      sum = fields ~= '' and #fields > 0 and redis.sha1hex(table.concat(fields, '\\0')) or 'none'
    end
    sums[i + 1] = sum
    state[i + 2] = known ~= '' and sum == known and 1 or fields or try('HGETALL', name) or ''
  end
  state[7] = wrongKeys()
  state[8], state[9] = sums, stamp
  return state
end
`;

/**
 * All that is known of cron entries, as of one moment.
 *
 * KEYS  1 persistent_schedules  2 cron:last  3 cron:since  4 cron:paused  5 delayed:last_enqueued_at  6 schedules_changed
 *       7 cron:version
 * ARGV  time; what `cronState` needs
 * Returns {the time (epoch ms), {name, JSON … of dynamic entries}, {name, last slot …},
 *         {name + newline + timing, first seen:last seen …}, {name, '' while paused or when the pause ended …}, {name, when
 *         its last job was enqueued …}, keys that are not what they should be {{key, problem}…}, {five checksums, or none
 *         where the stamp was enough}, stamp}; '' in place of the fields of a key of another type, 1 of those that are as they
 *         are known.
 */
export const readCron = defineScript(
  'read-cron',
  `${NOW}${READ_ARGUMENTS}${CRON_STATE}return cronState(1, now(arg()))`,
);

/**
 * Change fields of a hash that are still as they were read: another scheduler may have been here.
 *
 * KEYS  1 cron:since, cron:last or cron:paused
 * ARGV  for each field: its name, its value as it was read or '' if there was none, its new value or '' to remove it
 * Returns nothing.
 */
export const changeMarks = defineScript(
  'change-marks',
  `
for i = 1, #ARGV, 3 do
  if (redis.call('HGET', KEYS[1], ARGV[i]) or '') == ARGV[i + 1] then
    if ARGV[i + 2] == '' then
      redis.call('HDEL', KEYS[1], ARGV[i])
    else
      redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
    end
  end
end
`,
);

/** What `claimSlots` answers for a slot. */
export const SLOT_TAKEN = 0;
export const SLOT_ENQUEUED = 1;
export const SLOT_OVERLAPS = 2;
export const SLOT_EARLY = 3;

/** A time that lies further ahead of Redis's clock was left by a wrong clock, ms. */
export const AHEAD_MS = 60_000;

/**
 * Claim slots of cron entries and push their jobs, or neither. Slots of an entry are claimed in rising order only, so one
 * that is not later than the last was claimed by another scheduler. A queue that does not take its job keeps no other
 * slot from being claimed.
 *
 * While Ruby's scheduler holds its master lock, the entries that it reads are its own.
 *
 * KEYS  1 cron:last  2 cron:status  3 queues  4 Ruby's master lock  5 delayed:last_enqueued_at
 *       then the jobs' queues and locks
 * ARGV  time; then for each slot: entry's name, slot (epoch ms), payload, place of its queue among KEYS, queue's name,
 *       the job's id as JSON; its lock's key where jobs must not overlap, else 0; how long that is held at the most, ms; the job's id;
 *       1 if Ruby's scheduler reads the entry too, else 0
 * Returns {a code, or the error of a key that did not take it, for each slot}, keys that are not what they should be
 *         {{key, problem}…}.
 */
export const claimSlots = defineScript(
  'claim-slots',
  `${NOW}${READ_ARGUMENTS}${DATE_TEXT}
local time = now(arg())
${LOCKS}
local isRubys = redis.call('EXISTS', KEYS[4]) == 1
-- What came of the slots before: the status that stands there, shortened, and those that it has itself.
local function before(name)
  local known = try('HGET', KEYS[2], name) or ''
  local first = string.match(known, '^({"outcome":"%a+","at":%d+,"slot":%d+)')
  if not first then return '' end
  local list, count = {first .. '}'}, 1
  for past in string.gmatch(string.match(known, '"before":(%b[])') or '', '{"outcome":"%a+","at":%d+,"slot":%d+}') do
    if count == ${MOST_PAST} then break end
    count = count + 1
    list[count] = past
  end
  return ',"before":[' .. table.concat(list, ',') .. ']'
end
local function status(name, outcome, slot, rest)
  return string.format('{"outcome":"%s","at":%.0f,"slot":%s', outcome, time, slot) .. rest .. before(name) .. '}'
end
-- Where the last slot is lost, the status still knows it: of an error, that all before were claimed.
local function lastOf(name)
  local last, err = try('HGET', KEYS[1], name)
  local number = tonumber(last or '')
  if number and number == number then return number end
  if last then wrong[KEYS[1]] = 'the last slot of an entry is no number; it does not count' end
  local known, unknown = try('HGET', KEYS[2], name)
  if unknown then
    if err then return nil, err end
    return -math.huge
  end
  local outcome, slot = string.match(known or '', '^{"outcome":"(%a+)","at":[^,]*,"slot":(%d+)')
  if not outcome then return -math.huge end
  return tonumber(slot) - (outcome == 'error' and 1 or 0)
end
local function claim(name, slot, payload, queue, queueName, id, lock, hold, holder, isShared)
  if isShared and isRubys then return ${SLOT_TAKEN} end
  if tonumber(slot) > time then return ${SLOT_EARLY} end
  local last, err = lastOf(name)
  if err then return err .. ' (' .. KEYS[1] .. ')' end
  if last >= tonumber(slot) then return ${SLOT_TAKEN} end
  if lock then
    local held, err = try('GET', lock)
    if err then return err .. ' (' .. lock .. ')' end
    if held then
      try('HSET', KEYS[1], name, slot)
      try('HSET', KEYS[2], name, status(name, 'overlapped', slot, ''))
      return ${SLOT_OVERLAPS}
    end
  end
  -- The push comes first: should it fail, the slot is not claimed.
  local pushed, refused = try('RPUSH', queue, payload)
  if not pushed then return refused .. ' (' .. queue .. ')' end
  try('HSET', KEYS[1], name, slot)
  try('SADD', KEYS[3], queueName)
  if lock then setLock(lock, holderText(holder, 'q', queueName, payload), hold) end
  if isShared then try('HSET', KEYS[5], name, dateText('%04d-%02d-%02d %02d:%02d:%02d +0000', tonumber(slot))) end
  try('HSET', KEYS[2], name, status(name, 'enqueued', slot, ',"jobId":' .. id))
  return ${SLOT_ENQUEUED}
end
local answers = {}
while at < #ARGV do
  local name, slot, payload, queue, queueName, id = arg(), arg(), arg(), key(), arg(), arg()
  local lock, hold, holder = KEYS[int()], int(), arg()
  answers[#answers + 1] = claim(name, slot, payload, queue, queueName, id, lock, hold, holder, arg() == '1')
end
return {answers, wrongKeys()}
`,
);

/**
 * Write or remove a dynamic entry, as resque-scheduler does, and tell its schedulers.
 *
 * KEYS  1 persistent_schedules  2 schedules_changed  3 cron:last  4 its lock  5 cron:status  6 cron:paused
 *       7 delayed:last_enqueued_at  8 cron:since  9 cron:version
 * ARGV  name; JSON, or '' to remove it, or '-' to forget what is known of one that was removed
 * Returns 1 if there was such an entry, else 0; or {key, Redis's words} of a key of another type: then nothing was done.
 */
export const changeCron = defineScript(
  'change-cron',
  `
local name, json = ARGV[1], ARGV[2]
local types = {'hash', 'set', 'hash', 'string', 'hash', 'hash', 'hash', 'hash'}
local wanted = json == '-' and {1, 3, 4, 5, 6, 7, 8} or json == '' and {1, 2, 3, 4, 5, 6, 7, 8} or {1, 2}
for _, i in ipairs(wanted) do
  local kind = redis.call('TYPE', KEYS[i])
  kind = kind.ok or kind
  if kind ~= 'none' and kind ~= types[i] then return {KEYS[i], 'it is a ' .. kind .. ', not a ' .. types[i]} end
end
local known = redis.call('HEXISTS', KEYS[1], name)
if json == '-' and known == 1 then return known end
if json ~= '-' then
  redis.call('SADD', KEYS[2], name)
  redis.pcall('INCR', KEYS[9])
end
if json ~= '' and json ~= '-' then
  redis.call('HSET', KEYS[1], name, json)
  return known
end
redis.call('HDEL', KEYS[1], name)
redis.call('DEL', KEYS[4])
for _, i in ipairs({3, 5, 6, 7}) do redis.call('HDEL', KEYS[i], name) end
for _, field in ipairs(redis.call('HKEYS', KEYS[8])) do
  if string.sub(field, 1, #name + 1) == name .. '\\n' then redis.call('HDEL', KEYS[8], field) end
end
return known
`,
);

/**
 * End an entry's pause: its slots up to now count as passed.
 *
 * KEYS  1 cron:paused  2 cron:version
 * ARGV  time; name
 * Returns nothing.
 */
export const resumeCron = defineScript(
  'resume-cron',
  `${NOW}redis.call('HSET', KEYS[1], ARGV[2], string.format('%.0f', now(ARGV[1])))
redis.pcall('INCR', KEYS[2])`,
);
