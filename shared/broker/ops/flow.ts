import type { FlowMark } from '../../flow-mark.ts';
import type { Effect } from '../../types.ts';
import { groupOf } from '../../wire/flow.ts';
import type { Keys } from '../keys.ts';
import { FLOW_STEPS } from '../scripts/flow-steps.ts';
import type { ScriptCall } from './call.ts';

/** A step of a flow has ended for good: what comes next goes to its queue. */
export function encodeFlow(effect: Effect<'flow'>, call: ScriptCall, keys: Keys): void {
  const { mark } = effect;
  encodeFlowKeys(mark, call, keys);
  call.add(mark.step);
  if ('error' in effect) {
    call.add(0, effect.error, '', 0, 0, 0);
    return;
  }
  const { json, added } = effect;
  call.add(
    1,
    json,
    (added && groupOf(mark.step)) ?? '',
    added?.members ?? 0,
    added?.steps ?? 0,
    added?.nodes.length ?? 0,
  );
  for (const { path, text } of added?.nodes ?? []) call.add(path, text);
}

/** What `openFlow()` reads. */
export function encodeFlowKeys({ id, queues }: Pick<FlowMark, 'id' | 'queues'>, call: ScriptCall, keys: Keys): void {
  call.add(id, call.key(keys.flow(id)), call.key(keys.flowNodes(id)), call.key(keys.flowStates(id)));
  call.add(call.key(keys.flows), call.key(keys.flowsEnded), call.key(keys.flowsLost), queues.length);
  for (const queue of queues) call.add(queue, call.key(keys.queue(queue)));
}

/** Lua: `openFlow(held)` reads what `encodeFlowKeys` has written; the flow, where it has a record and `held` is true. */
export const OPEN_FLOW = `${FLOW_STEPS}
local function openFlow(held)
  local id, record, nodes, states, index, ended, lost, queues = arg(), key(), key(), key(), key(), key(), key(), {}
  for i = 1, int() do queues[i] = {arg(), key()} end
  return held and flow.open(id, record, nodes, states, index, ended, lost, queues)
end
`;

/**
 * Lua, two effects.
 *
 * ARGV  `flow`: what openFlow reads; the step's path; 1 if it succeeded, else 0; its result or error, as JSON; path of the group to which
 *       nodes are added, or '', how many members and steps they are, how many nodes, each: path behind the group's, its text
 *       `flowLists`: what openFlow reads
 */
export const FLOW = `${OPEN_FLOW}
function effects.flow(held)
  local f = openFlow(held)
  local path, ok, text, group, members, steps, nodes = arg(), arg() == '1', arg(), arg(), int(), int(), {}
  for i = 1, 2 * int() do nodes[i] = arg() end
  if not f then return end
  if members > 0 then flow.add(f, group, path, nodes, members, steps) end
  flow.ended(f, path, ok, text)
end
function effects.flowLists()
  local f = openFlow(true)
  if f then flow.list(f) end
end
`;
