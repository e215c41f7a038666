import { flowTexts } from '../../wire/flow.ts';
import type { FlowStart, FlowStarter, NewFlow } from '../flow-broker.ts';
import { keysOf } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { encodeFlowKeys } from '../ops/flow.ts';
import { ANOTHER, INCOMPLETE, OVERLAPS, startFlow, writeNodes } from '../scripts/flow-start.ts';
import { list, type RedisClient, text } from './client.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/** Nodes of a flow that is not started within this time are gone, ms. */
const UNSTARTED_MS = 3_600_000;

const STATES: Readonly<Record<number, FlowStart['state']>> = {
  1: 'started',
  0: 'was started',
  [INCOMPLETE]: 'incomplete',
  [OVERLAPS]: 'overlaps',
};

/** Starts flows, on any Redis client. @param time of a test @default Redis's own */
export function redisFlowStarter(client: RedisClient, namespace: string, time?: TimeSource): FlowStarter {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);

  /** @param other the latest flow of its name, where none of those may run */
  function start(flow: NewFlow, other: string) {
    const { head, tail } = flowTexts(flow);
    const limits = flow.expires === undefined ? '' : `,"control":{"expires":${Math.ceil(flow.expires)}}`;
    const call = new ScriptCall([keys.queues, keys.control, keys.flowsLatest]);
    call.add(flow.nodes, flow.steps, head, tail, limits, JSON.stringify(flow.queues), Math.ceil(flow.keep), flow.name);
    call.add(flow.alone ? 1 : 0, other, call.key(keys.flow(other || flow.id)));
    encodeFlowKeys(flow, call, keys);
    return script(startFlow, call.keys, call.args);
  }

  return {
    async writeNodes(id, nodes) {
      const args = nodes.flatMap(({ path, text }) => [path, text]);
      return (await client.script(writeNodes, [keys.flowNodes(id), keys.flow(id)], [UNSTARTED_MS, ...args])) === 1;
    },

    async startFlow(flow) {
      for (;;) {
        const other = flow.alone ? text(await client.command(['HGET', keys.flowsLatest, flow.name])) : '';
        const [code, wrong] = list(await start(flow, other));
        // Somebody has started one meanwhile.
        if (code === ANOTHER) continue;
        const state = STATES[Number(code)] ?? 'started';
        return { state, overlaps: state === 'overlaps' ? other : undefined, wrong: wrongKeysOf(wrong) };
      }
    },
  };
}
