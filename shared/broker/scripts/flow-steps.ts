import { FLOW_STATES } from '../flow-broker.ts';
import { FLOW_RESULTS, MOST_RESULTS } from './flow-results.ts';

/** A group keeps so many of its members in queues or running, where it has no limit of its own; the others wait in the record. */
const MOST_STARTED = 5_000;
/** Members that are pushed when one has ended, and bytes of them: the next ends push the others. */
const STARTED_AT_ONCE = 500;
const BYTES_AT_ONCE = 1_048_576;
/** How long the record of a flow is kept that has stopped, or that was cancelled while steps of it ran; ms. */
export const STOPPED_KEPT_MS = 7 * 86_400_000;

/**
 * Lua, behind READ_ARGUMENTS: what follows when a step of a flow ends. It needs `time`, `QUEUES` and `CONTROL` (places of
 * those keys). Payloads are neither read nor written: a node's text, see job/flow-nodes.ts, has the parts of a step's payload,
 * between which the input, the time and the path are put.
 *
 * `flow.after(f, path)` lets go on what waits for a node, `flow.add(…)` more members of a group. The failure callback is started once,
 * whatever fails after that was retried; what is resumed may have been run by hand meanwhile.
 *
 * `stateOf` gives a state's letters and when that was pushed, `setState` writes both and how long it took.
 *
 * The list of a group is made before what takes it is started, in portions: `flow.unlisted` are the flows, as JSON,
 * of which some are left for another script, which calls `flow.list(f)`; it comes from the worker that ended the group, or from the
 * scheduler, which has a note in flows:lost.
 *
 * `flow.open(id, its three keys, flows, flows:ended, flows:lost, queues {{name, key}…})` gives a flow, or false where it has no record;
 * `flow.ended(f, path, ok, text)` tells that a step has ended, once however often it is called; `flow.start(f, path)` starts a
 * node, `flow.push(f, path, node)` a step; `flow.resume(f)` starts what was held up when the flow stopped; `flow.close()` writes everything down.
 *
 * The record's hash: state, active (steps pushed that have not ended), steps, succeeded, failed (numbers), stopped and blocked
 * (paths, a line each: steps that failed and let nothing go on, and nodes that were not started for that), error (the first
 * one), lists (paths of groups that have ended and whose lists are being made, a line each), head, tail and limits (what stands before, behind the path in a payload, and then, but in callbacks), queues, keep (ms),
 * name, created, ended (epoch ms), reason.
 *
 * States: of a step `q` from when it is pushed, `ok`, `f` failed, `p` failed and passed over, `x` cancelled, each with when it was
 * pushed (epoch ms) and those that have ended with how many ms that took; of a group `<members started> <members ended> <passed over>`.
 */
