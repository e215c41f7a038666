import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { AROUND, MARKS, WALK } from './list-walk.ts';

/** What the script answers in place of a result: its place is not to be found nearby. */
export const MOVED = -1;
/** Marks on either side of a place, by which it is found again; not more than so many bytes are read for them. */
export const ANCHORS = 8;
const ANCHOR_BYTES = 1_048_576;
/** An element is compared with its neighbour only if it is smaller, bytes. */
const ONE_LOOK = 1_048_576;
/** So far is a place looked for at once. */
export const NEAR = 200;
const NEAR_BYTES = 2_097_152;
/** So many of the marks must fit for a place to be the one without a look at all the others. */
export const SURE = 3;

/** Lua, behind READ_ARGUMENTS: `texts()`: a number, and so many texts. */
const TEXTS = `
local function texts()
  local list = {}
  for i = 1, int() do list[i] = arg() end
  return list
end
`;

/**
 * Look through lists for what holds given texts. A list that is none counts as empty.
 *
 * KEYS  lists, in the order in which they are looked through
 * ARGV  1 to go towards the tails, -1 towards the heads
 *       position in the first list from which to go on, '' for its beginning
 *       number of short marks of what came before that place (the nearest first), they; the same of what comes after
 *       it; 0 and 0 to take the position as it is
 *       most elements to look at; most bytes to read; most elements to answer; most bytes of them (one is answered
 *       even if it is larger)
 *       number of texts, they: each must be in what is answered, byte by byte
 *       times as Ruby writes them (2026/11/20 20:29:37), or '': a failed entry that begins with an earlier one than
 *       the first, or not an earlier one than the second, is left out
 * Returns {MOVED} or {place of the list (from 0) where it ended, number of KEYS where that is everything; position
 *         there from which to go on; elements looked at; {place of the list, position, element…}; short marks of what
 *         came before; of what comes after; length of the list where it ended; keys that are no lists {{key,
 *         error}…}}
 */
export const searchLists = defineScript(
  'search-lists',
  `${READ_ARGUMENTS}${TEXTS}${MARKS}${WALK}${AROUND}
local step, from = int(), int()
local passed, next = texts(), texts()
local most, bytes, want, room = int(), int(), int(), int()
local needles, since, before = texts(), arg(), arg()
local function lengthOf(list) return try('LLEN', list) or 0 end
local function startOf(list) return step > 0 and 0 or lengthOf(list) - 1 end
-- Two large elements are hardly ever the same: one look is enough.
local function isThere()
  local item = from >= 0 and call('LINDEX', KEYS[1], from)
  if not item or shortMark(item) ~= next[1] then return not item and not next[1] end
  if #item > ${ONE_LOOK} or not passed[1] then return true end
  local before = from - step >= 0 and call('LINDEX', KEYS[1], from - step)
  return before and shortMark(before) == passed[1]
end
if not from then
  from = startOf(KEYS[1])
elseif #passed + #next > 0 and lengthOf(KEYS[1]) > 0 and not isThere() then
  local score, found = around(KEYS[1], from, step, from - ${NEAR}, from + ${NEAR}, ${NEAR_BYTES}, passed, next)
  if score < math.min(${SURE}, #passed + #next) then return {${MOVED}} end
  from = found
end

local function fits(item)
  for _, needle in ipairs(needles) do
    if not string.find(item, needle, 1, true) then return false end
  end
  if since == '' and before == '' then return true end
  local at = string.match(item, '^{"failed_at":"(%d%d%d%d/%d%d/%d%d %d%d:%d%d:%d%d) UTC"')
  return not at or (since == '' or at >= since) and (before == '' or at < before)
end
local found, looked, l, position, last = {}, 0, 1, from, nil
while l <= #KEYS do
  local length = lengthOf(KEYS[l])
  if length > 0 and position < length and position >= 0 then
    local done
    position, done = walk(KEYS[l], position, step, most, bytes, function(item, at)
      bytes, last = bytes - #item, item
      if not fits(item) then return true end
      found[#found + 1], found[#found + 2], found[#found + 3] = l - 1, at, item
      want, room = want - 1, room - #item
      return want > 0 and room > 0
    end)
    looked, most = looked + done, most - done
  end
  if position >= 0 and position < length then break end
  l, last = l + 1, nil
  if KEYS[l] then position = startOf(KEYS[l]) end
  if want <= 0 or room <= 0 or most <= 0 or bytes <= 0 then break end
end
if l > #KEYS then return {#KEYS, 0, looked, found, {}, {}, 0, wrongKeys()} end
local function anchors(at, direction, first)
  local marks, read = {}, 0
  for i = 1, ${ANCHORS} do
    local item = i == 1 and first or at >= 0 and read < ${ANCHOR_BYTES} and try('LINDEX', KEYS[l], at)
    if not item then break end
    marks[i], at, read = shortMark(item), at + direction, read + #item
  end
  return marks
end
return {l - 1, position, looked, found, anchors(position - step, -step, last), anchors(position, step), lengthOf(KEYS[l]), wrongKeys()}
`,
);

/**
 * Look for a place in one part of a list, from which many elements have gone.
 *
 * KEYS  1 the list
 * ARGV  1 or -1 as in `searchLists`; position where the place was; first and last position of the part; most bytes to
 *       read; number of marks of what came before, they; of what comes after, they
 * Returns {length of the list, how many of the marks fit, position that they fit, or -1; position up to which it has
 *         looked}
 */
export const locatePlace = defineScript(
  'locate-place',
  `${READ_ARGUMENTS}${TEXTS}${MARKS}${WALK}${AROUND}
local step, place, first, last, bytes = int(), int(), int(), int(), int()
local passed, next = texts(), texts()
local length = call('LLEN', KEYS[1])
local score, position, upto = around(KEYS[1], place, step, first, last, bytes, passed, next)
return {length, score, position or -1, upto}
`,
);

/**
 * Read an element, wherever it is now: at its place, or further towards the head.
 *
 * KEYS  1 the list
 * ARGV  position from which on to look; its mark; `whole` or `without`, what the mark is of; its mark without when it
 *       was retried, by which one that was retried meanwhile is known, or ''; most elements to look at; most bytes to read
 * Returns {position, element}, or {position from which on to look further}, which is -1 where all was looked through
 */
export const readElement = defineScript(
  'read-element',
  `${READ_ARGUMENTS}${MARKS}${WALK}
local from, mark, how, rest, most, bytes = int(), arg(), arg(), arg(), int(), int()
local length = try('LLEN', KEYS[1]) or 0
if length == 0 then return {-1} end
local found, at, retried
local position = walk(KEYS[1], math.min(from, length - 1), -1, most, bytes, function(item, position)
  if (how == 'whole' and markOf or markWithout)(item) == mark then
    found, at = item, position
    return false
  end
  retried = rest ~= '' and markWithout(item) == rest
  return not retried
end)
if found then return {at, found} end
if retried then return {-1} end
return {position}
`,
);
