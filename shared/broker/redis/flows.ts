import { FLOW_STATES, type FlowBroker, type FlowRecord, type FlowState } from '../flow-broker.ts';
import { type Keys, keysOf } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { encodeFlowKeys } from '../ops/flow.ts';
import { changeFlow, NO_FLOW, readFlows, readNodes } from '../scripts/flows.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { redisFlowStarter } from './flow-starter.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/** Results and errors that one look answers, bytes. */
const MOST_RESULTS = 4_194_304;

/** A flow stands in the first of them, and in that of its state. */
const LISTS = ['all', ...FLOW_STATES] as const;
/** Behind every entry: these begin with a time. */
const END = ':';

const FIELDS = [
  'state',
  'name',
  'queues',
  'created',
  'ended',
  'steps',
  'succeeded',
  'failed',
  'active',
  'error',
  'stopped',
  'reason',
];

/**
 * Flows, on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisFlowBroker(client: RedisClient, namespace: string, time?: TimeSource): FlowBroker {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);
  return {
    ...redisFlowStarter(client, namespace, time),

    async flow(id) {
      return recordOf(await client.command(['HMGET', keys.flow(id), ...FIELDS]));
    },

    async flowRecords(ids) {
      if (ids.length === 0) return [];
      const found = await client.script(
        readFlows,
        ids.map((id) => keys.flow(id)),
        FIELDS,
      );
      return list(found).map(recordOf);
    },

    async flowNodes(id, paths) {
      if (paths.length === 0) return [];
      const scriptKeys = [keys.flowNodes(id), keys.flowStates(id)];
      return list(await client.script(readNodes, scriptKeys, [MOST_RESULTS, ...paths])).map((row) => {
        const [node, state, result, error, leftOut, rest] = list(row);
        return {
          text: text(node),
          state: text(state),
          result: text(result),
          error: text(error),
          leftOut: Number(leftOut),
          rest: text(rest),
        };
      });
    },

    async flowEntries({ state = 'all', after, limit }) {
      const from = after === undefined ? `[${state}:${END}` : `(${state}:${after}`;
      const found = await client.command(['ZREVRANGEBYLEX', keys.flows, from, `[${state}:`, 'LIMIT', 0, limit]);
      return list(found).map((one) => {
        const entry = text(one).slice(state.length + 1);
        const [created = ''] = entry.split(':', 1);
        return { id: entry.slice(created.length + 1), created: Number(created), entry };
      });
    },

    async forgetFlows(entries) {
      if (entries.length === 0) return;
      const listed = entries.flatMap(({ entry }) => LISTS.map((list) => `${list}:${entry}`));
      await client.command(['ZREM', keys.flows, ...listed]);
      await client.command(['ZREM', keys.flowsEnded, ...entries.map(({ entry }) => entry)]);
    },

    changeFlow: changeFlowOf(script, keys),
  };
}

function recordOf(values: Reply): FlowRecord | undefined {
  const [
    state = '',
    name = '',
    queues,
    created,
    ended,
    steps,
    succeeded,
    failed,
    active,
    error = '',
    stopped,
    reason = '',
  ] = list(values).map(text);
  if (state === '') return undefined;
  return {
    state: state as FlowState,
    name,
    queues: JSON.parse(queues || '[]') as string[],
    created: Number(created),
    ended: ended ? Number(ended) : undefined,
    steps: Number(steps),
    succeeded: Number(succeeded),
    failed: Number(failed),
    active: Number(active),
    error,
    stopped: stopped ? stopped.split('\n') : [],
    reason,
  };
}

/** `changeFlow`, and what a scheduler does with it. */
export function changeFlowOf(script: RedisClient['script'], keys: Keys): FlowBroker['changeFlow'] {
  return async (id, queues, change) => {
    const call = new ScriptCall([keys.queues, keys.control, keys.flowsLost]);
    encodeFlowKeys({ id, queues }, call, keys);
    call.add(change.kind);
    if (change.kind === 'cancel') call.add(change.reason, '', '');
    else if (change.kind === 'lists') call.add('', '', change.element);
    else if (change.kind === 'fail') call.add(change.step, change.error, change.element ?? '');
    else call.add(change.step ?? '', '', '');
    const [before, again, wrong, lists] = list(await script(changeFlow, call.keys, call.args));
    if (before === NO_FLOW) return undefined;
    return { before: text(before) as FlowState, again: Number(again), lists: Number(lists), wrong: wrongKeysOf(wrong) };
  };
}
