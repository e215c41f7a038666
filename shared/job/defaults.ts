import { ConfigError } from '../errors.ts';
import { checkOptions, shown } from '../options.ts';
import { matcher } from '../queues/queue-list.ts';
import {
  type CheckedOptions,
  checkDefaultOptions,
  type DefaultOptions,
  defaultOptionNames,
} from './default-options.ts';
import type { JobRef } from './enqueue.ts';

/**
 * Options by a pattern of classes or queues, a name or a glob as in a list of queues (`mail*`). One fits a job whose class or whose queue it
 * matches. What a definition says itself counts more; of several patterns the first one that says it.
 * @example
 * export const defaults = {
 *   'mail*': { timeout: '30s', retry: { attempts: 10 }, limit: { rate: '100/1s' } },
 *   '*': { timeout: '5m' },
 * } satisfies JobDefaults;
 */
export type JobDefaults = Readonly<Record<string, DefaultOptions>>;

interface Group {
  readonly fits: (name: string) => boolean;
  readonly options: CheckedOptions;
}

/** Adds to definitions what they do not say themselves. */
export interface Defaults {
  /** The definition as it holds for jobs of this class in this queue: the same object for the same groups. */
  of<D extends JobRef>(definition: D, className: string, queue: string | undefined): D;
}

/** Of pairs of class and queue; the bound keeps made-up names from filling the memory. */
const MOST_REMEMBERED = 10_000;

/** @throws ConfigError naming the pattern, the option, the value got and what is allowed */
export function jobDefaults(given: unknown, where = 'defaults'): Defaults {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigError(
      `${where} must be options by pattern, such as { 'mail*': { timeout: '30s' } }; got ${shown(given)}.`,
    );
  }
  const groups = Object.entries(given).map(([pattern, options]) => group(pattern, options, where));
  const fitting = new Map<string, readonly Group[]>();
  const merged = new WeakMap<object, Map<string, JobRef>>();

  function groupsOf(className: string, queue: string | undefined): readonly Group[] {
    const key = `${className}\0${queue ?? ''}`;
    const known = fitting.get(key);
    if (known) return known;
    const found = groups.filter(({ fits }) => fits(className) || (queue !== undefined && fits(queue)));
    if (fitting.size < MOST_REMEMBERED) fitting.set(key, found);
    return found;
  }

  return {
    of<D extends JobRef>(definition: D, className: string, queue: string | undefined): D {
      const found = groupsOf(className, queue);
      if (found.length === 0) return definition;
      const key = found.map((one) => groups.indexOf(one)).join();
      const same = merged.get(definition) ?? new Map<string, JobRef>();
      merged.set(definition, same);
      const known = same.get(key) ?? withGroups(definition, found);
      same.set(key, known);
      return known as D;
    },
  };
}

function withGroups(definition: JobRef, groups: readonly Group[]): JobRef {
  const own = definition as JobRef & CheckedOptions;
  const added: Record<string, unknown> = {};
  for (const { options } of groups) {
    for (const [name, value] of Object.entries(options)) {
      if (own[name as keyof CheckedOptions] === undefined && !Object.hasOwn(added, name)) added[name] = value;
    }
  }
  return Object.keys(added).length === 0 ? definition : { ...definition, ...added };
}

function group(pattern: string, given: unknown, root: string): Group {
  if (pattern === '' || pattern !== pattern.trim() || /^!|[,=]/.test(pattern)) {
    throw new ConfigError(
      `${root}: a pattern is one class or queue, or has a *, such as 'mail*'; got ${JSON.stringify(pattern)}.`,
    );
  }
  const where = `${root}.${pattern}`;
  checkOptions(where, given, defaultOptionNames);
  return { fits: matcher(pattern), options: checkDefaultOptions(where, given as DefaultOptions) };
}
