import { READ_ARGUMENTS } from '../ops/call.ts';
import { NOTE_END, UNTOLD } from '../ops/ended-untold.ts';
import { QUOTE } from '../ops/fail.ts';
import { DAY_MS, LONGEST_NAME, MINUTE_MS, STATS, UNKNOWN } from '../ops/stats.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { DATE_TEXT, PAYLOAD } from './lua.ts';
import { LET_GO } from './unregister.ts';

/** What the script answers instead of a count. */
export const STILL_LEASED = -1;
export const OTHER_QUEUES = -2;

/** Of a longer payload only the beginning and the end are answered, half of it each; bytes. */
const WHOLE = 2_048;

/** A key that refuses is tried again after so many ms. */
const AGAIN_MS = 60_000;

/**
 * Give a dead worker's jobs back, and forget the worker. All that it had reserved has one death more, whether it had
 * started or not: nobody knows. They go to the tails of their queues, so that the cause, should it be among them, comes
 * after those that it has not harmed; in a serial queue to its head, in order. An at-most-once job that may have started
 * goes to the failed list. A payload that does not open like an object is no handler's, and goes back as it is.
 *
 * It takes some jobs at a time: while there are more, the lease stays ended and the worker, should it live, has lost it.
 *
 * KEYS  1 inflight:<worker>  2 leases  3 workers  4 workers:heartbeat  5 worker:<worker>  6 worker:<worker>:started
 *       7 stat:processed:<worker>  8 stat:failed:<worker>  9 serial  10 queues  11 failed  12 stat:processed
 *       13 stat:failed  14 flows:lost  then the queues that ARGV names
 * ARGV  time; worker id; its token (first part of the ids of its jobs); most jobs; most bytes; 1 to leave jobs of queues
 *       that ARGV does not name, else 0; 1 where jobs may fail, and then the hashes of the statistics: number of the first
 *       minute, how many, places of their keys; the same of days; else 0;
 *       then for each queue: its name, place among KEYS, a failed entry behind the payload, its name as the statistics have it
 * Returns {jobs given back, jobs that failed, jobs left, keys that did not take theirs {{key, error}…}, {field, payload, ''}…
 *         of those given back or failed; of a long payload its beginning and its end}: those that are left stay, and so does
 *         the lease; or STILL_LEASED if the lease has not ended (or another call reclaimed it);
 *         OTHER_QUEUES if it holds jobs of queues that ARGV does not name: read the names again.
 */
