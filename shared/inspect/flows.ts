import { FLOW_STATES, type FlowBroker, type FlowEntry, type FlowRecord } from '../broker/flow-broker.ts';
import { ConfigError } from '../errors.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import { FLOW_ID, STEP_PATH } from '../wire/flow.ts';
import { checkLimit } from './cursor.ts';
import { errorOf, missing, TreeReader } from './flow-tree.ts';
import type { FlowInfo, FlowState, FlowView } from './flow-view.ts';
import type { Page } from './job-view.ts';

export type {
  FlowInfo,
  FlowProgress,
  FlowState,
  FlowTree,
  FlowView,
  MemberCounts,
  StepError,
  StepState,
} from './flow-view.ts';

/** Flows: how they do, their steps and results; and to cancel them, or to run again what has failed. */
export interface Flows {
  /**
   * undefined where there is no record of it, or no step at the path: it was never started, or has ended a day ago.
   * @example
   * const flow = await client.flows.get(id);
   * console.log(flow?.state, flow?.progress, flow?.tree.nodes[0]?.result);
   */
  get(id: string, options?: FlowPart): Promise<FlowView | undefined>;
  /**
   * The newest first. Those of one state are found without a look at the others, however many there are.
   * @example
   * const { items, cursor } = await client.flows.list({ state: 'failed', limit: 20 });
   * for (const { id, state, progress } of items) console.log(id, state, progress.succeeded);
   */
  list(options?: FlowListOptions): Promise<Page<FlowInfo>>;
  /**
   * Starts nothing more of it; what is in queues is discarded when a worker meets it, what runs is aborted. Its callbacks do not run.
   * @returns whether there was something to cancel
   */
  cancel(id: string, reason?: string): Promise<boolean>;
  /**
   * Runs the steps again that have failed and let nothing go on; the flow goes on when they have succeeded. To retry them from the
   * failed list does the same, one by one.
   * @param step the path of the only one that is to run again  @returns how many
   */
  retry(id: string, step?: string): Promise<number>;
}

/** Which flows. */
export interface FlowListOptions {
  /** Only those that are so. @default of any */
  readonly state?: FlowState;
  /** Most of them, 1 to 1,000. @default 100 */
  readonly limit?: number;
  /** To go on behind the page that had it. @default from the newest */
  readonly cursor?: string;
}

/** Which part of a flow's tree. */
export interface FlowPart {
  /** The path of a step, chain or group: that and what is in it. @default '0', all of it */
  readonly at?: string;
  /** Of a chain or group at that path, the first node that is wanted. @default 0 */
  readonly offset?: number;
  /** Most nodes of the tree. @default 1,000 */
  readonly limit?: number;
  /** Most nodes of each chain or group below. @default as many as `limit` allows */
  readonly members?: number;
}

const PART = { at: true, offset: true, limit: true, members: true } satisfies OptionsOf<FlowPart>;
const LIST = { state: true, limit: true, cursor: true } satisfies OptionsOf<FlowListOptions>;
const LIMIT = 1_000;
/** Failed steps that a view has. */
const STOPPED = 100;

export function createFlows(store: FlowBroker): Flows {
  return {
    async get(id, part = {}) {
      checkId(id);
      checkOptions('flows.get', part, PART);
      const { at = '0', offset = 0, limit = LIMIT, members = Infinity } = part;
      checkPath('get', at);
      checkNumber('offset', offset, 0);
      checkNumber('limit', limit, 1);
      if (members !== Infinity) checkNumber('members', members, 1);
      const record = await store.flow(id);
      if (!record) return undefined;
      const reading = new TreeReader(store, id, { limit, members, offset, flow: record });
      const [tree, onSuccess, onFailure, ...stopped] = await reading.read([
        at,
        'success',
        'failure',
        ...record.stopped.slice(0, STOPPED),
      ]);
      if (!tree && at !== '0') return undefined;
      return {
        ...infoOf(id, record),
        tree: tree ?? missing('0'),
        onSuccess,
        onFailure,
        stopped: stopped.filter((one) => one !== undefined),
        cut: reading.cut,
      };
    },

    async list(options = {}) {
      checkOptions('flows.list', options, LIST);
      const { state, limit = 100, cursor } = options;
      checkLimit(limit);
      if (state !== undefined && !FLOW_STATES.includes(state))
        throw new ConfigError(`flows.list: state must be one of ${FLOW_STATES.join(', ')}; got ${shown(state)}.`);
      let after = entryOf(cursor);
      const items: FlowInfo[] = [];
      for (;;) {
        const wanted = limit - items.length;
        const entries = await store.flowEntries({ state, after, limit: wanted });
        const records = await store.flowRecords(entries.map(({ id }) => id));
        // Another one of the same id may have been started since.
        const isGone = ({ created }: FlowEntry, i: number) => records[i]?.created !== created;
        await store.forgetFlows(entries.filter(isGone));
        for (const [i, entry] of entries.entries()) {
          const record = records[i];
          // It may have changed between the two looks.
          if (record && !isGone(entry, i) && (state ?? record.state) === record.state)
            items.push(infoOf(entry.id, record));
        }
        after = entries.at(-1)?.entry;
        if (entries.length < wanted) return { items, cursor: undefined };
        if (items.length === limit) return { items, cursor: after };
      }
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

    async retry(id, step) {
      checkId(id);
      if (step !== undefined) checkPath('retry', step);
      const record = await store.flow(id);
      const changed = record && (await store.changeFlow(id, record.queues, { kind: 'retry', step }));
      return changed?.again ?? 0;
    },
  };
}

function checkId(id: unknown): void {
  if (typeof id === 'string' && FLOW_ID.test(id)) return;
  throw new ConfigError(`flows: takes the id of a flow, as client.flow(…).id has it; got ${shown(id)}.`);
}

function checkNumber(option: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && Number(value) >= least) return;
  throw new ConfigError(`flows.get: ${option} must be a whole number, ${least} or more; got ${shown(value)}.`);
}

function checkPath(method: string, path: unknown): void {
  if (typeof path === 'string' && STEP_PATH.test(path)) return;
  throw new ConfigError(`flows.${method}: a step's path is such as 0, 0.1 or 0.1:20; got ${shown(path)}.`);
}

function entryOf(cursor: string | undefined): string | undefined {
  if (cursor === undefined || /^\d+:./.test(cursor)) return cursor;
  throw new ConfigError(`flows.list: the cursor is none that a page had; got ${shown(cursor)}.`);
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