export const FLOW_STEPS = `
local flow = {unlisted = {}}
do
local flowsOpen, flowList = {}, {}
local function lines(text)
  local found = {}
  for line in string.gmatch(text or '', '[^\\n]+') do found[#found + 1] = line end
  return found
end
local function without(list, path)
  local rest = {}
  for _, one in ipairs(list) do if one ~= path then rest[#rest + 1] = one end end
  return rest
end
function flow.open(id, record, nodes, states, index, ended, lost, queues)
  if flowsOpen[record] ~= nil then return flowsOpen[record] end
  flowsOpen[record] = false
  local got = try('HMGET', record, 'state', 'active', 'steps', 'succeeded', 'failed', 'stopped', 'blocked', 'error', 'head', 'tail',
    'limits', 'keep', 'created', 'lists')
  if not got or not got[1] or not try('HLEN', nodes) or not try('HLEN', states) then return false end
  local f = {id = id, record = record, nodes = nodes, states = states, index = index, endedSet = ended, lost = lost, queues = queues,
    state = got[1], was = got[1], active = tonumber(got[2]), steps = tonumber(got[3]), succeeded = tonumber(got[4]),
    failed = tonumber(got[5]), stopped = lines(got[6]), blocked = lines(got[7]), error = got[8] or '', head = got[9],
    tail = got[10], limits = got[11], keep = tonumber(got[12]), entry = (got[13] or 0) .. ':' .. id, groups = {}, groupList = {}, results = {}, bytes = 0,
    lists = lines(got[14] or '')}
  f.wasListing = #f.lists > 0
  flowsOpen[record] = f
  flowList[#flowList + 1] = f
  return f
end
local function sub(path, mark, n) return path .. mark .. string.format('%d', n) end
local function isCallback(path) return path == 'success' or path == 'failure' end
local function parentOf(path) return string.match(path, '^(.*)([.:])(%d+)$') end
local function nodeOf(f, path) return call('HGET', f.nodes, path) end
local function countOf(node) return tonumber(string.match(node, '^%a (%d+)')) end
local function stateOf(f, path) return string.match(call('HGET', f.states, path) or '', '^(%l+) ?(%d*)') end
local function setState(f, path, kind, since)
  if since and since ~= '' then kind = kind .. ' ' .. since .. ' ' .. string.format('%.0f', time - tonumber(since)) end
  call('HSET', f.states, path, kind)
end
local function groupAt(f, path)
  local group = f.groups[path]
  if group then return group end
  local count, most, taken = string.match(nodeOf(f, path) or '', '^g (%d+) (%d+) (%d)')
  if not count then return nil end
  local started, ended, passed = string.match(call('HGET', f.states, path) or '', '^(%d+) (%d+) (%d+)$')
  most = tonumber(most)
  group = {path = path, count = tonumber(count), most = most > 0 and most or ${MOST_STARTED}, started = tonumber(started or 0),
    ended = tonumber(ended or 0), passed = tonumber(passed or 0), taken = taken == '1'}
  f.groups[path] = group
  f.groupList[#f.groupList + 1] = group
  return group
end
${FLOW_RESULTS}local function block(f, path)
  for _, one in ipairs(f.blocked) do if one == path then return end end
  f.blocked[#f.blocked + 1] = path
end
local function failStep(f, path, text, since)
  call('HSET', f.states, 'e:' .. path, text)
  if f.state == 'cancelled' then
    setState(f, path, 'x', since)
  elseif isCallback(path) then
    setState(f, path, 'f', since)
  else
    f.failed = f.failed + 1
    local passes = string.sub(nodeOf(f, path) or '', 1, 3) == 's c'
    setState(f, path, passes and 'p' or 'f', since)
    if not passes then
      f.state = 'failed'
      f.stopped[#f.stopped + 1] = path
    end
    local parent, mark = parentOf(path)
    local group = passes and mark == ':' and groupAt(f, parent)
    if group then group.passed = group.passed + 1 end
    if f.error == '' then
      f.error = text
      if nodeOf(f, 'failure') and not call('HGET', f.states, 'failure') then flow.start(f, 'failure') end
    end
    if passes then return flow.after(f, path) end
  end
end
local function fault(path, message)
  return '{"step":"' .. path .. '","exception":"FlowError","error":"' .. string.gsub(message, '[%c"\\\\]', ' ') .. '"}'
end
function flow.push(f, path, node)
  local queue, takes, head, rest = string.match(node, '^s %a (%d+) (%d)\\n([^\\n]*)\\n(.*)$')
  queue = queue and f.queues[tonumber(queue)]
  if not queue then return failStep(f, path, fault(path, 'The record of this step cannot be used.')) end
  local payload = head
  if takes == '1' then
    local input, err = inputOf(f, path)
    if not input then
      return failStep(f, path, fault(path, 'The results of ' .. err .. ' are more than ${MOST_RESULTS} bytes together. Return less, or write it elsewhere and return its name.'))
    end
    payload = payload .. (string.sub(head, -1) == '[' and '' or ',') .. input
  end
  if rest ~= '' then payload = payload .. rest .. string.format('%.3f', time / 1000) end
  payload = payload .. f.head .. path .. f.tail .. (isCallback(path) and '' or f.limits) .. '}'
  local _, err = try('RPUSH', queue[2], payload)
  if err then return failStep(f, path, fault(path, 'The queue of this step does not take it: ' .. err)) end
  if not queue[3] then
    try('SADD', KEYS[QUEUES], queue[1])
    queue[3] = true
  end
  call('HSET', f.states, path, string.format('q %.0f', time))
  f.active, f.bytes = f.active + 1, f.bytes + #payload
end
local function groupEnded(f, group)
  if group.taken and f.state ~= 'cancelled' and not makeList(f, group.path, group.count) then
    f.lists[#f.lists + 1] = group.path
    return
  end
  return flow.after(f, group.path)
end
local function fill(f, group)
  if group.filling then return end
  group.filling = true
  local n, bytes = 0, f.bytes
  while group.started < group.count and group.started - group.ended < group.most do
    if (n >= ${STARTED_AT_ONCE} or f.bytes - bytes > ${BYTES_AT_ONCE}) and group.started > group.ended then break end
    if f.state ~= 'running' then
      block(f, group.path)
      break
    end
    n, group.started = n + 1, group.started + 1
    flow.start(f, sub(group.path, ':', group.started - 1))
  end
  group.filling = false
  if group.ended == group.count then return groupEnded(f, group) end
end
function flow.start(f, path)
  if f.state ~= 'running' and not isCallback(path) then return block(f, path) end
  local node = nodeOf(f, path) or ''
  local kind = string.sub(node, 1, 1)
  if kind == 'c' then return flow.start(f, path .. '.0') end
  if kind == 'g' then return fill(f, groupAt(f, path)) end
  return flow.push(f, path, node)
end
function flow.after(f, path)
  if isCallback(path) or f.state == 'cancelled' then return end
  local parent, mark, index = parentOf(path)
  if not parent then
    f.state = 'succeeded'
    if nodeOf(f, 'success') then return flow.start(f, 'success') end
  elseif mark == '.' then
    local next = tonumber(index) + 1
    if next < countOf(nodeOf(f, parent) or 'c 0') then return flow.start(f, sub(parent, '.', next)) end
    return flow.after(f, parent)
  else
    local group = groupAt(f, parent)
    if group then
      group.ended = group.ended + 1
      return fill(f, group)
    end
  end
end
function flow.resume(f)
  f.state = 'running'
  local blocked = f.blocked
  f.blocked = {}
  for _, path in ipairs(blocked) do
    if stateOf(f, path) ~= 'ok' then flow.start(f, path) end
  end
end
function flow.list(f)
  local lists = f.lists
  f.lists = {}
  for _, path in ipairs(lists) do
    local group = groupAt(f, path)
    if group then groupEnded(f, group) end
  end
end
function flow.ended(f, path, ok, text)
  local was, since = stateOf(f, path)
  if was == 'q' then f.active = f.active - 1 end
  if not was or was == 'ok' then return end
  if not ok then
    if was == 'q' then failStep(f, path, text, since) else call('HSET', f.states, 'e:' .. path, text) end
    return
  end
  setState(f, path, 'ok', since)
  if text ~= 'null' then call('HSET', f.states, 'r:' .. path, text) end
  if was ~= 'q' then call('HDEL', f.states, 'e:' .. path) end
  if isCallback(path) then return end
  f.succeeded = f.succeeded + 1
  if was == 'f' or was == 'p' then f.failed = f.failed - 1 end
  if was == 'f' then f.stopped = without(f.stopped, path) end
  if was == 'p' then return end
  if f.state == 'failed' and #f.stopped == 0 then flow.resume(f) end
  flow.after(f, path)
end
function flow.add(f, path, step, nodes, members, steps)
  local state, group = stateOf(f, step), groupAt(f, path)
  if not group or state ~= 'q' and state ~= 'f' then return end
  for i = 1, #nodes, 2 do
    local index, rest = string.match(nodes[i], '^(%d+)(.*)$')
    call('HSET', f.nodes, sub(path, ':', group.count + index) .. rest, nodes[i + 1])
  end
  group.count, f.steps = group.count + members, f.steps + steps
  call('HSET', f.nodes, path, sub('g', ' ', group.count) .. ' ' .. (group.most == ${MOST_STARTED} and 0 or group.most) ..
    (group.taken and ' 1' or ' 0'))
end
local function expireFlow(f, ms)
  for _, name in ipairs({f.record, f.nodes, f.states}) do
    if ms then call('PEXPIRE', name, ms) else call('PERSIST', name) end
  end
  if ms then try('ZADD', f.endedSet, time + ms, f.entry) else try('ZREM', f.endedSet, f.entry) end
end
local function forget(f, entries)
  for _, entry in ipairs(entries) do
    for _, state in ipairs({'all', ${FLOW_STATES.map((state) => `'${state}'`).join(', ')}}) do try('ZREM', f.index, state .. ':' .. entry) end
  end
  try('ZREM', f.endedSet, unpack(entries))
end
local function noteLists(f)
  local left = #f.lists > 0
  local note = '{"id":"' .. f.id .. '","step":"0","queues":' .. call('HGET', f.record, 'queues') .. ',"lists":true}'
  if left then flow.unlisted[#flow.unlisted + 1] = note end
  if left == f.wasListing then return end
  if left then try('RPUSH', f.lost, note) else try('LREM', f.lost, 1, note) end
end
function flow.close()
  for _, f in ipairs(flowList) do
    if #f.lists > 0 or f.wasListing then noteLists(f) end
    for _, group in ipairs(f.groupList) do
      call('HSET', f.states, group.path, string.format('%d %d %d', group.started, group.ended, group.passed))
    end
    call('HSET', f.record, 'state', f.state, 'active', f.active, 'steps', f.steps, 'succeeded', f.succeeded, 'failed', f.failed,
      'stopped', table.concat(f.stopped, '\\n'), 'blocked', table.concat(f.blocked, '\\n'), 'error', f.error,
      'lists', table.concat(f.lists, '\\n'))
    if f.state ~= f.was then
      try('ZREM', f.index, f.was .. ':' .. f.entry)
      try('ZADD', f.index, 0, f.state .. ':' .. f.entry)
    end
    if f.state ~= f.was and f.state == 'running' then
      call('HDEL', f.record, 'ended')
      expireFlow(f)
    elseif f.state ~= f.was then
      call('HSET', f.record, 'ended', string.format('%.0f', time))
    end
    if f.state ~= 'running' then
      local over = f.active <= 0
      expireFlow(f, over and f.state ~= 'failed' and f.keep or math.max(f.keep, ${STOPPED_KEPT_MS}))
      if over and f.state == 'cancelled' then try('HDEL', KEYS[CONTROL], 'cancel:' .. f.id) end
      local gone = try('ZRANGEBYSCORE', f.endedSet, '-inf', time, 'LIMIT', 0, 100)
      if gone and #gone > 0 then forget(f, gone) end
    end
  end
end
end
`;
