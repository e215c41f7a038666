import { READ_ARGUMENTS } from '../ops/call.ts';
import { OPEN_FLOW } from '../ops/flow.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';
import { STOPPED_KEPT_MS } from './flow-steps.ts';

/** What the script answers instead of a flow's state. */
export const NO_FLOW = -1;

/**
 * Change a flow.
 *
 * KEYS  1 queues  2 control  3 flows:lost  then those that ARGV names by their place
 * ARGV  time; what openFlow reads; what is to be done:
 *       `cancel`, the reason: nothing of it is started any more
 *       `retry`, path or '': the step there, or all that failed and let nothing go on, are pushed again, and it goes on
 *       `lists`, '', '', element of flows:lost that says so: its lists of results are gone on with
 *       `fail`, path, error as JSON, element of flows:lost that says so, or '': a step has ended where no worker could tell
 * Returns {NO_FLOW}, or {its state before, number of steps that were pushed again, keys of another type, number of lists that it waits for}.
 */
export const changeFlow = defineScript(
  'change-flow',
  `${NOW}${READ_ARGUMENTS}
local QUEUES, CONTROL, LOST = 1, 2, 3
local time = now(arg())
${OPEN_FLOW}
-- Of all steps that failed and let nothing go on, or of one.
local function retry(f, only)
  local again, stopped = {}, {}
  for _, path in ipairs(f.stopped) do
    local list = (only == '' or only == path) and again or stopped
    list[#list + 1] = path
  end
  f.stopped, f.failed = stopped, f.failed - #again
  for _, path in ipairs(again) do
    call('HDEL', f.states, 'e:' .. path)
    flow.push(f, path, call('HGET', f.nodes, path) or '')
  end
  f.error = #f.stopped > 0 and call('HGET', f.states, 'e:' .. f.stopped[1]) or ''
  if #again > 0 and #f.stopped == 0 then flow.resume(f) end
  return #again
end
local f, again = openFlow(true), 0
local change, path, text, element = arg(), arg(), arg(), arg()
if element ~= '' and (change == 'fail' or not f or #f.lists == 0) then try('LREM', KEYS[LOST], 1, element) end
if not f then return {${NO_FLOW}} end
local before = f.state
if change == 'cancel' and (f.state == 'running' or f.state == 'failed') then
  f.state = 'cancelled'
  call('HSET', f.record, 'reason', path)
  if f.active > 0 then call('HSET', KEYS[CONTROL], 'cancel:' .. f.id, string.format('%.0f ', time + ${STOPPED_KEPT_MS}) .. path) end
elseif change == 'retry' and f.state == 'failed' then
  again = retry(f, path)
elseif change == 'lists' then
  flow.list(f)
elseif change == 'fail' then
  flow.ended(f, path, false, text)
end
flow.close()
return {before, again, wrongKeys(), #f.lists}
`,
);

/**
 * Nodes of a flow, and what became of them.
 *
 * KEYS  1 flow:<id>:nodes  2 flow:<id>:states
 * ARGV  most bytes of results and errors; paths
 * Returns for each {the node up to its second line, '' where there is none; state or ''; result or '', error or ''; bytes of a result that
 * was left out, or 0; the node's third line}.
 */
export const readNodes = defineScript(
  'read-nodes',
  `
local left, found = tonumber(ARGV[1]), {}
for i = 2, #ARGV do
  local path = ARGV[i]
  local node = redis.call('HGET', KEYS[1], path) or ''
  local state = redis.call('HGET', KEYS[2], path) or ''
  local size = redis.call('HSTRLEN', KEYS[2], 'r:' .. path)
  local result = size > 0 and size <= left and redis.call('HGET', KEYS[2], 'r:' .. path) or ''
  local err = redis.call('HGET', KEYS[2], 'e:' .. path) or ''
  left = left - #result - #err
  local first, rest = string.match(node, '^([^\\n]*\\n?[^\\n]*)\\n?(.*)$')
  found[i - 1] = {string.sub(first, 1, 4096), state, result, err, result == '' and size or 0, rest}
end
return found
`,
);

/**
 * Records of flows.
 *
 * KEYS  flow:<id> of each
 * ARGV  fields
 * Returns for each the values of its fields.
 */
export const readFlows = defineScript(
  'read-flows',
  `
local found = {}
for i, key in ipairs(KEYS) do found[i] = redis.call('HMGET', key, unpack(ARGV)) end
return found
`,
);
