import { ConfigError } from '../errors.ts';
import { didYouMean, nearest } from '../nearest.ts';
import { shown } from '../options.ts';

/** Where a worker looks for jobs, and in which order. */
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
  if (order !== undefined && order !== 'strict' && order !== 'weighted') {
    throw new ConfigError(`order must be one of "strict", "weighted"; got ${shown(order)}.`);
  }
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

/** As it was written, without its weight. */
export function textOf({ pattern, excluded }: QueuePattern): string {
  return `${excluded ? '!' : ''}${pattern}`;
}

/** Resque matches with File.fnmatch: `*`, `?`, `[a-z]`, `[!a-z]`; braces and slashes stand for themselves. */
export function matcher(pattern: string): (name: string) => boolean {
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

/**
 * What is said of queues by their names, but of such as the list does not look into.
 * @param where what says it, for messages
 * @returns a sentence for each
 * @throws ConfigError for what is no name
 */
export function notLookedInto(where: string, names: readonly string[], list: QueueList): string[] {
  const isLookedInto = matchesQueue(list);
  const known = list.patterns.filter(({ pattern, excluded }) => !excluded && !isGlob(pattern) && isLookedInto(pattern));
  return names.flatMap((name) => {
    if (name === '' || name.includes('*'))
      throw new ConfigError(`${where}: ${JSON.stringify(name)} must be a queue's whole name, not a pattern.`);
    if (isLookedInto(name)) return [];
    const meant = didYouMean(nearest(name, known.map(textOf)));
    return [
      `${where}.${name}: no queue of this name is looked into${meant}. The queues are ${list.patterns.map(textOf).join(', ')}.`,
    ];
  });
}

/** @see notLookedInto @throws ConfigError for the first of these */
export function checkNamed(where: string, names: readonly string[], list: QueueList): void {
  const [first] = notLookedInto(where, names, list);
  if (first !== undefined) throw new ConfigError(first);
}

export function isGlob(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

/** Is this queue one of the list's? */
export function matchesQueue(list: QueueList): (queue: string) => boolean {
  const of = (excluded: boolean) =>
    list.patterns.filter((one) => one.excluded === excluded).map((one) => matcher(one.pattern));
  const [wanted, unwanted] = [of(false), of(true)];
  return (queue) => wanted.some((fits) => fits(queue)) && !unwanted.some((fits) => fits(queue));
}
