/** Payloads of so many bytes together are looked at as one text, which is less work than to look at each; a longer text is more. */
export const TOGETHER = 8_192;
/** Payloads are read so many at a time: of the largest that Upstash takes, 10 MB, three may be read for nothing. */
export const WINDOW = 4;
/** Payloads are read one at a time, where the last of the next ones or any before was larger than this: what does not fit is read for nothing. */
export const LARGE = 262_144;
/**
 * Behind payloads that were all of so many bytes or less, this part of as many is read at a time, up to a window of so many:
 * its middle and its last one tell whether large ones follow.
 */
export const SMALL = { bytes: 16_384, part: 1 / 4, window: 128 };
/** Jobs of several queues that are taken together. */
const MOST_TOGETHER = 256;

/** Lua, inside of `reserve`: whether the payload at a place is large, and how many to read at a time once there are so many. */
export const READS = `
  local function isLarge(share, index)
    local probe = try('LINDEX', share.key, index)
    return probe and #probe > ${LARGE}
  end
  local function widen(n)
    width = math.max(${WINDOW}, small and math.min(${SMALL.window}, math.floor(n * ${SMALL.part})) or 0)
  end`;

/**
 * Lua, inside of `reserve`: queues that hold few jobs, and only such as can be taken, are read whole; what several of them
 * hold is put in flight together, and then they are removed. `readWhole(share, length)` is false for any other queue; the
 * jobs that it has read are taken with `takeWhole()`.
 */
export const WHOLE_QUEUES = `
  local whole, read, payloads, payloadBytes = {}, {}, {}, 0
  local function takeWhole()
    if #whole == 0 then return end
    local queues, items, first = whole, payloads, seq
    local plain, inLines = look(items, payloadBytes)
    local size, keys, places, at = payloadBytes, {}, {}, 0
    whole, read, payloads, payloadBytes = {}, {}, {}, 0
    if plain then
      for i, share in ipairs(queues) do
        local suffix = ':' .. share.name
        keys[i], places[2 * i - 1], places[2 * i] = share.key, share.place, share.length
        for j = at + 1, at + share.length do
          entries[2 * j - 1], entries[2 * j] = fieldOf(seq, suffix), items[j]
          seq = seq + 1
        end
        at = at + share.length
      end
      call('HSET', inflight, unpack(entries, 1, 2 * at))
      if type(redis.pcall('DEL', unpack(keys))) == 'number' then
        runs[#runs + 1] = runOf(places, items, size, inLines)
        count, bytes = count + at, bytes + size
        return
      end
      -- One of them is not to be removed: which one shows when each is taken by itself.
      local fields = {}
      for j = 1, at do fields[j] = entries[2 * j - 1] end
      call('HDEL', inflight, unpack(fields))
      seq = first
    end
    for _, share in ipairs(queues) do
      if count < want then takeFrom(share, share.length) end
    end
  end
  local function readWhole(share, length)
    -- It may stand in the order twice.
    if read[share.key] then return true end
    if share.serial or limited[share.name] or length > width then return false end
    if length >= math.min(share.limit, want - count - #payloads) then return false end
    if large or length > 1 and (isLarge(share, -1) or length > ${WINDOW} and isLarge(share, math.floor(length / 2) - 1)) then
      return false
    end
    local items, size, largest = try('LRANGE', share.key, 0, -1), 0, 0
    if not items then return true end
    for i = 1, #items do
      local length = #items[i]
      size = size + length
      if length > largest then largest = length end
    end
    if largest > ${SMALL.bytes} or bytes + payloadBytes + size > maxBytes then return false end
    if #payloads + length > ${MOST_TOGETHER} or payloadBytes + size > ${TOGETHER} then
      takeWhole()
      -- Fewer may be wanted than were read.
      if length >= want - count or bytes + size > maxBytes then return false end
    end
    for i = 1, length do payloads[#payloads + 1] = items[i] end
    share.length, read[share.key], whole[#whole + 1], payloadBytes = length, true, share, payloadBytes + size
    widen(count + #payloads)
    return true
  end`;
