/** Pieces of Lua that several scripts share. */

/** '000' to '999'. */
const DIGITS = Array.from({ length: 1000 }, (_, i) => `'${String(i).padStart(3, '0')}'`).join();

/**
 * `fieldOf(seq, suffix)`: the field of a job. Numbers become text slowly in Lua, and each job's has one, twice: the last
 * three digits are at hand.
 */
export const FIELD_OF = `
local digits, thousands, front
local function fieldOf(seq, suffix)
  if seq < 1000 then return seq .. suffix end
  local t = math.floor(seq / 1000)
  if t ~= thousands then thousands, front, digits = t, t .. '', digits or {${DIGITS}} end
  return front .. digits[seq - t * 1000 + 1] .. suffix
end
`;

/**
 * The record of past attempts in a payload. `cut(payload)` → head, rest, id, attempts, deaths, errors: head .. rest is the
 * producer's payload; id and what follows are nil where nothing was spliced in; errors is '' or the whole member that tells
 * them; head is nil where the payload does not open like an object. `original(payload)` is the producer's payload.
 * `deathsOf(payload)` is how many workers died with it; none, where `OPENING` stands nowhere in it.
 */
export const PAYLOAD = String.raw`
local OPENING = '{"lambdesque":{'
local SPLICED = '^([ \t\n\r]*{)"lambdesque":{"id":"([^"\\{}]*)","attempts":(%d+),"deaths":(%d+)([^\\{}]*)},'
local WHOLE = SPLICED .. '(.*)$'
local function isRecord(attempts, deaths, errors)
  return #attempts < 10 and #deaths < 10 and (errors == '' or string.find(errors, '^,"errors":"[^"]*"$') ~= nil)
end
local function cut(payload)
  local head, id, attempts, deaths, errors, rest = string.match(payload, WHOLE)
  if head and isRecord(attempts, deaths, errors) then return head, rest, id, tonumber(attempts), tonumber(deaths), errors end
  return string.match(payload, '^([ \t\n\r]*{)(.*)$')
end
local function original(payload)
  local head, rest, id = cut(payload)
  if id then return head .. rest end
  return payload
end
local function deathsOf(payload)
  -- For nearly every job: none, as its first and third characters tell.
  if string.byte(payload, 1) == 123 and string.byte(payload, 3) ~= 108 then return 0 end
  local _, _, attempts, deaths, errors = string.match(payload, SPLICED)
  return deaths and isRecord(attempts, deaths, errors) and tonumber(deaths) or 0
end
`;

/**
 * `dateText(format, ms)`: year, month, day, hour, minute and second of an epoch time, in UTC.
 * @see https://howardhinnant.github.io/date_algorithms.html#civil_from_days
 */
export const DATE_TEXT = `
local function dateText(format, ms)
  local seconds = math.floor(ms / 1000)
  local z = math.floor(seconds / 86400) + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  local rest = seconds % 86400
  return string.format(format, year, month, doy - math.floor((153 * mp + 2) / 5) + 1,
    math.floor(rest / 3600), math.floor(rest / 60) % 60, rest % 60)
end
`;

/** About so many bytes are in one text of an answer: one long text would be more work, since Lua gets and gives back its memory each time. */
const PIECE = 4_096;

/**
 * `runOf(share, payloads, size, inLines)`: payloads of one queue, as they are answered: {share, how many, they in lines, some in each
 * text…} or, where one holds a newline, {share, lengths, payloads one behind the other}. `size` is their bytes.
 */
export const RUN_OF = `
local concat = table.concat
local function runOf(share, payloads, size, inLines)
  local count = #payloads
  if not inLines then
    local lengths = {}
    for i, payload in ipairs(payloads) do lengths[i] = #payload end
    return {share, lengths, concat(payloads)}
  end
  local run, width = {share, count}, math.max(1, math.floor(${PIECE} * count / (size + 1)))
  for from = 1, count, width do
    run[#run + 1] = width == 1 and payloads[from] or concat(payloads, '\\n', from, math.min(from + width - 1, count))
  end
  return run
end
`;
