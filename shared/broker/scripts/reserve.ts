import { RUN_OF } from './lua.ts';
import { LARGE, READS, SMALL, TOGETHER, WHOLE_QUEUES, WINDOW } from './whole-queues.ts';

/** Of more queues than this, one question tells of so many whether all of them are empty. */
const ASKED_TOGETHER = 64;
/** Jobs in which a suspect is looked for, at each end of a queue. */
const SEARCHED = 500;
/** So many suspects are passed over in one call, or so many bytes of them; what is behind them comes with a later one. */
const PASSED = 1_000;
const PASSED_BYTES = 8_388_608;

/** Of a reservation: what it may do with a job that was in two deaths. */
export const ALONE = { no: 0, ifNothingElse: 1, first: 2 } as const;

/**
 * The reserving part of `sync`: `reserve()`. `resting` has the names of paused queues.
 *
 * A job that was reserved when a worker died is a suspect. One with one death is only taken where it can start at once,
 * one with two only alone: should it be the cause, nobody else is beside it. A suspect that cannot be taken now goes to the
 * tail, so that those behind it do not wait; except in a serial queue, whose order is promised.
 *
 * ARGV  1 to answer the names of all queues, else 0; 1 to answer how many jobs each queue has left, else 0
 *       number of jobs wanted, most bytes, number of suspects that can start at once, one of `ALONE`
 *       first sequence number, length of the keys' beginning that all queues have, number of runs of shares, each: places of its
 *       first and last key, most jobs of each, 1 if the queues are serial, else 0
 * Returns {1 if all workers are paused, else 0; 1 if there may be more, else 0; suspects that wait for a free place;
 *         suspects that wait for a worker of their own; 1 if what was taken is one of those, else 0; 1 if another worker
 *         holds a serial queue, else 0; runs {{share, number of payloads, the payloads in lines, some in each text…} or,
 *         where one holds a newline, {share, lengths, payloads one behind the other}…}, of several shares {share, number of its
 *         payloads…} in place of the share; serial queues {{name, 1 if it has more}…};
 *         names of all queues; jobs left in the queue of each share; 1 if a paused one has jobs, else 0}
 */
