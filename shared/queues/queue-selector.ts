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
  #names: readonly string[] = [];
  #places: ReadonlyMap<string, number> = new Map();
  /** Of all queues in Redis, as they were last told. */
  #known: ReadonlySet<string> | undefined;

  constructor(list: QueueList, random: () => number = Math.random) {
    this.#list = list;
    this.#random = random;
    this.dynamic = list.patterns.some((one) => isGlob(one.pattern));
    if (!this.dynamic) this.update([]);
  }

  /** @param names of all queues in Redis  @returns whether they differ from the last time */
  update(names: readonly string[]): boolean {
    const known = this.#known;
    if (known && names.length === known.size && names.every((name) => known.has(name))) return false;
    this.#known = new Set(names);
    const sorted = [...names].sort();
    const excluded = this.#list.patterns.filter((one) => one.excluded).map((one) => matcher(one.pattern));
    const queues = new Map<string, number>();
    for (const { pattern, weight, excluded: not } of this.#list.patterns) {
      if (not) continue;
      for (const name of isGlob(pattern) ? sorted.filter(matcher(pattern)) : [pattern]) {
        if (!queues.has(name) && !excluded.some((matches) => matches(name))) queues.set(name, weight);
      }
    }
    this.#queues = [...queues].map(([name, weight]) => ({ name, weight }));
    this.#names = [...queues.keys()];
    this.#places = new Map(this.#names.map((name, place) => [name, place]));
    return true;
  }

  /** Of all queues to look at, in their order. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Is a later queue only looked at when all before it are empty? */
  get strict(): boolean {
    return this.#list.order !== 'weighted' || this.#queues.length <= 1;
  }

  /** In a strict order these, and so many that come behind the last of them. */
  around(queues: Iterable<string>, more: number): string[] {
    const places = [...queues].map((name) => this.#places.get(name) ?? -1).filter((place) => place >= 0);
    places.sort((a, b) => a - b);
    const last = places.at(-1) ?? -1;
    return [...places.map((place) => this.#names[place] ?? ''), ...this.#names.slice(last + 1, last + 1 + more)];
  }

  /** Where to look for `count` jobs, in order. */
  shares(count: number): QueueShare[] {
    if (!this.strict) return this.#quotas(count);
    return this.#names.map((queue) => ({ queue, limit: count }));
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
