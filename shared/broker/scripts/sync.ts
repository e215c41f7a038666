import { MOST_DEATHS } from '../../types.ts';
import { CUT } from '../../wire/attempts.ts';
import { defineScript } from '../redis/client.ts';

/** '000' to '999', as Lua. */
const DIGITS = Array.from({ length: 1000 }, (_, i) => `'${String(i).padStart(3, '0')}'`).join();

/** About so many bytes are in one text of the answer. */
const PIECE = 2048;

/** What the script's first answer says. */
export const LEASE_LOST = -1;

/**
 * One turn of a worker: settle what ended, extend the lease, reserve the next jobs.
 *
 * A turn whose answer was lost is sent again unchanged: its number tells, nothing is done twice, and the jobs that it had
 * reserved are answered again. A copy that arrives after a later turn does nothing. What hands a job on comes before what
 * lets go of it, since Redis takes nothing back when a later command fails. The first write is one that a full Redis
 * allows, which makes the later ones of the same script allowed too: a full Redis can be drained.
 *
 * Notes, here since a bundle would carry them in the script:
 * fieldOf    numbers become text slowly in Lua, and each job's field has one, twice: the last three digits are at hand
 * release    a queue that does not take its job back must not stop the others; the job stays in flight, to be reclaimed
 * isAtRisk   a job whose next death would be its last one comes alone of its kind: should its worker die, it was not for
 *            another's fault
 * inPieces   one long text would be more work: Lua gets its memory from the system and gives it back, each time
 * window     grows, but no further than payloads of the size seen so far would fill the byte limit
 * bad        one key of another type must not stop the other queues
 * limit      -1 once the queue was read to its end
 *
 * KEYS  1 inflight:<worker>  2 leases  3 pause-all-workers  4 workers  5 worker:<worker>  6 worker:<worker>:started
 *       7 workers:heartbeat  8 stat:processed  9 stat:processed:<worker>  10 stat:failed  11 stat:failed:<worker>
 *       12 failed  13 retry  14 retry:payloads  15 queues  16 cron:live  then the queues that ARGV names, then the status
 *       records
 * ARGV  worker id; lease end (epoch ms); number of the turn; started-at text to register, else ''; heartbeat text or '';
 *       1 to answer the names of all queues, else 0; 1 to answer how many jobs each queue has left, else 0
 *       number of queues, their names
 *       number of queues with jobs done (succeeded or discarded), each: queue-index, sequence numbers as 1-5,7,9-12
 *       number of other settlements, each a kind and what it needs:
 *         retry field due(ms) record member     fail field head tail (payload between them)
 *         quote field head tail (payload as a JSON string between them)     bury field entry
 *         release field queue-index head|tail
 *       field the worker works on (or '' for none, '-' for unchanged), head, tail of its record
 *       number of status records, each: head, started ('' keeps the one there), tail, seconds to live (0: no limit)
 *       number of ended jobs of cron entries, each: entry's name, slot (epoch ms)
 *       highest sequence number that may have started when this turn has been answered
 *       number of jobs wanted, most bytes, 1 if a job that is one death from failing may come along, else 0,
 *       first sequence number, number of shares, each: queue-index, most jobs
 * Returns {LEASE_LOST}, or {1, paused 0|1, more 0|1, settled fields not held, runs {{queue-index, number of payloads, the
 *         payloads in lines, some in each text…} or, where one holds a newline, {queue-index, lengths, payloads one behind
 *         the other}…}, queues that could not be read {{queue-index, error}…}, names of all queues, jobs left in each queue that ARGV names}
 */