export const reclaim = defineScript(
  'reclaim',
  `${NOW}${READ_ARGUMENTS}${PAYLOAD}${DATE_TEXT}${QUOTE}${LET_GO}${STATS}${NOTE_END}
local time, worker, token, most, bytes, leave = now(arg()), arg(), arg(), int(), int(), arg() == '1'
local minute, day, fails
if arg() == '1' then minute, day, fails = statHash(time, ${MINUTE_MS}), statHash(time, ${DAY_MS}), {} end
local head = dateText('{"failed_at":"%04d/%02d/%02d %02d:%02d:%02d UTC","payload":', time)
local function leaseEnd()
  local known = redis.pcall('HGET', KEYS[1], 'lease')
  return type(known) == 'string' and tonumber(known) or tonumber(try('ZSCORE', KEYS[2], worker) or '')
end
local ends = leaseEnd()
if not ends or ends > time then return ${STILL_LEASED} end

local queues = {}
while at < #ARGV do
  local name = arg()
  queues[name] = {key = key(), tail = arg(), quoted = arg()}
end
local function tryLater()
  redis.pcall('HSET', KEYS[1], 'lease', time + ${AGAIN_MS})
  try('ZADD', KEYS[2], time + ${AGAIN_MS}, worker)
end
local fields = try('HKEYS', KEYS[1])
if not fields then
  tryLater()
  return {0, 0, 0, wrongKeys()}
end
local serials, others, stuck = {}, {}, false
for _, field in ipairs(fields) do
  local mark, seq, name = string.match(field, '^(!?)(%d+):(.*)$')
  if seq then
    local queue = queues[name]
    if not queue and not leave then return ${OTHER_QUEUES} end
    if not queue then
      -- A name that no command can carry.
      wrong[KEYS[1]], stuck = 'the queue of its job ' .. string.sub(field, 1, 80) .. ' is no name', true
      queue = {serial = false}
    end
    if queue.serial == nil then queue.serial = try('HEXISTS', KEYS[9], name) == 1 end
    local jobs = queue.serial and mark == '' and serials or others
    if queue.key then jobs[#jobs + 1] = {field = field, seq = tonumber(seq), name = name, queue = queue, started = mark == '!'} end
  end
end
-- Each goes before the last one at a head, and behind it at a tail.
table.sort(serials, function(x, y) return x.seq > y.seq end)
table.sort(others, function(x, y) return x.seq < y.seq end)

call('HDEL', KEYS[1], 'call') -- its worker, should it live, has lost the lease
local given, failed, left, told = 0, 0, 0, {}
local function giveBack(job, push)
  if given + failed >= most or bytes <= 0 then
    left = left + 1
    return
  end
  local payload = call('HGET', KEYS[1], job.field)
  if job.started then
    local producers = original(payload)
    -- Half of a surrogate pair would end the pages of Ruby.
    local unpaired = string.gsub(producers, '\\\\u[dD][89abAB]%x%x\\\\u[dD][c-fC-F]%x%x', '')
    local shown = string.find(unpaired, '\\\\u[dD][89a-fA-F]') and quote(producers) or producers
    if not try('RPUSH', KEYS[11], head .. shown .. job.queue.tail) then stuck = true return end
    failed = failed + 1
    -- What else happens then is for the step of a tick that follows. Its flow is told there, too.
    if not string.find(producers, '"flow":{"id":', 1, true) then noteEnd(KEYS[14], '${UNTOLD.died}', job.name, producers) end
    -- The last that looks like our key is it.
    local mark = string.match(producers, '^.*,"flow":({"id":"[^"]*","step":"[^"]*","queues":%[[^%]]*%][^}]*})')
    if mark then try('RPUSH', KEYS[14], mark) end
    if fails then
      -- The first key of nearly every payload. Others are not looked into here.
      local name = string.match(producers, '^%s*{%s*"class"%s*:%s*"([^"\\%c]+)"')
      local field = '[' .. job.queue.quoted .. ',"' .. (name and #name <= ${LONGEST_NAME} and name or '${UNKNOWN}') .. '"]'
      fails[field] = (fails[field] or 0) + 1
    end
  else
    local opens, rest, id, attempts, deaths, errors = cut(payload)
    if opens then
      payload = opens .. '"lambdesque":{"id":"' .. (id or token .. '-' .. string.format('%d', job.seq)) .. '","attempts":'
        .. (attempts or 0) .. ',"deaths":' .. (deaths or 0) + 1 .. (errors or '') .. '},' .. rest
    end
    if not try(push, job.queue.key, payload) then stuck = true return end
    try('SADD', KEYS[10], job.name)
    given = given + 1
  end
  bytes = bytes - #payload
  local long = #payload > ${WHOLE}
  told[#told + 1] = {job.field, long and string.sub(payload, 1, ${WHOLE / 2}) or payload, long and string.sub(payload, ${-WHOLE / 2}) or ''}
  call('HDEL', KEYS[1], job.field)
end
for _, job in ipairs(serials) do giveBack(job, 'LPUSH') end
for _, job in ipairs(others) do giveBack(job, 'RPUSH') end
if failed > 0 then
  try('INCRBY', KEYS[12], failed)
  try('INCRBY', KEYS[13], failed)
end
local fields, texts = {}, {}
for field, count in pairs(fails or {}) do fields[#fields + 1], texts[#texts + 1] = field, '0 ' .. count .. ' 0 0 0 0 0' end
if #fields > 0 then
  addToMinute(minute, fields, texts)
  addToDay(day, fields, texts)
end
if stuck and left == 0 then
  tryLater()
elseif left == 0 then
  call('DEL', KEYS[1], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
  try('ZREM', KEYS[2], worker)
  try('SREM', KEYS[3], worker)
  try('HDEL', KEYS[4], worker)
  letGo(worker)
end
return {given, failed, left, wrongKeys(), told}
`,
);
