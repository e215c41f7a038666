import { ArgumentsError, ConfigError } from '../../errors.ts';
import type { Args } from '../../job/define.ts';
import { checkJsonArgs } from '../../job/json-args.ts';
import type { Registry } from '../../job/registry.ts';
import { checkArgs } from '../../job/schema.ts';
import { hasHalfPair, parseWithBigInts, stringify } from '../../json.ts';
import { didYouMean, nearest } from '../../nearest.ts';
import { argsOf } from '../../wire/decode.ts';
import { type EntrySource, firstSlot, intervalMs } from './interval-options.ts';
import { fromWords } from './ruby-words.ts';
import { cronTiming, everyTiming, isTimeZone, startingAt, type Timing } from './timing.ts';

/**
 * A named rule that enqueues a job at times; resque-scheduler's fields, and ours. Entries that others keep in Redis may have
 * numbers of seconds for durations, as resque-scheduler has it.
 */
export interface CronEntry {
  /**
   * 5 fields, or 6 with seconds first: numbers, names, ranges, steps, `L`, `W`, `#`; `@daily` and the like; `@every 30s`.
   * A time zone may follow, as resque-scheduler has it. Wins over `every`.
   */
  readonly cron?: string | readonly [string, object?];
  /**
   * An interval of a second or more: `'1h'`. With options, its first slot: `['1h', { first_in: '5m' }]` is five minutes
   * after a scheduler first sees the entry, `['1d', { first_at: '2026-11-27T04:31:00Z' }]` at that time.
   */
  readonly every?: string | readonly [string, IntervalOptions?];
  /** IANA name. @default UTC */
  readonly timeZone?: string;
  /** @default the entry's name */
  readonly class?: string;
  /** @default the queue of the class */
  readonly queue?: string;
  /** An array is the argument list; anything else is one argument. @default no arguments */
  readonly args?: unknown;
  /** Text for people. */
  readonly description?: string;
  /** Slots that passed while no scheduler ran: only the newest, none, or all (the newest 1,000). @default 'latest' */
  readonly missed?: 'latest' | 'skip' | 'all';
  /** `skip` enqueues nothing while the entry's last job is queued, running or waiting for a retry. @default 'allow' */
  readonly overlap?: 'allow' | 'skip';
}

/** When an interval begins. */
export interface IntervalOptions {
  /** A duration, such as `'5m'`. */
  readonly first_in?: string;
  /** A time in ISO 8601. */
  readonly first_at?: string | Date;
}

/** A checked entry. */
export interface CronRule {
  readonly name: string;
  readonly timing: Timing;
  readonly class: string;
  readonly queue: string;
  readonly args: Args;
  /** Of an entry in Redis: their JSON as it stands there, since Ruby tells `1.0` from 1. */
  readonly argsJson?: string | undefined;
  readonly missed: 'latest' | 'skip' | 'all';
  readonly overlap: 'allow' | 'skip';
  readonly description: string | undefined;
}

const FIELDS = ['cron', 'every', 'timeZone', 'class', 'queue', 'args', 'description', 'missed', 'overlap'];
/** What an entry that Ruby wrote may have besides: whoever reads it there has looked at them. */
const RUBYS = ['persist', 'custom_job_class', 'rails_env', 'env'];

/**
 * @param registry gives the queue of a class; without it every entry must name its queue
 * @param source where the entry comes from. @default code: what is unknown here is an error
 * @throws ConfigError naming the entry, the field, the value got and what is allowed
 */
export function cronRule(name: string, entry: CronEntry, registry?: Registry, source: EntrySource = inCode): CronRule {
  const where = `cron entry ${JSON.stringify(name)}`;
  if (name === '') throw new ConfigError('A cron entry needs a name; got "".');
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw new ConfigError(`${where}: must be an object with cron or every; got ${JSON.stringify(entry)}.`);
  }
  for (const field of Object.keys(entry)) {
    if (FIELDS.includes(field) || (source !== inCode && RUBYS.includes(field))) continue;
    const meant = nearest(field, FIELDS);
    source.report(
      `${where}: there is no field ${JSON.stringify(field)}${didYouMean(meant)}. There are ${FIELDS.join(', ')}.`,
    );
  }
  const className = text(entry.class, `${where}: class`) ?? name;
  const args = argsOf(entry.args);
  try {
    checkJsonArgs(className, args);
  } catch (error) {
    throw argsRefused(name, error);
  }
  if (hasHalfPair(stringify([name, entry]))) {
    throw new ConfigError(
      `${where}: has half of a surrogate pair, which is no UTF-8 and at which Ruby ends. Cut text between characters.`,
    );
  }
  const queue = text(entry.queue, `${where}: queue`) ?? registry?.handlerFor(className)?.definition.queue;
  const timing = timingOf(entry, where, source);
  if (queue === undefined) {
    const meant = registry?.handlerFor(className) ? undefined : nearest(className, classesOf(registry));
    throw new ConfigError(
      `${where}: no queue. Name one in queue, or in the definition of ${className}${didYouMean(meant)}.`,
    );
  }
  return {
    name,
    timing,
    class: className,
    queue,
    args,
    missed: choice(entry.missed, ['latest', 'skip', 'all'], `${where}: missed`) ?? 'latest',
    overlap: choice(entry.overlap, ['allow', 'skip'], `${where}: overlap`) ?? 'allow',
    description: text(entry.description, `${where}: description`),
  };
}

