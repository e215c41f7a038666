import type { FlowBroker, FlowRecord } from '../broker/flow-broker.ts';
import { ConfigError } from '../errors.ts';
import { shown } from '../options.ts';
import { FLOW_ID } from '../wire/flow.ts';

import { errorOf, missing, TreeReader } from './flow-tree.ts';
import type { FlowInfo, FlowView } from './flow-view.ts';

export type { FlowInfo, FlowProgress, FlowState, FlowTree, FlowView, StepError, StepState } from './flow-view.ts';

/** Flows: how they do, their steps and results; and to cancel them, or to run again what has failed. */
export interface Flows {
  /**
   * undefined where there is no record of it: it was never started, or has ended a day ago.
   * @param options.limit most nodes of its tree, @default 1,000
   * @example
   * const flow = await client.flows.get(id);
   * console.log(flow?.state, flow?.progress, flow?.tree.nodes[0]?.result);
   */
  get(id: string, options?: { readonly limit?: number }): Promise<FlowView | undefined>;
  /**
   * The newest first.
   * @example for (const { id, state, progress } of await client.flows.list({ limit: 20 })) console.log(id, state, progress.succeeded);
   */
  list(options?: { readonly offset?: number; readonly limit?: number }): Promise<FlowInfo[]>;
  /**
   * Starts nothing more of it; what is in queues is discarded when a worker meets it, what runs is aborted. Its callbacks do not run.
   * @returns whether there was something to cancel
   */
  cancel(id: string, reason?: string): Promise<boolean>;
  /**
   * Runs the steps again that have failed and let nothing go on; the flow goes on when they have succeeded. To retry them from the
   * failed list does the same, one by one.
   * @returns how many
   */
  retry(id: string): Promise<number>;
}

const LIMIT = 1_000;
export function createFlows(store: FlowBroker): Flows {
  return {
    async get(id, { limit = LIMIT } = {}) {
      checkId(id);
      const record = await store.flow(id);
      if (!record) return undefined;
      const reading = new TreeReader(store, id, limit);
      const [tree, onSuccess, onFailure] = await reading.read(['0', 'success', 'failure']);
      return {
        ...infoOf(id, record),
        tree: tree ?? missing('0'),
        onSuccess,
        onFailure,
        cut: reading.cut,
      };
    },

    async list({ offset = 0, limit = 100 } = {}) {
      const ids = await store.flowIds(offset, limit);
      const found = await Promise.all(ids.map(async (id) => ({ id, record: await store.flow(id) })));
      await store.forgetFlows(found.flatMap(({ id, record }) => (record ? [] : [id])));
      return found.flatMap(({ id, record }) => (record ? [infoOf(id, record)] : []));
    },

    async cancel(id, reason = 'Somebody cancelled the flow.') {
      checkId(id);
      if (typeof reason !== 'string')
        throw new ConfigError(`flows.cancel: the reason must be a text; got ${shown(reason)}.`);
      const record = await store.flow(id);
      const changed =
        record && (await store.changeFlow(id, record.queues, { kind: 'cancel', reason: reason.replace(/\n/g, ' ') }));
      return changed?.before === 'running' || changed?.before === 'failed';
    },

    async retry(id) {
      checkId(id);
      const record = await store.flow(id);
      const changed = record && (await store.changeFlow(id, record.queues, { kind: 'retry' }));
      return changed?.again ?? 0;
    },
  };
}

function checkId(id: unknown): void {
  if (typeof id === 'string' && FLOW_ID.test(id)) return;
  throw new ConfigError(`flows: takes the id of a flow, as client.flow(…).id has it; got ${shown(id)}.`);
}

function infoOf(id: string, record: FlowRecord): FlowInfo {
  const { name, state, created, ended, steps, succeeded, failed, active, error, reason } = record;
  return {
    id,
    name,
    state,
    createdAt: new Date(created),
    endedAt: ended === undefined ? undefined : new Date(ended),
    progress: { steps, succeeded, failed, started: active },
    error: errorOf(error),
    reason: reason === '' ? undefined : reason,
  };
}
