import type { FlowBroker, FlowNodeRecord, FlowRecord } from '../broker/flow-broker.ts';
import { parseWithBigInts } from '../json.ts';
import type { FlowTree, MemberCounts, StepError, StepState } from './flow-view.ts';

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

interface TreeOptions {
  /** Most nodes. */
  readonly limit: number;
  /** Most nodes of one chain or group, but of the first one. */
  readonly members: number;
  /** Of the first one: which of its nodes is the first to be read. */
  readonly offset: number;
  readonly flow: Pick<FlowRecord, 'state' | 'stopped'>;
}

/** Reads a tree level by level, so many nodes of it. */
export class TreeReader {
  cut = false;
  readonly #store: FlowBroker;
  readonly #id: string;
  readonly #options: TreeOptions;
  #left: number;

  constructor(store: FlowBroker, id: string, options: TreeOptions) {
    this.#store = store;
    this.#id = id;
    this.#options = options;
    this.#left = options.limit;
  }

  /** @returns undefined for what is not there */
  async read(paths: readonly string[], isFirst = true): Promise<(FlowTree | undefined)[]> {
    const rows: FlowNodeRecord[] = [];
    for (let from = 0; from < paths.length; from += AT_ONCE) {
      rows.push(...(await this.#store.flowNodes(this.#id, paths.slice(from, from + AT_ONCE))));
    }
    // All nodes of the next level in one go.
    const below = rows.map((row, i) => this.#below(paths[i] ?? '', row, isFirst));
    const all = below.some(({ length }) => length > 0) ? await this.read(below.flat(), false) : [];
    let at = 0;
    return rows.map((row, i) => {
      const count = below[i]?.length ?? 0;
      const nodes = all.slice(at, at + count).filter((one) => one !== undefined);
      at += count;
      return row.text === '' ? undefined : this.#treeOf(paths[i] ?? '', row, nodes);
    });
  }

  #below(path: string, { text }: FlowNodeRecord, isFirst: boolean): string[] {
    const [, kind, digits] = /^([cg]) (\d+)/.exec(text) ?? [];
    if (kind === undefined) return [];
    const { members, offset } = this.#options;
    const from = isFirst ? Math.min(offset, Number(digits)) : 0;
    const count = Math.min(Number(digits) - from, this.#left, isFirst ? Infinity : members);
    if (count < Number(digits)) this.cut = true;
    this.#left -= count;
    return Array.from({ length: count }, (_, i) => `${path}${kind === 'c' ? '.' : ':'}${from + i}`);
  }

  #treeOf(path: string, row: FlowNodeRecord, nodes: readonly FlowTree[]): FlowTree {
    const [, kind, digits] = /^([cg]) (\d+)/.exec(row.text) ?? [];
    if (kind === undefined) return stepOf(path, row);
    const count = Number(digits);
    const members = kind === 'g' ? this.#membersOf(path, count, row.state) : undefined;
    const state = this.#stateOf(path, nodes, members, count);
    return { ...NOTHING, kind: kind === 'c' ? 'chain' : 'group', path, state, nodes, count, members };
  }

  #membersOf(path: string, count: number, text: string): MemberCounts {
    const [started = 0, ended = 0, passedOver = 0] = text === '' ? [] : text.split(' ').map(Number);
    const failing = new Set(
      this.#options.flow.stopped.flatMap((one) => (one.startsWith(`${path}:`) ? [memberOf(path, one)] : [])),
    );
    const open = started - ended - failing.size;
    const isCancelled = this.#options.flow.state === 'cancelled';
    return {
      waiting: isCancelled ? 0 : count - started,
      started: isCancelled ? 0 : open,
      succeeded: ended - passedOver,
      passedOver,
      failed: failing.size,
      cancelled: isCancelled ? open + count - started : 0,
    };
  }

  /** Of a chain or group. What is not read of it is known by the flow's own state, and by the paths of what has failed. */
  #stateOf(path: string, nodes: readonly FlowTree[], members: MemberCounts | undefined, count: number): StepState {
    const { state, stopped } = this.#options.flow;
    if (state === 'succeeded') return 'succeeded';
    if (stopped.some((one) => one.startsWith(`${path}.`) || one.startsWith(`${path}:`))) return 'failed';
    const last = nodes.at(-1);
    if (
      members
        ? members.succeeded + members.passedOver === count
        : last?.path === `${path}.${count - 1}` && isOver(last.state)
    ) {
      return 'succeeded';
    }
    if (state === 'cancelled') return 'cancelled';
    const isStarted = members ? members.waiting < count : nodes.some((node) => node.state !== 'waiting');
    return isStarted ? 'started' : 'waiting';
  }
}

/** The member of a group in which a step is. */
function memberOf(group: string, path: string): string {
  return /^\d+/.exec(path.slice(group.length + 1))?.[0] ?? '';
}

const NOTHING = {
  class: undefined,
  jobId: undefined,
  queuedAt: undefined,
  ms: undefined,
  result: undefined,
  resultBytes: 0,
  error: undefined,
  nodes: [],
  count: 0,
  members: undefined,
} as const;

function stepOf(path: string, { text, state, result, error, leftOut, rest }: FlowNodeRecord): FlowTree {
  const [word = '', since, took] = state.split(' ');
  const known = STATES[word] ?? 'waiting';
  return {
    ...NOTHING,
    kind: 'step',
    path,
    state: known,
    class: classOf(text),
    jobId: /"id":"([^"\\]+)"/.exec(rest)?.[1] ?? /"job_id":"([^"\\]+)"/.exec(text)?.[1],
    queuedAt: since ? new Date(Number(since)) : undefined,
    ms: took === undefined ? undefined : Number(took),
    result: known === 'succeeded' && leftOut === 0 ? (parseWithBigInts(result || 'null') as unknown) : undefined,
    resultBytes: leftOut,
    error: errorOf(error),
  };
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
  return { ...NOTHING, kind: 'step', path, state: 'waiting' };
}
