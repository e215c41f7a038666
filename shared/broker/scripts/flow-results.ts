/** Bytes of a group's results together, where somebody takes the list. */
export const MOST_RESULTS = 4_194_304;
/** Results that one script puts into lists: the next one goes on, since no other client is served meanwhile. */
const LISTED_AT_ONCE = 10_000;

/**
 * Lua, a part of FLOW_STEPS: `resultOf(f, path)` is the result of a node as JSON, `inputOf(f, path)` what goes into a step,
 * the result of what came before it in its chain, or in the nearest chain around it; nil and the path of a group where its list
 * is too large. `makeList(f, path, count)` makes the list of a group that has ended, and is false where there is more to do. What there
 * is so far stands in `l:<path>`, behind the number of results in it.
 */
export const FLOW_RESULTS = `
local listing = ${LISTED_AT_ONCE}
local function resultOf(f, path)
  local known = f.results[path] or call('HGET', f.states, 'r:' .. path)
  if known then
    f.results[path] = known
    return known
  end
  local node = nodeOf(f, path) or ''
  local kind = string.sub(node, 1, 1)
  if kind == 'c' then return resultOf(f, sub(path, '.', countOf(node) - 1)) end
  if kind == 'g' then return nil, path end
  return 'null'
end
local function makeList(f, path, count)
  local known, field = call('HGET', f.states, 'l:' .. path), 'r:' .. path .. ':'
  local from, text = string.match(known or '', '^(%d+) (.*)$')
  from = tonumber(from or 0)
  -- It may have had no turn at all yet.
  local parts, size = {from > 0 and text or nil}, #(text or '')
  while from < count do
    if listing <= 0 then
      call('HSET', f.states, 'l:' .. path, string.format('%d ', from) .. table.concat(parts, ','))
      return false
    end
    local fields, missing = {}, {}
    for i = from, math.min(from + 499, count - 1) do fields[#fields + 1] = field .. string.format('%d', i) end
    local found = call('HMGET', f.states, unpack(fields))
    for i = 1, #fields do if not found[i] then missing[#missing + 1] = string.sub(fields[i], 3) end end
    local kinds = #missing > 0 and call('HMGET', f.nodes, unpack(missing)) or {}
    local k = 0
    for i = 1, #fields do
      local text, large = found[i], nil
      if not text then
        k = k + 1
        text = 'null'
        if kinds[k] and string.sub(kinds[k], 1, 1) ~= 's' then text, large = resultOf(f, missing[k]) end
      end
      size = size + #(text or '') + 1
      if large or size > ${MOST_RESULTS} then
        count = -1
        break
      end
      parts[#parts + 1] = text
    end
    from, listing = from + #fields, listing - #fields - 2 * #missing
  end
  if from == count then call('HSET', f.states, 'r:' .. path, '[' .. table.concat(parts, ',') .. ']') end
  if known then call('HDEL', f.states, 'l:' .. path) end
  return true
end
local function inputOf(f, path)
  if path == 'failure' then return f.error end
  if path == 'success' then return resultOf(f, '0') end
  local parent, mark, index = parentOf(path)
  while parent do
    if mark == '.' and index ~= '0' then return resultOf(f, sub(parent, '.', index - 1)) end
    parent, mark, index = parentOf(parent)
  end
  return 'null'
end
`;
