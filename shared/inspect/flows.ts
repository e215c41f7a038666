import type { FlowBroker, FlowNodeRecord, FlowRecord, FlowState } from '../broker/flow-broker.ts';
import { ConfigError } from '../errors.ts';
import { shown } from '../options.ts';
import { FLOW_ID } from '../wire/flow.ts';

export type { FlowState } from '../broker/flow-broker.ts';

/** What became of a step: `waiting` for what is before it, `started` is in its queue, or runs, or waits for a retry. */
export type StepState = 'waiting' | 'started' | 'succeeded' | 'failed' | 'passed over' | 'cancelled';

/** A flow without its steps. */
export interface FlowInfo {
  /** As `client.flow` has it. */
  readonly id: string;
  /** As it was named. */
  readonly name: string;
  /** `failed`: a step has failed, and nothing more is started until that was retried and has succeeded. */
  readonly state: FlowState;
  /** When it was started. */
  readonly createdAt: Date;
  /** When it ended, or stopped. */
  readonly endedAt: Date | undefined;
  /** Without callbacks. */
  readonly progress: FlowProgress;
  /** Of the first step that failed. */
  readonly error: StepError | undefined;
  /** Why it was cancelled. */
  readonly reason: string | undefined;
}

/** How many of a flow's steps. */
export interface FlowProgress {
  /** In all, with those that were added. */
  readonly steps: number;
  /** That ended well. */
  readonly succeeded: number;
  /** That failed for good, or were discarded. */
  readonly failed: number;
  /** In queues, running, or waiting for a retry. */
  readonly started: number;
}

/** What a step has failed with. */
export interface StepError {
  /** Its path. */
  readonly step: string;
  /** Its class; undefined where nobody could tell. */
  readonly class: string | undefined;
  /** Name of the error. */
  readonly exception: string;
  /** Its message. */
  readonly error: string;
}

/** A flow with its steps. */
export interface FlowView extends FlowInfo {
  /** All of it. */
  readonly tree: FlowTree;
  /** The callback. */
  readonly onSuccess: FlowTree | undefined;
  /** The callback. */
  readonly onFailure: FlowTree | undefined;
  /** Not all nodes are in it: there were more than `limit`. */
  readonly cut: boolean;
}

/** A step, or a chain or group of such. */
export interface FlowTree {
  /** What it is. */
  readonly kind: 'step' | 'chain' | 'group';
  /** Its place: see `ctx.flow.step`. */
  readonly path: string;
  /** What became of it. */
  readonly state: StepState;
  /** Of a step. */
  readonly class: string | undefined;
  /** What the handler returned, of a step; undefined while it has not, and where it was left out: see `resultBytes`. */
  readonly result: unknown;
  /** Of a result that is left out, since those of all steps together were more than 4 MB; else 0. */
  readonly resultBytes: number;
  /** Of a step that failed. */
  readonly error: StepError | undefined;
  /** Of a chain or group, in order; the first ones where there are too many. */
  readonly nodes: readonly FlowTree[];
  /** How many there are. */
  readonly count: number;
}

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
/** Nodes that are read at once. */
const AT_ONCE = 1_000;
const STATES: Readonly<Record<string, StepState>> = {
  '': 'waiting',
  q: 'started',
  ok: 'succeeded',
  f: 'failed',
  p: 'passed over',
  x: 'cancelled',
};

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

function errorOf(json: string): StepError | undefined {
  if (json === '') return undefined;
  const {
    step,
    class: name,
    exception,
    error,
  } = JSON.parse(json) as Omit<StepError, 'class'> & { class: string | null };
  return { step, class: name ?? undefined, exception, error };
}

/** Reads a tree level by level, so many nodes of it. */
class TreeReader {
  cut = false;
  readonly #store: FlowBroker;
  readonly #id: string;
  #left: number;

  constructor(store: FlowBroker, id: string, limit: number) {
    this.#store = store;
    this.#id = id;
    this.#left = limit;
  }

