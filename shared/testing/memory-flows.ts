import type { FlowBroker, FlowRecord } from '../broker/flow-broker.ts';
import type { Clock } from '../clock.ts';

/** The flows of a client without Redis: they are checked and kept, and nobody runs their steps. */
export class MemoryFlows implements FlowBroker {
  readonly #clock: Clock;
  readonly #nodes = new Map<string, Map<string, string>>();
  readonly #records = new Map<string, FlowRecord>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  writeNodes: FlowBroker['writeNodes'] = async (id, nodes) => {
    const known = this.#nodes.get(id) ?? new Map<string, string>();
    if (this.#records.has(id)) return false;
    for (const { path, text } of nodes) known.set(path, text);
    this.#nodes.set(id, known);
    return true;
  };

  startFlow: FlowBroker['startFlow'] = async ({ id, name, queues, steps, alone }) => {
    if (this.#records.has(id)) return { state: 'was started', overlaps: undefined, wrong: [] };
    const other = alone ? this.#runningOf(name) : undefined;
    if (other !== undefined) return { state: 'overlaps', overlaps: other, wrong: [] };
    const counts = { steps, succeeded: 0, failed: 0, active: 0 };
    const created = this.#clock.now();
    this.#records.set(id, {
      state: 'running',
      name,
      queues,
      created,
      ended: undefined,
      ...counts,
      error: '',
      stopped: [],
      reason: '',
    });
    return { state: 'started', overlaps: undefined, wrong: [] };
  };

  #runningOf(name: string): string | undefined {
    return [...this.#records].find(([, record]) => record.name === name && record.state === 'running')?.[0];
  }

  flow: FlowBroker['flow'] = async (id) => this.#records.get(id);

  flowRecords: FlowBroker['flowRecords'] = async (ids) => ids.map((id) => this.#records.get(id));

  flowNodes: FlowBroker['flowNodes'] = async (id, paths) =>
    paths.map((path) => {
      const text = this.#nodes.get(id)?.get(path) ?? '';
      return { text, state: '', result: '', error: '', leftOut: 0, rest: '' };
    });

  flowEntries: FlowBroker['flowEntries'] = async ({ state, after, limit }) => {
    const found = [...this.#records].filter(([, record]) => (state ?? record.state) === record.state);
    const entries = found.map(([id, { created }]) => ({ id, created, entry: `${created}:${id}` })).reverse();
    const from = entries.findIndex(({ entry }) => entry === after) + 1;
    return entries.slice(from, from + limit);
  };

  forgetFlows = async () => {};

  changeFlow: FlowBroker['changeFlow'] = async (id, _queues, change) => {
    const record = this.#records.get(id);
    if (!record) return undefined;
    if (change.kind === 'cancel' && record.state === 'running') {
      this.#records.set(id, { ...record, state: 'cancelled', ended: this.#clock.now(), reason: change.reason });
    }
    return { before: record.state, again: 0, lists: 0, wrong: [] };
  };

  clear(): void {
    this.#nodes.clear();
    this.#records.clear();
  }
}
