import { isGlob, matcher, type QueueList } from './queue-list.ts';

export interface QueueShare {
  readonly queue: string;
  /** Most jobs from it at this place in the order. */
  readonly limit: number;
  /** Only one worker at a time may hold jobs of it. Redis remembers that, for all other workers. @default false */
  readonly serial?: boolean;
}

/** Turns patterns into queues, and a number of jobs into shares. Knows the names of the queues only as it is told. */
export class QueueSelector {
  /** Are the names of existing queues needed? */
  readonly dynamic: boolean;
  readonly #list: QueueList;
  readonly #random: () => number;
  #queues: { readonly name: string; readonly weight: number }[] = [];
  #known = '';

  constructor(list: QueueList, random: () => number = Math.random) {
    this.#list = list;
    this.#random = random;
    this.dynamic = list.patterns.some((one) => isGlob(one.pattern));
    if (!this.dynamic) this.update([]);
  }

  /** @param names of all queues in Redis  @returns whether they differ from the last time */
  update(names: readonly string[]): boolean {
    const sorted = [...names].sort();
    const known = JSON.stringify(sorted);
    if (known === this.#known) return false;
    this.#known = known;
    const excluded = this.#list.patterns.filter((one) => one.excluded).map((one) => matcher(one.pattern));
    const queues = new Map<string, number>();
    for (const { pattern, weight, excluded: not } of this.#list.patterns) {
      if (not) continue;
      for (const name of isGlob(pattern) ? sorted.filter(matcher(pattern)) : [pattern]) {
        if (!queues.has(name) && !excluded.some((matches) => matches(name))) queues.set(name, weight);
      }
    }
    this.#queues = [...queues].map(([name, weight]) => ({ name, weight }));
    return true;
  }

  /** Of all queues to look at. */
  get names(): string[] {
    return this.#queues.map(({ name }) => name);
  }

  /** Where to look for `count` jobs, in order. */
  shares(count: number): QueueShare[] {
    if (this.#list.order === 'weighted' && this.#queues.length > 1) return this.#quotas(count);
    return this.#queues.map(({ name }) => ({ queue: name, limit: count }));
  }

  /** Each queue's part of `count`; what does not divide is drawn, so that in the long run all is in proportion. */
  #quotas(count: number): QueueShare[] {
    const total = this.#queues.reduce((sum, one) => sum + one.weight, 0);
    let carry = this.#random();
    const limits = this.#queues.map((one) => {
      const part = (count * one.weight) / total + carry;
      carry = part - Math.floor(part);
      return Math.floor(part);
    });
    const order = this.#draw();
    const share = (i: number, limit: number) => ({ queue: this.#queues[i]?.name ?? '', limit });
    const quotas = order.map((i) => share(i, limits[i] ?? 0)).filter((one) => one.limit > 0);
    // The whole list follows, for what they leave.
    return [...quotas, ...order.map((i) => share(i, count))];
  }

  /** The queues' places in a random order in which a heavier queue tends to come first. */
  #draw(): number[] {
    return this.#queues
      .map((one, i) => ({ i, key: -Math.log(1 - this.#random()) / one.weight }))
      .sort((a, b) => a.key - b.key)
      .map((one) => one.i);
  }
}
