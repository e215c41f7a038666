import { READ_ARGUMENTS } from '../ops/call.ts';
import { OPEN_FLOW } from '../ops/flow.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/** What the script answers where it starts nothing. */
export const INCOMPLETE = -2;
export const OVERLAPS = -3;
export const ANOTHER = -4;

/**
 * Write nodes of a flow that has not been started. They expire unless it is. What has been started stays as it is.
 *
 * KEYS  1 flow:<id>:nodes  2 flow:<id>
 * ARGV  ms until they expire; for each node: its path, its text
 * Returns 1, or 0 where it has been started.
 */
export const writeNodes = defineScript(
  'write-nodes',
  `
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
for from = 2, #ARGV, 4000 do redis.call('HSET', KEYS[1], unpack(ARGV, from, math.min(from + 3999, #ARGV))) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
`,
);

/**
 * Start a flow whose nodes are all written: its first steps go to their queues. Called again, it changes nothing.
 *
 * KEYS  1 queues  2 control  3 flows:latest  then those that ARGV names by their place
 * ARGV  time; number of nodes; number of steps; what stands before and behind the path in payloads, what behind that but in
 *       callbacks; its queues, as JSON; how long the record is kept, ms; its name; 1 where none of its name may run that
 *       was started so, else 0; the id of the latest one of those, as far as the caller knows, or '', and its record's key; what openFlow reads
 * Returns 1; 0 where it was started before; INCOMPLETE where nodes have expired; OVERLAPS where that other one runs; ANOTHER where it is not
 * the latest any more; then keys of another type.
 */
export const startFlow = defineScript(
  'start-flow',
  `${NOW}${READ_ARGUMENTS}
local QUEUES, CONTROL, LATEST = 1, 2, 3
local time = now(arg())
local nodeCount, steps, head, tail, limits, queues, keep, name, alone, other, otherRecord = int(), arg(), arg(), arg(), arg(), arg(), arg(), arg(),
  int(), arg(), key()
local id, record, nodes, states, index = ARGV[at + 1], KEYS[tonumber(ARGV[at + 2])], KEYS[tonumber(ARGV[at + 3])],
  KEYS[tonumber(ARGV[at + 4])], KEYS[tonumber(ARGV[at + 5])]
if call('EXISTS', record) == 1 then return {0, {}} end
if call('HLEN', nodes) ~= nodeCount then return {${INCOMPLETE}, {}} end
if alone == 1 then
  if (call('HGET', KEYS[LATEST], name) or '') ~= other then return {${ANOTHER}, {}} end
  local state = call('HMGET', otherRecord, 'state', 'active')
  if state[1] == 'running' or tonumber(state[2] or 0) > 0 then
    call('DEL', nodes)
    return {${OVERLAPS}, {}}
  end
  call('HSET', KEYS[LATEST], name, id)
end
call('PERSIST', nodes)
call('HSET', record, 'state', 'running', 'active', 0, 'steps', steps, 'succeeded', 0, 'failed', 0, 'stopped', '', 'blocked', '',
  'error', '', 'lists', '', 'head', head, 'tail', tail, 'limits', limits, 'queues', queues, 'keep', keep, 'name', name, 'created', string.format('%.0f', time))
local entry = string.format('%.0f:', time) .. id
call('ZADD', index, 0, 'all:' .. entry, 0, 'running:' .. entry)
${OPEN_FLOW}
local f = openFlow(true)
flow.start(f, '0')
flow.close()
return {1, wrongKeys()}
`,
);
