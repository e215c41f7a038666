import { LONGEST_HASHED, RETRIED_TAIL } from '../element-digest.ts';

/** Elements of a list that are read at a time, at the most… */
const WIDEST = 1_024;
/** … about so many bytes of them… */
const WINDOW_BYTES = 262_144;
/** … and one where one of them that was looked at before is larger than this. */
const LARGE = 65_536;
const FEW = 4;

/**
 * What tells one element of a list from another. `markOf(text)` is of all its bytes; `markWithout(text)` of all but a
 * failed entry's `retried_at`, so that it stays when the entry is retried; `shortMark(text)` is that in few
 * characters. `marks.ts` makes the same.
 */
export const MARKS = `
local function markOf(text)
  if #text <= ${LONGEST_HASHED} then return redis.sha1hex(text) end
  local half = ${LONGEST_HASHED / 2}
  return #text .. '-' .. redis.sha1hex(string.sub(text, 1, half) .. string.sub(text, -half))
end
local function withoutRetriedAt(text)
  local head = string.match(string.sub(text, -${RETRIED_TAIL}), '^(.*),"retried_at":"[^"\\\\{}]*"}$')
  if head then return string.sub(text, 1, math.max(0, #text - ${RETRIED_TAIL}) + #head) .. '}' end
  return text
end
local function markWithout(text) return markOf(withoutRetriedAt(text)) end
local function shortMark(text)
  local kept = withoutRetriedAt(text)
  return #kept .. '.' .. string.sub(markOf(kept), -10)
end
`;

/**
 * Lua, behind READ_ARGUMENTS. `walk(list, from, step, most, bytes, visit)` goes through a list towards its tail (step 1) or
 * its head (-1), and calls `visit(element, position)`, until that returns false, so many were looked at, or so many
 * bytes were read. It reads in windows that grow and shrink with the size of what is there. Returns the position that
 * comes next, and how many it looked at.
 */
export const WALK = `
local function walk(list, from, step, most, bytes, visit)
  local position, width, looked = from, 1, 0
  local function isSmall(i)
    local probe = call('LINDEX', list, position + step * i)
    if not probe or #probe <= ${LARGE} then return true end
    bytes = bytes - #probe
    return false
  end
  while position >= 0 and looked < most and bytes > 0 do
    local wide = math.min(width, most - looked)
    if step < 0 then wide = math.min(wide, position + 1) end
    if wide > 1 and not (isSmall(wide - 1) and (wide <= ${FEW} or isSmall(math.floor(wide / 2)))) then
      wide, width = 1, 1
    end
    local items = step < 0 and call('LRANGE', list, position - wide + 1, position) or call('LRANGE', list, position, position + wide - 1)
    if #items == 0 then return position, looked end
    local largest = 0
    for i = 1, #items do
      local item = step < 0 and items[#items - i + 1] or items[i]
      looked, bytes, largest = looked + 1, bytes - #item, math.max(largest, #item)
      local more = visit(item, position)
      position = position + step
      if more == false then return position, looked end
      if bytes <= 0 then break end
    end
    width = math.max(1, math.min(${WIDEST}, width * 4, math.floor(${WINDOW_BYTES} / (largest + 16))))
  end
  return position, looked
end
`;

/**
 * Lua, behind MARKS and WALK: finds the place between two elements again, in a list that others have pushed to and taken
 * from. `around(list, place, step, first, last, bytes, passed, next)` looks between two positions and answers a
 * score, the position from which to go on, and the position up to which it has looked: `passed` are short marks of
 * what came before the place, the nearest first, `next` those of what comes after it. What is left of both still
 * stands side by side, since nobody inserts into the middle of a list. Of several positions that fit as well, it is
 * the nearest.
 */
export const AROUND = `
local function around(list, place, step, first, last, bytes, passed, next)
  local sizes, marks = {}, {}
  for _, expected in ipairs({passed, next}) do
    for _, mark in ipairs(expected) do sizes[tonumber(string.match(mark, '^%d+'))] = true end
  end
  first = math.max(0, first)
  local upto = walk(list, first, 1, last - first + 1, bytes, function(item, position)
    local kept = withoutRetriedAt(item)
    marks[position] = sizes[#kept] and shortMark(item) or ''
  end)
  local function score(position, direction, expected)
    local i, count = 1, 0
    while i <= #expected and marks[position] do
      local found = i
      while found <= #expected and expected[found] ~= marks[position] do found = found + 1 end
      if found > #expected then break end
      i, count, position = found + 1, count + 1, position + direction
    end
    return count
  end
  local best, at = 0, nil
  for position = first - 1, upto do
    local fits = score(position - step, -step, passed) + score(position, step, next)
    if fits > best or fits > 0 and fits == best and math.abs(position - place) < math.abs(at - place) then
      best, at = fits, position
    end
  end
  return best, at, upto
end
`;
