import { ConfigError } from '../../errors.ts';
import type { Args } from '../../job/define.ts';
import type { Registry } from '../../job/registry.ts';
import { cronTiming, everyTiming, intervalMs, isTimeZone, type Timing } from './timing.ts';

/** A named rule that enqueues a job at times; resque-scheduler's fields, and ours. */
export interface CronEntry {
  /**
   * 5 fields, or 6 with seconds first: numbers, names, ranges, steps, `L`, `W`, `#`; `@daily` and the like; `@every 30s`.
   * A time zone may follow, as resque-scheduler has it. Wins over `every`.
   */
  readonly cron?: string;
  /** An interval: `"1h"`, seconds, or with the wait before the first slot: `["1h", { "first_in": 300 }]`. */
  readonly every?: string | number | readonly [string | number, { readonly first_in?: string | number }?];
  /** IANA name. @default UTC */
  readonly timeZone?: string;
  /** @default the entry's name */
  readonly class?: string;
  /** @default the queue of the class */
  readonly queue?: string;
  /** An array is the argument list; anything else is one argument. @default no arguments */
  readonly args?: unknown;
  readonly description?: string;
  /** Slots that passed while no scheduler ran: only the newest, none, or all (the newest 1,000). @default 'latest' */
  readonly missed?: 'latest' | 'skip' | 'all';
  /** `skip` enqueues nothing while the entry's last job is queued, running or waiting for a retry. @default 'allow' */
  readonly overlap?: 'allow' | 'skip';
}

/** A checked entry. */
export interface CronRule {
  readonly name: string;
  readonly timing: Timing;
  readonly class: string;
  readonly queue: string;
  readonly args: Args;
  readonly missed: 'latest' | 'skip' | 'all';
  readonly overlap: 'allow' | 'skip';
  readonly description: string | undefined;
}

/**
 * @param registry gives the queue of a class; without it every entry must name its queue
 * @throws ConfigError naming the entry, the field, the value got and what is allowed
 */
export function cronRule(name: string, entry: CronEntry, registry?: Registry): CronRule {
  const where = `cron entry ${JSON.stringify(name)}`;
  if (name === '') throw new ConfigError('A cron entry needs a name; got "".');
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw new ConfigError(`${where}: must be an object with cron or every; got ${JSON.stringify(entry)}.`);
  }
  const className = text(entry.class, `${where}: class`) ?? name;
  const queue = text(entry.queue, `${where}: queue`) ?? registry?.handlerFor(className)?.definition.queue;
  const timing = timingOf(entry, where);
  if (queue === undefined) {
    throw new ConfigError(`${where}: no queue. Name one in queue, or in the definition of ${className}.`);
  }
  const { args } = entry;
  return {
    name,
    timing,
    class: className,
    queue,
    args: Array.isArray(args) ? args : args === undefined || args === null ? [] : [args],
    missed: choice(entry.missed, ['latest', 'skip', 'all'], `${where}: missed`) ?? 'latest',
    overlap: choice(entry.overlap, ['allow', 'skip'], `${where}: overlap`) ?? 'allow',
    description: text(entry.description, `${where}: description`),
  };
}

/**
 * Checks static entries: with a registry also that their classes are defined.
 * @throws ConfigError for the first that is wrong
 */
export function checkCronEntries(entries: Readonly<Record<string, CronEntry>>, registry?: Registry): CronRule[] {
  return Object.entries(entries).map(([name, entry]) => {
    const className = entry?.class ?? name;
    if (registry && typeof className === 'string' && !registry.handlerFor(className)) {
      const known = registry.definitions.map((one) => one.class).join(', ');
      throw new ConfigError(
        `cron entry ${JSON.stringify(name)}: class ${JSON.stringify(className)} is not defined in the jobs module, which has: ${known}.`,
      );
    }
    return cronRule(name, entry, registry);
  });
}

function timingOf(entry: CronEntry, where: string): Timing {
  // What resque-scheduler writes for an entry without it.
  if (entry.cron) return cronOf(entry, where);
  const { every } = entry;
  if (every === undefined) {
    throw new ConfigError(`${where}: no time. Give cron, such as "0 3 * * *", or every, such as "1h".`);
  }
  const [interval, options] = Array.isArray(every) ? every : [every];
  const firstIn = (options as { first_in?: unknown } | undefined)?.first_in;
  return everyTiming(
    intervalMs(interval, `${where}: every`),
    firstIn === undefined || firstIn === 0 ? undefined : intervalMs(firstIn, `${where}: every.first_in`),
  );
}

const WEEKDAY = /^(sun|mon|tue|wed|thu|fri|sat)$/i;

function cronOf(entry: CronEntry, where: string): Timing {
  const field = `${where}: cron`;
  const whole = text(entry.cron, field) ?? '';
  const every = /^@every\s+(\S+)$/.exec(whole.trim());
  if (every) return everyTiming(intervalMs(every[1], field));
  const { expression, zone } = splitTimeZone(whole);
  const parts = expression.split(' ');
  if (!parts[0]?.startsWith('@') && (parts.length < 5 || parts.length > 6)) {
    throw new ConfigError(
      `${field} must have 5 fields, or 6 with seconds first, and may end in a time zone; got ${JSON.stringify(whole)}.`,
    );
  }
  const timeZone = text(entry.timeZone, `${where}: timeZone`) ?? zone ?? 'UTC';
  const timing = cronTiming(expression, timeZone, field);
  if (timing.next(Date.UTC(2026, 0), 0) === undefined) {
    throw new ConfigError(`${field} is never due: ${JSON.stringify(whole)} matches no date.`);
  }
  return timing;
}

/** Takes a trailing time zone off. */
export function splitTimeZone(cron: string): { expression: string; zone: string | undefined } {
  const parts = cron.trim().split(/\s+/);
  const last = parts.at(-1) ?? '';
  const trailing = parts.length > 1 && !WEEKDAY.test(last) && /^[A-Za-z]/.test(last) && isTimeZone(last);
  return trailing
    ? { expression: parts.slice(0, -1).join(' '), zone: last }
    : { expression: parts.join(' '), zone: undefined };
}

function text(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value === '') {
    throw new ConfigError(`${field} must be a text that is not empty; got ${JSON.stringify(value)}.`);
  }
  return value;
}

function choice<const T extends string>(value: unknown, allowed: readonly T[], field: string): T | undefined {
  if (value === undefined || value === null) return undefined;
  const found = allowed.find((one) => one === value);
  if (found === undefined) {
    throw new ConfigError(
      `${field} must be one of ${allowed.map((one) => `"${one}"`).join(', ')}; got ${JSON.stringify(value)}.`,
    );
  }
  return found;
}