  /** @returns undefined for what is not there */
  async read(paths: readonly string[]): Promise<(FlowTree | undefined)[]> {
    const rows: FlowNodeRecord[] = [];
    for (let from = 0; from < paths.length; from += AT_ONCE) {
      rows.push(...(await this.#store.flowNodes(this.#id, paths.slice(from, from + AT_ONCE))));
    }
    // All nodes of the next level in one go.
    const below = rows.map((row, i) => this.#below(paths[i] ?? '', row));
    const all = below.some(({ length }) => length > 0) ? await this.read(below.flat()) : [];
    let at = 0;
    return rows.map((row, i) => {
      const count = below[i]?.length ?? 0;
      const nodes = all.slice(at, at + count).filter((one) => one !== undefined);
      at += count;
      return row.text === '' ? undefined : treeOf(paths[i] ?? '', row, nodes);
    });
  }

  #below(path: string, { text }: FlowNodeRecord): string[] {
    const [, kind, count] = /^([cg]) (\d+)/.exec(text) ?? [];
    if (kind === undefined) return [];
    const shownNodes = Math.min(Number(count), this.#left);
    if (shownNodes < Number(count)) this.cut = true;
    this.#left -= shownNodes;
    return Array.from({ length: shownNodes }, (_, i) => `${path}${kind === 'c' ? '.' : ':'}${i}`);
  }
}

function treeOf(
  path: string,
  { text, state, result, error, leftOut }: FlowNodeRecord,
  nodes: readonly FlowTree[],
): FlowTree {
  const [, kind, count] = /^([cg]) (\d+)/.exec(text) ?? [];
  if (kind === undefined) {
    const known = STATES[state] ?? 'waiting';
    return {
      kind: 'step',
      path,
      state: known,
      class: classOf(text),
      result: known === 'succeeded' && leftOut === 0 ? (JSON.parse(result || 'null') as unknown) : undefined,
      resultBytes: leftOut,
      error: errorOf(error),
      nodes: [],
      count: 0,
    };
  }
  const isChain = kind === 'c';
  return {
    kind: isChain ? 'chain' : 'group',
    path,
    state: isChain ? stateOfChain(nodes, Number(count)) : stateOfGroup(state, Number(count), nodes),
    class: undefined,
    result: undefined,
    resultBytes: 0,
    error: undefined,
    nodes,
    count: Number(count),
  };
}

function stateOfChain(nodes: readonly FlowTree[], count: number): StepState {
  const last = nodes[count - 1];
  if (last && isOver(last.state)) return last.state === 'passed over' ? 'succeeded' : last.state;
  return stateWithin(nodes);
}

function stateOfGroup(text: string, count: number, nodes: readonly FlowTree[]): StepState {
  const [started = 0, ended = 0] = text === '' ? [] : text.split(' ').map(Number);
  if (text !== '' && ended === count) return 'succeeded';
  const within = stateWithin(nodes);
  return within === 'waiting' && started > 0 ? 'started' : within;
}

/** Of what has not ended. */
function stateWithin(nodes: readonly FlowTree[]): StepState {
  for (const state of ['failed', 'cancelled'] as const) if (nodes.some((node) => node.state === state)) return state;
  return nodes.some(({ state }) => state !== 'waiting') ? 'started' : 'waiting';
}

function isOver(state: StepState): boolean {
  return state === 'succeeded' || state === 'passed over';
}

function classOf(text: string): string | undefined {
  const [, name] = /^s [^\n]*\n\{"class":("(?:[^"\\]|\\.)*")/.exec(text) ?? [];
  const inside = /"job_class":("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const quoted = name === '"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper"' ? (inside ?? name) : name;
  return quoted === undefined ? undefined : (JSON.parse(quoted) as string);
}

function missing(path: string): FlowTree {
  const nothing = { class: undefined, result: undefined, resultBytes: 0, error: undefined, nodes: [], count: 0 };
  return { kind: 'step', path, state: 'waiting', ...nothing };
}