export const RESERVE = `
${RUN_OF}local find = string.find
-- Whether none of them has a death, nor a newline.
local function look(payloads, size)
  if size <= ${TOGETHER} then
    local text = concat(payloads)
    return not find(text, OPENING, 1, true), not find(text, '\\n', 1, true)
  end
  local plain, inLines = true, true
  for i = 1, #payloads do
    plain = plain and deathsOf(payloads[i]) == 0
    inLines = inLines and not find(payloads[i], '\\n', 1, true)
  end
  return plain, inLines
end
local function runOfOne(share, payload)
  return runOf(share, {payload}, #payload, not find(payload, '\\n', 1, true))
end
local function reserve()
  local wantNames, wantLeft = arg() == '1', arg() == '1'
  local want, maxBytes, places, alone, seq = int(), int(), int(), int(), int()
  local shares, placeOf, start = {}, {}, int() + 1
  for _ = 1, int() do
    local first, last, limit, serial = int(), int(), int(), arg() == '1'
    for at = first, last do
      local name = string.sub(KEYS[at], start)
      shares[#shares + 1] = {key = KEYS[at], name = name, limit = limit, serial = serial, place = #shares + 1}
      placeOf[name] = placeOf[name] or #shares
    end
  end
  local names = wantNames and try('SMEMBERS', KEYS[QUEUES]) or {}
  local waits, paused, runs, forPlace, forWorker, held, serials, cuts, left = 0, 0, {}, 0, 0, 0, {}, {}, {}
  local function answer(more, isAlone)
    for i, share in ipairs(wantLeft and shares or {}) do left[i] = try('LLEN', share.key) or 0 end
    for i, share in ipairs(shares) do
      if share.serial then serials[#serials + 1] = {share.name, (replay or cuts[share.key]) and 1 or 0} end
    end
    return {paused, more, forPlace, forWorker, isAlone, held, runs, serials, names, left, waits}
  end
  if want == 0 then return answer(0, 0) end
  if try('GET', KEYS[3]) == 'true' then paused = 1 end

  local holders = {}
  local flat = try('HGETALL', KEYS[SERIAL]) or {}
  for i = 1, #flat, 2 do holders[flat[i]] = flat[i + 1] end
  for _, share in ipairs(shares) do
    if share.serial and not holders[share.name] then
      try('HSETNX', KEYS[SERIAL], share.name, '')
      holders[share.name] = ''
    end
    share.serial = holders[share.name] ~= nil
  end

  if replay then
    local found = {}
    for _, field in ipairs(call('HKEYS', inflight)) do
      local n, queue = string.match(field, '^(%d+):(.*)$')
      if n and tonumber(n) >= seq then found[#found + 1] = {tonumber(n), queue, call('HGET', inflight, field)} end
    end
    table.sort(found, function(x, y) return x[1] < y[1] end)
    for _, job in ipairs(found) do runs[#runs + 1] = runOfOne(placeOf[job[2]] or 0, job[3]) end
    return answer(1, #found == 1 and deathsOf(found[1][3]) == 2 and 1 or 0)
  end
  if paused == 1 then return answer(0, 0) end

  -- A paused queue gives nothing. A serial queue belongs to the worker that has jobs of it in flight, until those of a dead one are given back.
  local function isOthers(share)
    if resting[share.name] then
      if (try('LLEN', share.key) or 0) > 0 then waits = 1 end
      return true
    end
    if allowed(share) <= 0 then return true end
    local holder = holders[share.name] or ''
    if holder == '' or holder == worker or not redis.pcall('ZSCORE', leases, holder) then return false end
    held = 1
    return true
  end
  -- From the head (1) or the tail (-1). It is held before it leaves its queue, as all are.
  local function takeAlone(share, payload, direction)
    local field = seq .. ':' .. share.name
    call('HSET', inflight, field, payload)
    if try('LREM', share.key, direction, payload) ~= 1 then
      call('HDEL', inflight, field)
      return false
    end
    if share.serial then try('HSET', KEYS[SERIAL], share.name, worker) end
    took(share, 1)
    runs[1] = runOfOne(share.place, payload)
    return true
  end
  local searches, searchBytes = ${SEARCHED}, ${PASSED_BYTES}
  local function search(share, from, count)
    for i = from, from + count - 1 do
      local payload = searches > 0 and searchBytes > 0 and try('LINDEX', share.key, i)
      if not payload then return false end
      searches, searchBytes = searches - 1, searchBytes - #payload
      if deathsOf(payload) == 2 and takeAlone(share, payload, from < 0 and -1 or 1) then return true end
    end
  end
  if alone == ${ALONE.first} then
    for _, share in ipairs(shares) do
      if not isOthers(share) then
        local found = share.serial and search(share, 0, 1)
          or not share.serial and (search(share, 0, ${SEARCHED / 4}) or search(share, ${-SEARCHED / 4}, ${SEARCHED / 4}))
        if found then return answer(1, 1) end
      end
    end
  end

  local count, bytes, width, small, large, full, candidate = 0, 0, 2, true, false, false, nil
  local passed, passedBytes, entries = 0, 0, {}
  -- They are held before they leave their queue.
  local function hold(payloads, suffix)
    for i = 1, #payloads do
      entries[2 * i - 1], entries[2 * i] = fieldOf(seq, suffix), payloads[i]
      seq = seq + 1
    end
    call('HSET', inflight, unpack(entries, 1, 2 * #payloads))
  end
${READS}
  local function takeFrom(share, length)
    local found, tail, scanned, n = {}, {}, 0, 0
    local suffix, first, open = ':' .. share.name, seq, true
    -- Of a serial queue only the first job can start at once, and only where this worker has no other of it.
    local starts = not share.serial or holders[share.name] ~= worker
    local wanted, most = math.min(share.limit, want - count), allowed(share)
    local limit = math.min(wanted, most)
    -- false: passed over; nil: stop here
    local function fits(payload, deaths)
      if deaths == 1 then
        if places > 0 and starts then return true end
        forPlace = forPlace + 1
      elseif alone > 0 and not candidate and (not share.serial or (starts and count + n == 0)) then
        candidate = {share = share, payload = payload}
      else
        forWorker = forWorker + 1
      end
      if share.serial or passed >= ${PASSED} or passedBytes >= ${PASSED_BYTES} then return nil end
      passed, passedBytes = passed + 1, passedBytes + #payload
      tail[#tail + 1] = payload
      return false
    end
    -- One by one, where not all of them can be taken.
    local function choose(items)
      local chosen = {}
      for _, payload in ipairs(items) do
        local deaths = deathsOf(payload)
        local take = deaths ~= 1 and deaths ~= 2 or fits(payload, deaths)
        if take and bytes + #payload > maxBytes and count + n > 0 then
          full, open = true, false
        elseif take then
          if deaths == 1 then places = places - 1 end
          starts = starts and not share.serial
          bytes, n = bytes + #payload, n + 1
          chosen[#chosen + 1] = payload
        elseif take == nil then
          open = false
        end
        if full or take == nil then break end
        scanned = scanned + 1
      end
      return chosen
    end
    while open and n < limit do
      local wide = math.min(limit - n, width, length - scanned)
      local last = scanned + wide - 1
      if large or wide > 1 and (isLarge(share, last) or wide > ${WINDOW} and isLarge(share, scanned + math.floor(wide / 2) - 1)) then
        wide = 1
      end
      local items = try('LRANGE', share.key, scanned, scanned + wide - 1)
      if not items then return end
      local size, largest = 0, 0
      for i = 1, #items do
        local length = #items[i]
        size = size + length
        if length > largest then largest = length end
      end
      large, small = large or largest > ${LARGE}, small and largest <= ${SMALL.bytes}
      local plain, inLines = look(items, size)
      local payloads = items
      if plain and bytes + size <= maxBytes then
        starts = starts and not share.serial
        bytes, n, scanned = bytes + size, n + #items, scanned + #items
      else
        payloads = choose(items)
      end
      if #payloads > 0 then
        hold(payloads, suffix)
        found[#found + 1] = runOf(share.place, payloads, size, inLines)
      end
      -- It was read to its end.
      if #items < wide or scanned >= length then open, limit = false, -1 end
      widen(count + n)
    end
    -- What is beyond its limit is not to be asked for at once.
    cuts[share.key] = n == limit and wanted <= most or nil
    if scanned == 0 then return end
    local _, err
    if #tail > 0 then _, err = try('RPUSH', share.key, unpack(tail)) end
    if not err then
      _, err = try('LTRIM', share.key, scanned, -1)
      for _ = 1, err and #tail or 0 do redis.pcall('RPOP', share.key) end
    end
    if err then
      for i = first, seq - 1 do call('HDEL', inflight, fieldOf(i, suffix)) end
      if candidate and candidate.share == share then candidate = nil end
      seq, cuts[share.key] = first, nil
      return
    end
    if n == 0 then return end
    if share.serial then
      try('HSET', KEYS[SERIAL], share.name, worker)
      holders[share.name] = worker
    end
    for _, run in ipairs(found) do runs[#runs + 1] = run end
    count = count + n
    took(share, n)
    if n == limit and limit < wanted then allowed(share) end
  end
${WHOLE_QUEUES}
  -- That another worker holds a serial queue counts also where that is empty.
  local asks, nothing = #shares > ${ASKED_TOGETHER} and next(holders) == nil, false
  for i, share in ipairs(shares) do
    if asks and i % ${ASKED_TOGETHER} == 1 then
      local keys = {}
      for j = i, math.min(i + ${ASKED_TOGETHER - 1}, #shares) do keys[#keys + 1] = shares[j].key end
      nothing = call('EXISTS', unpack(keys)) == 0
    end
    if not nothing and not wrong[share.key] and not isOthers(share) then
      local length = try('LLEN', share.key) or 0
      if length > 0 and not readWhole(share, length) then
        takeWhole()
        if count < want then takeFrom(share, length) end
      end
    end
    full = full or count >= want
    if full then break end
  end
  takeWhole()
  if candidate then
    local share = candidate.share
    if count == 0 and takeAlone(share, candidate.payload, share.serial and 1 or -1) then return answer(1, 1) end
    forWorker = forWorker + 1
  end
  local more = full
  for _, share in ipairs(shares) do more = more or (cuts[share.key] and not share.serial) end
  return answer(more and 1 or 0, 0)
end
`;
