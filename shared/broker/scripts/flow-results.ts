/** Bytes of a group's results together, where somebody takes the list. */
export const MOST_RESULTS = 4_194_304;

/**
 * Lua, a part of FLOW_STEPS: `resultOf(f, path)` is the result of a node as JSON, `inputOf(f, path)` what goes into a step,
 * the result of what came before it in its chain, or in the nearest chain around it; nil
 * and the path of a group where its list is too large. The list of a group is made when somebody takes it, and kept.
 */
export const FLOW_RESULTS = `
local resultOf
local function listOf(f, path, count)
  local parts, size = {}, 0
  for from = 0, count - 1, 500 do
    local fields, members, missing = {}, {}, {}
    for i = from, math.min(from + 499, count - 1) do
      members[#members + 1] = sub(path, ':', i)
      fields[#fields + 1] = 'r:' .. members[#members]
    end
    local found = call('HMGET', f.states, unpack(fields))
    for i = 1, #members do if not found[i] then missing[#missing + 1] = members[i] end end
    local kinds = #missing > 0 and call('HMGET', f.nodes, unpack(missing)) or {}
    local k = 0
    for i = 1, #members do
      local text, err = found[i], nil
      if not text then
        k = k + 1
        text = 'null'
        if kinds[k] and string.sub(kinds[k], 1, 1) ~= 's' then text, err = resultOf(f, members[i]) end
        if err then return nil, err end
      end
      parts[#parts + 1] = text
      size = size + #text + 1
    end
    if size > ${MOST_RESULTS} then return nil, path end
  end
  return '[' .. table.concat(parts, ',') .. ']'
end
function resultOf(f, path)
  local known = f.results[path] or call('HGET', f.states, 'r:' .. path)
  if known then return known end
  local node, text, err = nodeOf(f, path) or '', 'null', nil
  local kind = string.sub(node, 1, 1)
  if kind == 'c' then
    text, err = resultOf(f, sub(path, '.', countOf(node) - 1))
  elseif kind == 'g' then
    text, err = listOf(f, path, countOf(node))
    if text then call('HSET', f.states, 'r:' .. path, text) end
  end
  if text then f.results[path] = text end
  return text, err
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
