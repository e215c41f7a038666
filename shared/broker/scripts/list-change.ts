import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { WAITING_EFFECTS } from './carry-out.ts';
import { CALLED_MS } from './gates.ts';
import { MARKS, WALK } from './list-walk.ts';
import { DATE_TEXT, PAYLOAD } from './lua.ts';

/** What became of an element. Any other number is the position from which on to look for it further. */
export const CHANGED = -2;
export const GONE = -1;
const REFUSED = -3;

/** Stands in the place of an element that is removed, until the end of the script. */
const HOLE = 'lambdesque:removed:5b8e1c07';

/** So many more than a list has become shorter by may have gone before an element: others were pushed meanwhile. */
const MARGIN = 1_000;

/**
 * Lua: `bytesOf(text)`: each character of the text is one byte, U+0000 to U+00FF. So bytes that are not UTF-8 travel
 * to Redis, since arguments are text.
 */
const BYTES_OF = `
local byte = {}
for code = 128, 255 do byte[string.char(192 + math.floor(code / 64), 128 + code % 64)] = string.char(code) end
local function bytesOf(text) return (string.gsub(text, '[\\194\\195][\\128-\\191]', byte)) end
`;

/**
 * Change elements of a list, each found by its mark at its place, or further towards the head, where it is when others
 * before it have gone. Payload bytes are cut out of the element as it stands.
 *
 * KEYS  1 the list  2 queues  then what ARGV names by its place
 * ARGV  time; most elements to look at, for all together; most bytes to read; length of the list when they were read, or
 *       -1 to look in all of it
 *       for each: position from which on to look; where it was at first; its mark; `whole` or `without`, what the mark is
 *       of; its mark without when it was retried, by which one that was retried meanwhile is known, or ''; then
 *       remove  and the effects of that (number; kind, what it needs)
 *       head: it becomes the first
 *       start  place of the queue's key, its name; bytes before the payload; place of the key `limit:<gate>`: it becomes the
 *              first of its queue, and a place is kept for it
 *       retry  place of the queue's key, its name; first and last byte of the payload in the entry (from 1), or 0, 0;
 *       the payload as `bytesOf` takes it, or '';
 *              first and last byte of what is replaced by when it was retried; what stands before and behind that; effects as
 *              of remove
 * Returns {what became of each, keys that did not take theirs {{key, error}…}}
 */
export const changeElements = defineScript(
  'change-elements',
  `${NOW}${READ_ARGUMENTS}${PAYLOAD}${DATE_TEXT}${MARKS}${WALK}${BYTES_OF}
local list, time, most, bytes, were = KEYS[1], now(arg()), int(), int(), int()
${WAITING_EFFECTS}
-- Changes nothing; it opens the script with a write that a full Redis allows.
if try('LTRIM', list, 0, -1) == nil then return {{}, wrongKeys()} end
local length, holes, lowest, answer = call('LLEN', list), 0, math.huge, {}
local actions = {}
-- Of many that are gone each looks at the same elements.
local wholes, withouts = {}, {}
local function wholeOf(item)
  local mark = wholes[item] or markOf(item)
  wholes[item] = mark
  return mark
end
local function restOf(item)
  local mark = withouts[item]
  if not mark then
    local kept = withoutRetriedAt(item)
    mark = kept == item and wholeOf(item) or markOf(kept)
    withouts[item] = mark
  end
  return mark
end
local function remove(at)
  call('LSET', list, at, '${HOLE}')
  holes, lowest = holes + 1, math.min(lowest, at)
end
function actions.remove(entry, at)
  if entry then remove(at) end
  carryOut(entry ~= nil)
end
function actions.head(entry, at)
  if not entry then return end
  remove(at)
  call('LPUSH', list, entry)
end
function actions.start(entry, at)
  local queue, name, prefix, limit = key(), arg(), int(), key()
  if not entry then return end
  local payload = string.sub(entry, prefix + 1)
  if select(2, try('LPUSH', queue, payload)) then return ${REFUSED} end
  try('SADD', KEYS[2], name)
  remove(at)
  local field, known = '+' .. redis.sha1hex(original(payload)), try('EXISTS', limit)
  local expires, tickets = string.match(known == 1 and try('HGET', limit, field) or '', '^(%d+) (%d+)$')
  local count = expires and tonumber(expires) > time and tonumber(tickets) or 0
  try('HSET', limit, field, string.format('%.0f %d', time + ${CALLED_MS}, count + 1))
  if known == 0 then try('PEXPIRE', limit, ${CALLED_MS}) end
end
function actions.retry(entry, at)
  local queue, name, from, to, text = key(), arg(), int(), int(), arg()
  local cutFrom, cutTo, before, behind = int(), int(), arg(), arg()
  local payload = entry and original(from > 0 and string.sub(entry, from, to) or bytesOf(text))
  local err = entry and select(2, try('RPUSH', queue, payload))
  carryOut(not err and payload)
  if err then return ${REFUSED} end
  if not entry then return end
  try('SADD', KEYS[2], name)
  call('LSET', list, at, string.sub(entry, 1, cutFrom - 1) .. before .. dateText('%04d/%02d/%02d %02d:%02d:%02d', time)
    .. behind .. string.sub(entry, cutTo + 1))
end
while at < #ARGV do
  local from, first, mark, mark_of, rest = int(), int(), arg(), arg() == 'whole' and wholeOf or restOf, arg()
  local entry, place, retried
  local floor = were < 0 and 0 or math.max(0, first - math.max(0, were - length) - ${MARGIN})
  from = math.min(from, length - 1)
  local position, looked = walk(list, from, -1, math.min(most, from - floor + 1), bytes, function(item, position)
    bytes = bytes - #item
    if mark_of(item) == mark then
      entry, place = item, position
      return false
    end
    retried = rest ~= '' and restOf(item) == rest
    return not retried
  end)
  most = most - looked
  if retried or position < floor then position = ${GONE} end
  local refused = actions[arg()](entry, place)
  answer[#answer + 1] = refused or entry and ${CHANGED} or position
end
-- From the end that is nearer, and no further than to the last of them.
if holes > 0 then call('LREM', list, lowest > length / 2 and -holes or holes, '${HOLE}') end
return {answer, wrongKeys()}
`,
);

/**
 * Append elements to a list.
 *
 * KEYS  1 the list  2 the set of lists that its name is to be in
 * ARGV  name to add to the set, or ''; for each element: t and the text, or b and its bytes as characters
 * Returns the new length.
 */
export const appendElements = defineScript(
  'append-elements',
  `${READ_ARGUMENTS}${BYTES_OF}
local name, length = arg(), 0
if name ~= '' then call('SADD', KEYS[2], name) end
while at < #ARGV do
  local kind, text = arg(), arg()
  length = call('RPUSH', KEYS[1], kind == 'b' and bytesOf(text) or text)
end
return length
`,
);

/**
 * Remove a whole list.
 *
 * KEYS  1 the list
 * Returns how many elements it had.
 */
export const clearList = defineScript(
  'clear-list',
  `
local length = redis.call('LLEN', KEYS[1])
redis.call('DEL', KEYS[1])
return length
`,
);