const inCode: EntrySource = {
  numbers: 'refused',
  report(problem) {
    throw new ConfigError(problem);
  },
};

/**
 * Checks static entries: with a registry also that their classes are defined, and take these arguments. A schema that is
 * asynchronous is left out: it is asked when the job runs.
 * @throws ConfigError for the first that is wrong
 */
export function checkCronEntries(entries: Readonly<Record<string, CronEntry>>, registry?: Registry): CronRule[] {
  return Object.entries(entries).map(([name, entry]) => {
    const className = entry?.class ?? name;
    if (registry && typeof className === 'string') checkClass(name, className, registry);
    const rule = cronRule(name, entry, registry);
    const checked = registry && checkRuleArgs(rule, registry);
    if (checked instanceof Promise) checked.catch(() => {});
    return rule;
  });
}

/** @throws ConfigError if the class is not defined */
export function checkClass(name: string, className: string, registry: Registry): void {
  if (registry.handlerFor(className)) return;
  const known = classesOf(registry);
  throw new ConfigError(
    `cron entry ${JSON.stringify(name)}: class ${JSON.stringify(className)} is not defined in the jobs module` +
      `${didYouMean(nearest(className, known))}, which has: ${known.join(', ')}.`,
  );
}

/** @returns a promise only where the schema is asynchronous  @throws ConfigError if the schema of the class refuses the arguments */
export function checkRuleArgs(rule: CronRule, registry: Registry): Promise<void> | undefined {
  const definition = registry.handlerFor(rule.class)?.definition;
  if (!definition) return undefined;
  const refused = (error: unknown) => {
    throw argsRefused(rule.name, error);
  };
  try {
    // As the handler will get them.
    const checked = checkArgs(definition, parseWithBigInts(stringify(rule.args)) as Args);
    return checked instanceof Promise ? checked.then(() => {}, refused) : undefined;
  } catch (error) {
    return refused(error);
  }
}

function argsRefused(name: string, error: unknown): unknown {
  if (!(error instanceof ArgumentsError)) return error;
  return new ConfigError(`cron entry ${JSON.stringify(name)}: args: ${error.message}`, { cause: error });
}

const classesOf = (registry: Registry | undefined) => registry?.definitions.map((one) => one.class) ?? [];

function timingOf(entry: CronEntry, where: string, source: EntrySource): Timing {
  const [cron, cronOptionsGiven] = pairOf(entry.cron, `${where}: cron`, source);
  // What resque-scheduler writes for an entry without it.
  if (cron) {
    const first = firstSlot(cronOptionsGiven, `${where}: cron`, source);
    return startingAt(cronOf({ ...entry, cron: cron as string }, where, source), first);
  }
  const field = `${where}: every`;
  const [interval, options] = pairOf(entry.every, field, source);
  if (entry.every === undefined || entry.every === null) {
    throw new ConfigError(`${where}: no time. Give cron, such as "0 3 * * *", or every, such as "1h".`);
  }
  checkTimeZoneUse(entry, where, source);
  return everyTiming(intervalMs(interval, field, source), firstSlot(options, field, source));
}

function checkTimeZoneUse({ timeZone }: CronEntry, where: string, { report }: EntrySource): void {
  if (timeZone === undefined || timeZone === null) return;
  report(`${where}: timeZone has no meaning for an interval; got ${JSON.stringify(timeZone)}. Leave it out.`);
}

/** A value alone, or in an array with its options. */
function pairOf(value: unknown, field: string, { report }: EntrySource): readonly [unknown, unknown?] {
  if (!Array.isArray(value)) return [value];
  if (value.length > 2) {
    report(`${field} must be a value, or an array of it and its options; got ${JSON.stringify(value)}.`);
    return [value[0]];
  }
  return value as [unknown, unknown?];
}

const WEEKDAY = /^(sun|mon|tue|wed|thu|fri|sat)$/i;

function cronOf(entry: CronEntry & { readonly cron: string }, where: string, source: EntrySource): Timing {
  const field = `${where}: cron`;
  const whole = text(entry.cron, field) ?? '';
  const every = /^@every\s+(\S+)$/.exec(whole.trim());
  if (every) {
    checkTimeZoneUse(entry, where, source);
    return everyTiming(intervalMs(every[1], field, source));
  }
  const { expression, zone } = splitTimeZone(fromWords(whole) ?? whole);
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
  const trailing =
    parts.length > 1 && !WEEKDAY.test(last) && /^[A-Za-z]|^[+-]\d\d:?\d\d$/.test(last) && isTimeZone(zoneOf(last));
  return trailing
    ? { expression: parts.slice(0, -1).join(' '), zone: zoneOf(last) }
    : { expression: parts.join(' '), zone: undefined };
}

/** An offset as Intl takes it: `+02:00`. */
function zoneOf(text: string): string {
  return text.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2');
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
