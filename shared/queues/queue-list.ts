import type { QueueShare } from '../broker/broker.ts';
import { ConfigError } from '../errors.ts';

/** Where a consumer looks for jobs, and in which order. */
export interface QueueList {
  readonly patterns: readonly QueuePattern[];
  /** strict: a queue is looked at only when all before it are empty. weighted: in proportion to the weights. */
  readonly order: 'strict' | 'weighted';
}

export interface QueuePattern {
  /** A queue name, or a glob with `*`, `?` or `[…]`. */
  readonly pattern: string;
  readonly weight: number;
  /** Written `!pattern`: leaves out what the others match. */
  readonly excluded: boolean;
}

/**
 * `critical,default`, `high=3,low=1`, `*`, `mail_*,!mail_bulk`: Resque's patterns with goworker's weights. The order is
 * weighted where a weight is given, else strict.
 * @throws ConfigError
 */
export function parseQueues(list: string, order?: QueueList['order']): QueueList {
  const patterns = list.split(',').map((part) => parsePattern(part.trim(), list));
  if (patterns.every((one) => one.excluded)) {
    throw new ConfigError(
      `queues must name at least one queue to look at, such as "*" or "critical,default"; got ${JSON.stringify(list)}.`,
    );
  }
  return { patterns, order: order ?? (list.includes('=') ? 'weighted' : 'strict') };
}

function parsePattern(part: string, list: string): QueuePattern {
  const [, not, pattern, weight] = /^(!?)([^!=][^=]*)(?:=(.*))?$/.exec(part) ?? [];
  if (pattern === undefined) {
    throw new ConfigError(
      `queues must be separated by commas: a name, name=weight, a glob such as mail_*, or !name; got ${JSON.stringify(list)}.`,
    );
  }
  if (weight !== undefined && !/^[1-9]\d{0,5}$/.test(weight)) {
    throw new ConfigError(
      `The weight of queue ${JSON.stringify(pattern)} must be a whole number from 1 to 999999; got ${JSON.stringify(weight)}.`,
    );
  }
  matcher(pattern); // throws what would else be thrown when the first names come
  return { pattern, weight: Number(weight ?? 1), excluded: not === '!' };
}

/** Resque matches with File.fnmatch: `*`, `?`, `[a-z]`, `[!a-z]`; braces and slashes stand for themselves. */
function matcher(pattern: string): (name: string) => boolean {
  if (!isGlob(pattern)) return (name) => name === pattern;
  const source = pattern.replace(/\[[!^]?\]?[^\]]*\]|[\s\S]/gu, (part) => {
    if (part === '*') return '[\\s\\S]*';
    if (part === '?') return '[\\s\\S]';
    if (part.length > 1) return part.replace(/^\[[!^]/, '[^').replaceAll('\\', '\\\\');
    return part.replace(/[\\^$.|+(){}[\]]/, '\\$&');
  });
  const regex = regexOf(source, pattern);
  return (name) => regex.test(name);
}

function regexOf(source: string, pattern: string): RegExp {
  try {
    return new RegExp(`^${source}$`, 'u');
  } catch (error) {
    throw new ConfigError(
      `The queue pattern ${JSON.stringify(pattern)} cannot be read; ranges go upwards, as in [a-z].`,
      { cause: error },
    );
  }
}

function isGlob(pattern: string): boolean {
  return /[*?[]/.test(pattern);
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
