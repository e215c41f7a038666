import type { Effect } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';

/** resque-status's record of a job, where its producer made one. */
export function encodeResqueStatus(status: Effect<'resqueStatus'>, call: ScriptCall, keys: Keys): void {
  const members = Object.entries(status.members);
  call.add(call.key(keys.resqueStatus(status.uuid)), members.length);
  for (const [name, value] of members) call.add(JSON.stringify(name), value);
  call.add(status.ttl ?? '');
}

/**
 * The record is its producer's, with its options and what handlers wrote: all but the members that change keeps its bytes.
 * `withMembers(text, list)` is nil where the text is no object.
 */
export const RESQUE_STATUS = String.raw`
local function endOfText(text, at)
  at = at + 1
  while true do
    at = string.find(text, '["\\]', at)
    if not at or string.byte(text, at) == 34 then return at end
    at = at + 2
  end
end
local function endOfValue(text, at)
  local first, depth = string.sub(text, at, at), 0
  if first == '"' then return endOfText(text, at) end
  if first ~= '{' and first ~= '[' then
    local behind = string.find(text, '[,}%s]', at)
    return behind and behind > at and behind - 1 or nil
  end
  while true do
    at = string.find(text, '["{}%[%]]', at)
    if not at then return nil end
    local mark = string.sub(text, at, at)
    if mark == '"' then
      at = endOfText(text, at)
      if not at then return nil end
    else
      depth = depth + ((mark == '{' or mark == '[') and 1 or -1)
      if depth == 0 then return at end
    end
    at = at + 1
  end
end
local function withMembers(text, list)
  local at, parts, from, set = string.match(text, '^%s*{()'), {}, 1, {}
  if not at then return nil end
  for i = 1, #list, 2 do set[list[i]] = list[i + 1] end
  local name, value, isEmpty = string.match(text, '^%s*()"', at), nil, true
  while name do
    local ends = endOfText(text, name)
    value = ends and string.match(text, '^%s*:%s*()', ends + 1)
    local last = value and endOfValue(text, value)
    if not last then return nil end
    local key = string.sub(text, name, ends)
    if set[key] then
      parts[#parts + 1] = string.sub(text, from, value - 1) .. set[key]
      set[key], from = nil, last + 1
    end
    isEmpty, at = false, last + 1
    name = string.match(text, '^%s*,%s*()"', at)
  end
  if not string.find(text, '^%s*}%s*$', at) then return nil end
  parts[#parts + 1] = string.sub(text, from, at - 1)
  for i = 1, #list, 2 do
    if set[list[i]] then
      parts[#parts + 1] = (isEmpty and '' or ',') .. list[i] .. ':' .. list[i + 1]
      isEmpty = false
    end
  end
  return table.concat(parts) .. '}'
end
-- ARGV  the record's key; number of members, each: its name, its value, as JSON; seconds to live ('': as long as it has)
function effects.resqueStatus(held)
  local name, list = key(), {}
  for i = 1, 2 * int() do list[i] = arg() end
  local ttl, record = arg(), held and try('GET', name)
  local changed = record and withMembers(record, list)
  if not changed then return end
  local left = call('PTTL', name)
  try('SET', name, changed)
  if ttl ~= '' then try('EXPIRE', name, ttl) elseif left > 0 then try('PEXPIRE', name, left) end
end
`;
