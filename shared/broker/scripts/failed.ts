import { WRAPPER } from '../../wire/active-job/envelope.ts';
import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { MARKS, WALK } from './list-walk.ts';

/** Bytes of a message that are answered: the fingerprint is of its first 120 characters. */
const MESSAGE = 720;
/** And of an entry that does not look as most do. */
const WHOLE = 16_384;
/** Of an answer. */
const MOST_ANSWER = 4_194_304;

/**
 * Count what failed in the same way, in one part of a failed list, from its end. What stands where Ruby, PHP, Go,
 * Node and we write it is read here; other entries are answered whole, for the caller to read.
 *
 * KEYS  1 the list
 * ARGV  last and first position of the part; most bytes to read
 * Returns {length of the list; position before the first that was counted; short mark of the last; {number, time of
 *         the first, of the last, class, exception, queue, beginning of the last one's message…} with texts as JSON
 *         has them; {beginning of an entry…}}
 */
export const countFailed = defineScript(
  'count-failed',
  `${READ_ARGUMENTS}${MARKS}${WALK}
local last, first, bytes = int(), int(), int()
local length = try('LLEN', KEYS[1]) or 0
last = math.min(last, length - 1)
local rows, order, others, size, mark = {}, {}, {}, 0, ''
local find, sub, match, gsub, byte = string.find, string.sub, string.match, string.gsub, string.byte
-- A JSON text from its first character on, up to its end or so many bytes.
local function textAt(entry, from)
  local plain = match(entry, '^[^"\\\\]*', from)
  if #plain < ${MESSAGE} and byte(entry, from + #plain) == 34 then return plain end
  local piece = sub(entry, from, from + ${MESSAGE - 1})
  local i = 1
  while true do
    local found = find(piece, '["\\\\]', i)
    if not found then return piece end
    if sub(piece, found, found) == '"' then return sub(piece, 1, found - 1) end
    i = found + 2
  end
end
local function read(entry)
  local at = match(entry, '^{"failed_at":"([^"\\\\]*)"') or match(sub(entry, -200), ',"failed_at":"([^"\\\\]*)"[^"]*}$')
  local payload = at and find(entry, '"payload":{"class":"', 1, true)
  local class = payload and match(entry, '^([^"\\\\]*)"', payload + 20)
  if not class then return end
  if class == '${WRAPPER}' then class = match(entry, '"job_class":"([^"\\\\]*)"', payload) or class end
  -- The payload may hold such keys as well; the entry's own stand behind it.
  local from, exception = payload, nil
  while true do
    local next = find(entry, '","error":"', from, true)
    if not next then break end
    exception, from = next, next + 1
  end
  if not exception then return end
  local name = match(sub(entry, math.max(1, exception - 80), exception - 1), ',"exception":"([^"\\\\]*)$')
  if not name then return end
  local queue = match(entry, ',"queue":"([^"\\\\]*)"[^"]*}$', -120) or match(sub(entry, -400), '^.*,"queue":"([^"\\\\]*)"') or match(sub(entry, 1, payload - 1), ',"queue":"([^"\\\\]*)",$')
  if not queue then return end
  return at, class, name, queue, textAt(entry, exception + 11)
end
local position, looked = walk(KEYS[1], last, -1, last - first + 1, bytes, function(entry, position)
  if mark == '' then mark = shortMark(entry) end
  local at, class, name, queue, message = read(entry)
  if not at then
    others[#others + 1] = sub(entry, 1, ${WHOLE})
    size = size + math.min(#entry, ${WHOLE})
    return size < ${MOST_ANSWER}
  end
  local day = match(at, '^%d%d%d%d.%d%d.%d%d') 
  if not (day and find(at, '[CZ]$')) then day = gsub(at, '(%d:%d%d):[%d.]+', '%1') end
  local alike = find(message, '\\\\u', 1, true) and message or gsub(message, '%d+', '0')
  local id = day .. '\\n' .. class .. '\\n' .. name .. '\\n' .. queue .. '\\n' .. alike
  local row = rows[id]
  if row then
    row[1], row[2] = row[1] + 1, at
    return true
  end
  row = {1, at, at, class, name, queue, message}
  rows[id], order[#order + 1] = row, row
  size = size + #id + #message + 60
  return size < ${MOST_ANSWER}
end)
local flat = {}
for _, row in ipairs(order) do
  for i = 1, 7 do flat[#flat + 1] = row[i] end
end
return {length, looked > 0 and position or first - 1, mark, flat, others}
`,
);

/**
 * The short marks of elements, to see whether they are still where they were.
 *
 * KEYS  1 the list
 * ARGV  time; positions
 * Returns {length of the list; a mark for each, '' where there is none; the time (epoch ms)}
 */
export const marksAt = defineScript(
  'marks-at',
  `${NOW}${READ_ARGUMENTS}${MARKS}
local time = now(arg())
local length, marks, bytes = try('LLEN', KEYS[1]) or 0, {}, 8388608
for i = 1, #ARGV - 1 do
  local entry = length > 0 and bytes > 0 and call('LINDEX', KEYS[1], arg())
  marks[i] = entry and shortMark(entry) or ''
  bytes = bytes - (entry and #entry or 0)
end
return {length, marks, time}
`,
);

/**
 * When the first entries of a failed list failed.
 *
 * KEYS  1 the list
 * ARGV  most entries; most bytes to read
 * Returns {length of the list; the time of each as the entry has it, or ''; mark of each; Redis's words where it is
 *         no list, or ''}
 */
export const oldestFailed = defineScript(
  'oldest-failed',
  `${READ_ARGUMENTS}${MARKS}${WALK}
local most, bytes = int(), int()
local length, err = try('LLEN', KEYS[1])
if err then return {0, {}, {}, err} end
local times, marks = {}, {}
walk(KEYS[1], 0, 1, most, bytes, function(entry)
  times[#times + 1] = string.match(entry, '^{"failed_at":"([^"\\\\]*)"') or string.match(entry, '.*"failed_at":"([^"\\\\]*)"') or ''
  marks[#marks + 1] = shortMark(entry)
end)
return {length, times, marks, ''}
`,
);

/**
 * Remove the first entries of a failed list.
 *
 * KEYS  1 the list
 * ARGV  how many at the most; how many to leave; or, where that is '', mark of the last that goes, which must be
 *       where it was
 * Returns {how many were removed, how many are left}
 */
export const trimFailed = defineScript(
  'trim-failed',
  `${READ_ARGUMENTS}${MARKS}
local count, leave, mark = int(), int(), arg()
local length = redis.pcall('LLEN', KEYS[1])
if type(length) ~= 'number' then return {0, 0, length.err} end
if leave then count = math.max(0, math.min(count, length - leave)) end
if not leave and count > 0 then
  local last = call('LINDEX', KEYS[1], count - 1)
  if not last or shortMark(last) ~= mark then count = 0 end
end
if count > 0 then call('LTRIM', KEYS[1], count, -1) end
return {count, math.max(0, length - count), ''}
`,
);