export const syncScript = defineScript(
  'sync',
  `${CUT}
local inflight, leases = KEYS[1], KEYS[2]
local at = 0
local function arg() at = at + 1; return ARGV[at] end
local function int() at = at + 1; return tonumber(ARGV[at]) end
local call = redis.call

local digits, thousands, front
local function fieldOf(seq, suffix)
  if seq < 1000 then return seq .. suffix end
  local t = math.floor(seq / 1000)
  if t ~= thousands then thousands, front, digits = t, t .. '', digits or {${DIGITS}} end
  return front .. digits[seq - t * 1000 + 1] .. suffix
end

local worker, leaseEnd, number, started, beat = arg(), arg(), arg(), arg(), arg()
local wantNames, wantLeft = arg() == '1', arg() == '1'
local names = {}
for i = 1, int() do names[i] = arg() end
local function queueKey(i) return KEYS[16 + i] end

local last = call('HGET', inflight, 'call')
if not last and started == '' then return {${LEASE_LOST}} end
if last and tonumber(number) < tonumber(last) then return {${LEASE_LOST}} end
local replay = last == number

call('HDEL', inflight, '') -- removes nothing
local processed, failed, missing = 0, 0, 0
for _ = 1, int() do
  local suffix, fields = ':' .. names[int()], {}
  for first, final in string.gmatch(arg(), '(%d+)%-?(%d*)') do
    if final == '' then
      fields[#fields + 1] = first .. suffix
    else
      for seq = tonumber(first), tonumber(final) do fields[#fields + 1] = fieldOf(seq, suffix) end
    end
  end
  for from = 1, replay and 0 or #fields, 4000 do
    local upto = math.min(from + 3999, #fields)
    local removed = call('HDEL', inflight, unpack(fields, from, upto))
    processed = processed + removed
    missing = missing + (upto - from + 1 - removed)
  end
end

local bad = {}
local escapes = {['"'] = '\\\\"', ['\\\\'] = '\\\\\\\\'}
local function quote(text)
  return '"' .. string.gsub(text, '[%c"\\\\]', function(c) return escapes[c] or string.format('\\\\u%04x', string.byte(c)) end) .. '"'
end
for _ = 1, int() do
  local kind, field = arg(), arg()
  local a, b, c
  if kind == 'release' then a = int() else a = arg() end
  if kind ~= 'bury' then b = arg() end
  if kind == 'retry' then c = arg() end
  local payload = not replay and call('HGET', inflight, field)
  if payload then
    if kind == 'retry' then
      local head, rest = cut(payload)
      call('HSET', KEYS[14], c, head .. b .. rest)
      call('ZADD', KEYS[13], a, c)
    elseif kind == 'fail' then
      call('RPUSH', KEYS[12], a .. original(payload) .. b)
    elseif kind == 'quote' then
      call('RPUSH', KEYS[12], a .. quote(original(payload)) .. b)
    elseif kind == 'bury' then
      call('RPUSH', KEYS[12], a)
    else
      local pushed = redis.pcall(b == 'head' and 'LPUSH' or 'RPUSH', queueKey(a), payload)
      if type(pushed) == 'table' then
        bad[a], kind = pushed.err, 'kept'
      else
        call('SADD', KEYS[15], names[a])
      end
    end
    if kind ~= 'kept' then call('HDEL', inflight, field) end
    if kind == 'retry' or kind == 'fail' or kind == 'quote' or kind == 'bury' then processed = processed + 1 end
    if kind == 'fail' or kind == 'quote' or kind == 'bury' then failed = failed + 1 end
  elseif not replay then
    missing = missing + 1
  end
end
if processed > 0 then
  call('INCRBY', KEYS[8], processed)
  call('INCRBY', KEYS[9], processed)
end
if failed > 0 then
  call('INCRBY', KEYS[10], failed)
  call('INCRBY', KEYS[11], failed)
end

call('ZADD', leases, leaseEnd, worker)
if started ~= '' then
  call('SADD', KEYS[4], worker)
  call('SET', KEYS[6], started)
end
if beat ~= '' then call('HSET', KEYS[7], worker, beat) end
local works, head, tail = arg(), arg(), arg()
if works == '' then
  call('DEL', KEYS[5])
elseif works ~= '-' then
  local payload = call('HGET', inflight, works)
  if payload then call('SET', KEYS[5], head .. original(payload) .. tail) end
end
local statuses, firstStatus = int(), 16 + #names
for from = 1, statuses, 4000 do
  local upto = math.min(from + 3999, statuses)
  local records = call('MGET', unpack(KEYS, firstStatus + from, firstStatus + upto))
  for i = from, upto do
    local head, started, tail, ttl = arg(), arg(), arg(), int()
    local record = records[i - from + 1]
    if record then
      if started == '' then started = string.match(record, '"started":([%d.]+)') or 'null' end
      call('SET', KEYS[firstStatus + i], head .. started .. tail)
      if ttl > 0 then call('EXPIRE', KEYS[firstStatus + i], ttl) end
    end
  end
end
for _ = 1, int() do
  local name, slot = arg(), arg()
  local live = call('HGET', KEYS[16], name)
  if live and string.sub(live, 1, #slot + 1) == slot .. ':' then call('HDEL', KEYS[16], name) end
end
local allNames = wantNames and call('SMEMBERS', KEYS[15]) or {}

local function inPieces(index, payloads, size)
  local run, width = {index, #payloads}, math.max(1, math.floor(${PIECE} * #payloads / (size + 1)))
  for from = 1, #payloads, width do
    run[#run + 1] = width == 1 and payloads[from] or table.concat(payloads, '\\n', from, math.min(from + width - 1, #payloads))
  end
  return run
end
local function hasNewline(payload) return string.find(payload, '\\n', 1, true) end
local mark, want, maxBytes, mayRisk, seq, shares = arg(), int(), int(), arg() == '1', int(), int()
local paused = (want > 0 and call('GET', KEYS[3]) == 'true') and 1 or 0
local runs, more, left, cutShort = {}, 0, {}, {}
if replay then
  local held, found = call('HGETALL', inflight), {}
  for i = 1, #held, 2 do
    local n, queue = string.match(held[i], '^(%d+):(.*)$')
    if n and tonumber(n) >= seq then found[#found + 1] = {tonumber(n), queue, held[i + 1]} end
  end
  table.sort(found, function(x, y) return x[1] < y[1] end)
  for _, job in ipairs(found) do
    for i, name in ipairs(names) do
      if name == job[2] then runs[#runs + 1] = {i, hasNewline(job[3]) and {#job[3]} or 1, job[3]} break end
    end
  end
  return {1, paused, 1, 0, runs, {}, allNames, {}}
end

local function isAtRisk(payload)
  if string.byte(payload, 3) ~= 108 or string.sub(payload, 1, 15) ~= '{"lambdesque":{' then return false end
  local _, _, id, _, deaths = cut(payload)
  return id and deaths == ${MOST_DEATHS - 1}
end

call('HSET', inflight, 'call', number, 'started', mark)
if want > 0 and paused == 0 then
  local bytes, count = 0, 0
  for _ = 1, shares do
    local index, limit = int(), int()
    local key, payloads, lengths, taken, n, window, inLines = queueKey(index), {}, {}, {}, 0, 2, true
    local suffix, open, firstSeq, size = ':' .. names[index], true, seq, 0
    limit = math.min(limit, want - count)
    while open and n < limit and more == 0 and not bad[index] do
      local width = math.min(limit - n, window)
      local items = redis.pcall('LRANGE', key, n, n + width - 1)
      if items.err then
        bad[index] = items.err
        break
      end
      for _, payload in ipairs(items) do
        if bytes + #payload > maxBytes and count + n > 0 then more = 1 break end
        if isAtRisk(payload) then
          if not mayRisk then open = false break end
          mayRisk = false
        end
        bytes, size = bytes + #payload, size + #payload
        n = n + 1
        payloads[n], lengths[n] = payload, #payload
        taken[2 * n - 1], taken[2 * n] = fieldOf(seq, suffix), payload
        seq = seq + 1
        if hasNewline(payload) then inLines = false end
      end
      if #items < width then
        limit = -1
        break
      end
      window = math.max(1, math.min(width * 16, math.floor((maxBytes - bytes) / (bytes / (count + n) + 1))))
    end
    cutShort[index] = n == limit or nil
    if n > 0 then
      for from = 1, #taken, 4000 do
        call('HSET', inflight, unpack(taken, from, math.min(from + 3999, #taken)))
      end
      local trimmed = redis.pcall('LTRIM', key, n, -1)
      if trimmed.err then
        for i = 1, #taken, 2 do call('HDEL', inflight, taken[i]) end
        bad[index], seq, cutShort[index] = trimmed.err, firstSeq, nil
      else
        runs[#runs + 1] = inLines and inPieces(index, payloads, size) or {index, lengths, table.concat(payloads)}
        count = count + n
      end
    end
    if count >= want then more = 1 end
    if more == 1 then break end
  end
  if next(cutShort) then more = 1 end
end
if wantLeft then
  for i = 1, #names do
    local length = redis.pcall('LLEN', queueKey(i))
    left[i] = type(length) == 'number' and length or 0
  end
end
local wrong = {}
for index, err in pairs(bad) do wrong[#wrong + 1] = {index, err} end
return {1, paused, more, missing, runs, wrong, allNames, left}
`,
);
