import { type DurationRule, durationMs } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import { limitRule } from '../limit.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import { matcher } from '../queues/queue-list.ts';
import { keptSeconds, withinMs } from './control-options.ts';
import type { JobOptions } from './define.ts';
import type { Args, JobRef } from './enqueue.ts';
import { checkRetry } from './retry.ts';
import { uniqueOf } from './unique-options.ts';

/** Options that many job classes have in common: any that a definition may have, and that is not of one class alone. */
export type DefaultOptions = Pick<
  JobOptions<Args, Args>,
  'retry' | 'timeout' | 'limit' | 'unique' | 'track' | 'expires' | 'deadline'
>;

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

/** Their names. */
export const defaultOptionNames = {
  retry: true,
  timeout: true,
  limit: true,
  unique: true,
  track: true,
  expires: true,
  deadline: true,
} satisfies OptionsOf<DefaultOptions>;

type Checked = Readonly<Partial<Record<keyof DefaultOptions, unknown>>>;
interface Group {
  readonly fits: (name: string) => boolean;
  readonly options: Checked;
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
  const own = definition as JobRef & Checked;
  const added: Record<string, unknown> = {};
  for (const { options } of groups) {
    for (const [name, value] of Object.entries(options)) {
      if (own[name as keyof Checked] === undefined && !Object.hasOwn(added, name)) added[name] = value;
    }
  }
  return Object.keys(added).length === 0 ? definition : { ...definition, ...added };
}

/** A job that may take less than a second says so with a unit: a small number was meant as seconds. */
const TIMEOUT: DurationRule = { least: 1, leastNumber: 1_000, endless: true };

function group(pattern: string, given: unknown, root: string): Group {
  if (pattern === '')
    throw new ConfigError(`${root}: a pattern is a class, a queue, or has a *, such as 'mail*'; got "".`);
  const where = `${root}.${pattern}`;
  checkOptions(where, given, defaultOptionNames);
  const { retry, timeout, limit, unique, track, expires, deadline } = given as DefaultOptions;
  checkRetry(where, retry);
  keptSeconds(where, track);
  if (limit !== undefined) limitRule(`${where}: limit`, limit, true);
  const options: Checked = {
    retry,
    track,
    limit,
    timeout: timeout === undefined ? undefined : durationMs(timeout, `${where}: timeout`, TIMEOUT),
    unique: unique === undefined ? undefined : uniqueOf(where, unique),
    expires: expires === undefined ? undefined : withinMs(`${where}: expires`, expires),
    deadline: deadline === undefined ? undefined : withinMs(`${where}: deadline`, deadline),
  };
  return {
    fits: matcher(pattern),
    options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  };
}
