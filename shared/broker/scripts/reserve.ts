/** About so many bytes are in one text of the answer: one long text would be more work, since Lua gets and gives back its memory each time. */
const PIECE = 2_048;
/** Payloads are read so many at a time: of the largest that Upstash takes, 10 MB, three may be read for nothing… */
const WINDOW = 4;
/** … or one at a time, where the last of the next ones or any before was larger than this: what does not fit is read for nothing. */
const LARGE = 262_144;
/** Behind so many that were all smaller than this, so many are read at a time: one of them, the middle and the last tell. */
const SMALL = { after: 256, bytes: 16_384, window: 64 };
/** Jobs in which a suspect is looked for, at each end of a queue. */
const SEARCHED = 500;
/** So many suspects are passed over in one call, or so many bytes of them; what is behind them comes with a later one. */
const PASSED = 1_000;
const PASSED_BYTES = 8_388_608;

/** Of a reservation: what it may do with a job that was in two deaths. */
export const ALONE = { no: 0, ifNothingElse: 1, first: 2 } as const;

/**
 * The reserving part of `sync`: `reserve()`.
 *
 * A job that was reserved when a worker died is a suspect. One with one death is only taken where it can start at once,
 * one with two only alone: should it be the cause, nobody else is beside it. A suspect that cannot be taken now goes to the
 * tail, so that those behind it do not wait; except in a serial queue, whose order is promised.
 *
 * ARGV  1 to answer the names of all queues, else 0; 1 to answer how many jobs each queue has left, else 0
 *       number of jobs wanted, most bytes, number of suspects that can start at once, one of `ALONE`
 *       first sequence number, number of shares, each: queue's key, its name, most jobs, 1 if the queue is serial, else 0
 * Returns {1 if all workers are paused, else 0; 1 if there may be more, else 0; suspects that wait for a free place;
 *         suspects that wait for a worker of their own; 1 if what was taken is one of those, else 0; 1 if another worker
 *         holds a serial queue, else 0; runs {{share, number of payloads, the payloads in lines, some in each text…} or,
 *         where one holds a newline, {share, lengths, payloads one behind the other}…}; serial queues {{name, 1 if it has more}…};
 *         names of all queues; jobs left in the queue of each share}
 */
export const RESERVE = `
local function inLines(payloads)
  for i = 1, #payloads do
    if string.find(payloads[i], '\\n', 1, true) then return false end
  end
  return true
end
local function runOf(share, payloads, size)
  if not inLines(payloads) then
    local lengths = {}
    for i, payload in ipairs(payloads) do lengths[i] = #payload end
    return {share, lengths, table.concat(payloads)}
  end
  local run, width = {share, #payloads}, math.max(1, math.floor(${PIECE} * #payloads / (size + 1)))
  for from = 1, #payloads, width do
    run[#run + 1] = width == 1 and payloads[from] or table.concat(payloads, '\\n', from, math.min(from + width - 1, #payloads))
  end
  return run
end
local function reserve()
  local wantNames, wantLeft = arg() == '1', arg() == '1'
  local want, maxBytes, places, alone, seq = int(), int(), int(), int(), int()
  local shares, placeOf = {}, {}
  for i = 1, int() do
    local share = {key = key(), name = arg(), limit = int(), serial = arg() == '1', place = i}
    shares[i] = share
    placeOf[share.name] = placeOf[share.name] or i
  end
  local names = wantNames and try('SMEMBERS', KEYS[QUEUES]) or {}
  local paused, runs, forPlace, forWorker, held, serials, cuts, left = 0, {}, 0, 0, 0, {}, {}, {}
  local function answer(more, isAlone)
    for i, share in ipairs(wantLeft and shares or {}) do left[i] = try('LLEN', share.key) or 0 end
    for i, share in ipairs(shares) do
      if share.serial then serials[#serials + 1] = {share.name, (replay or cuts[share.key]) and 1 or 0} end
    end
    return {paused, more, forPlace, forWorker, isAlone, held, runs, serials, names, left}
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
    for _, job in ipairs(found) do runs[#runs + 1] = runOf(placeOf[job[2]] or 0, {job[3]}, #job[3]) end
    return answer(1, #found == 1 and deathsOf(found[1][3]) == 2 and 1 or 0)
  end
  if paused == 1 then return answer(0, 0) end

  -- A serial queue belongs to the worker that has jobs of it in flight, until those of a dead one are given back.
  local function isOthers(share)
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
    runs[1] = runOf(share.place, {payload}, #payload)
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
  local passed, passedBytes = 0, 0
  local function takeFrom(share)
    local payloads, fields, tail, scanned, size, n = {}, {}, {}, 0, 0, 0
    local suffix, first, open = ':' .. share.name, seq, true
    -- Of a serial queue only the first job can start at once, and only where this worker has no other of it.
    local starts = not share.serial or holders[share.name] ~= worker
    local limit = math.min(share.limit, want - count)
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
    while open and n < limit do
      local wide = math.min(limit - n, width)
      local function isLarge(i)
        local probe = try('LINDEX', share.key, scanned + i - 1)
        return probe and #probe > ${LARGE}
      end
      if large or wide > 1 and (isLarge(wide) or wide > ${WINDOW} and isLarge(math.floor(wide / 2))) then wide = 1 end
      local items = try('LRANGE', share.key, scanned, scanned + wide - 1)
      if not items then return end
      for _, payload in ipairs(items) do
        if #payload > ${LARGE} then large = true end
        if #payload > ${SMALL.bytes} then small = false end
        local deaths = deathsOf(payload)
        local take = deaths ~= 1 and deaths ~= 2 or fits(payload, deaths)
        if take and bytes + #payload > maxBytes and count + n > 0 then
          full, open = true, false
        elseif take then
          if deaths == 1 then places = places - 1 end
          if share.serial then starts = false end
          bytes, size, n = bytes + #payload, size + #payload, n + 1
          payloads[n] = payload
          fields[2 * n - 1], fields[2 * n] = fieldOf(seq, suffix), payload
          seq = seq + 1
        elseif take == nil then
          open = false
        end
        if full or take == nil then break end
        scanned = scanned + 1
        if not open then break end
      end
      -- It was read to its end.
      if #items < wide then open, limit = false, -1 end
      width = math.min(width * 2, small and count + n >= ${SMALL.after} and ${SMALL.window} or ${WINDOW})
    end
    cuts[share.key] = n == limit or nil
    if scanned == 0 then return end
    for from = 1, #fields, 4000 do
      call('HSET', inflight, unpack(fields, from, math.min(from + 3999, #fields)))
    end
    local _, err
    if #tail > 0 then _, err = try('RPUSH', share.key, unpack(tail)) end
    if not err then
      _, err = try('LTRIM', share.key, scanned, -1)
      for _ = 1, err and #tail or 0 do redis.pcall('RPOP', share.key) end
    end
    if err then
      for i = 1, #fields, 2 do call('HDEL', inflight, fields[i]) end
      if candidate and candidate.share == share then candidate = nil end
      seq, cuts[share.key] = first, nil
      return
    end
    if n == 0 then return end
    if share.serial then
      try('HSET', KEYS[SERIAL], share.name, worker)
      holders[share.name] = worker
    end
    runs[#runs + 1] = runOf(share.place, payloads, size)
    count = count + n
  end
  for _, share in ipairs(shares) do
    if not wrong[share.key] and not isOthers(share) then takeFrom(share) end
    full = full or count >= want
    if full then break end
  end
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
