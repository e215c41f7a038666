import type { FlowBroker, FlowNodeRecord } from '../broker/flow-broker.ts';
import type { FlowTree, StepError, StepState } from './flow-view.ts';

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

export function errorOf(json: string): StepError | undefined {
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
export class TreeReader {
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

export function missing(path: string): FlowTree {
  const nothing = { class: undefined, result: undefined, resultBytes: 0, error: undefined, nodes: [], count: 0 };
  return { kind: 'step', path, state: 'waiting', ...nothing };
}
