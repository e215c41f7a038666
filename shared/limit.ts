import { createHash } from 'node:crypto';
import { parseDuration, wholeUnits } from './duration.ts';
import { ArgumentsError, ConfigError } from './errors.ts';
import { checkOptions, type OptionsOf, shown } from './options.ts';

/** How many jobs of some kind may run. Without any limit in it, any number. */
export interface LimitRule {
  /** At once. */
  readonly running?: number | undefined;
  /** In any stretch of time of `per` ms. */
  readonly rate?: { readonly count: number; readonly per: number } | undefined;
}

/** What lets through only so many jobs of one kind. */
export interface Gate {
  readonly name: string;
  readonly rule: LimitRule;
  /** How long it is remembered who passed it, ms; undefined for ever. */
  readonly life: number | undefined;
  /** The job has not passed it: a place that is kept for it is given back. @default false */
  readonly unused?: boolean;
}

/** How many jobs may run, whoever's workers run them. */
export interface Limit {
  /** Most jobs at once, from 1. @default any number */
  readonly running?: number;
  /** Most starts in a time, such as `'100/1m'` or `'10/1s'`: in no stretch of that length are there more. @default any number */
  readonly rate?: `${number}/${string}`;
}

/** A limit for each of some kinds of a class's jobs. */
export interface KeyedLimit<In extends readonly unknown[] = readonly unknown[]> extends Limit {
  /**
   * Tells the kind: each text has the limit for itself, such as `(args) => args[0].tenant`. Arguments are as they were given to
   * `enqueue`, before any schema. What it throws, or a value that is no text, fails the job.
   * @default all jobs of the class are of one kind
   */
  key?(args: In): string;
}

const RATE = /^(\d+)\/(.+)$/;
/** A rate is counted in parts of its time: a shorter one has none, and of longer ones nothing is left when Redis starts anew. */
const SHORTEST_MS = 100;
const LONGEST_MS = 31 * 86_400_000;
/** Of jobs at once, and of a rate: numbers beyond are no limit. */
const MOST = 1_000_000;
/** Longer texts are told by their digest. */
const LONGEST_KEY = 100;

/** @throws ConfigError naming the option, the value got and what is allowed */
export function limitRule(where: string, limit: unknown, keyed = false): LimitRule {
  const known = keyed ? KEYED : PLAIN;
  checkOptions(where, limit, known);
  const { running, rate, key } = limit as { readonly [option in keyof KeyedLimit]: unknown };
  if (running === undefined && rate === undefined) {
    throw new ConfigError(`${where}: give running, such as 5, or rate, such as '10/1s', or both; got ${shown(limit)}.`);
  }
  if (running !== undefined && !isCount(running)) {
    throw new ConfigError(`${where}: running must be a whole number from 1 to ${MOST}; got ${shown(running)}.`);
  }
  if (key !== undefined && typeof key !== 'function') {
    throw new ConfigError(`${where}: key must be a function of the arguments that gives a text; got ${shown(key)}.`);
  }
  return { running: running as number | undefined, rate: rate === undefined ? undefined : rateOf(where, rate) };
}

const PLAIN = { running: true, rate: true } satisfies OptionsOf<Limit>;
const KEYED = { ...PLAIN, key: true } satisfies OptionsOf<KeyedLimit>;

/** As it was given. */
export function limitOf(rule: LimitRule | undefined): Limit | undefined {
  if (!rule) return undefined;
  const { running, rate } = rule;
  return {
    ...(running === undefined ? {} : { running }),
    ...(rate ? { rate: `${rate.count}/${wholeUnits(rate.per)}` as const } : {}),
  };
}

/** Of queues by name. @throws ConfigError */
export function limitRules(limits: Readonly<Record<string, Limit>>): ReadonlyMap<string, LimitRule> {
  return new Map(Object.entries(limits).map(([queue, limit]) => [queue, limitRule(`limits.${queue}`, limit)]));
}

/**
 * `2`, `100/1m`, or both with a comma between them, as the command line takes a limit.
 * @throws ConfigError
 */
export function parseLimit(where: string, text: string): Limit {
  const limit: { running?: number; rate?: `${number}/${string}` } = {};
  for (const part of text.split(',').map((one) => one.trim())) {
    if (RATE.test(part) && limit.rate === undefined) limit.rate = part as `${number}/${string}`;
    else if (/^\d+$/.test(part) && limit.running === undefined) limit.running = Number(part);
    else throw new ConfigError(`${where}: must be such as 2, 100/1m or 2,100/1m; got ${JSON.stringify(text)}.`);
  }
  limitRule(where, limit);
  return limit;
}

/**
 * Which of a class's kinds a job is of; '' where there is but one.
 * @throws ArgumentsError for a key that throws, or gives no text
 */
export function limitKey(className: string, limit: Pick<KeyedLimit, 'key'>, args: readonly unknown[]): string {
  if (!limit.key) return '';
  let key: unknown;
  try {
    key = limit.key(args);
  } catch (error) {
    throw new ArgumentsError(
      `limit.key of ${className} failed: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
  if (typeof key !== 'string' || key === '') {
    throw new ArgumentsError(`limit.key of ${className} must give a text that is not empty; got ${shown(key)}.`);
  }
  return shortKey(key);
}

/** A text as a part of a name in Redis: as it is, or its digest where it is long. */
function shortKey(text: string): string {
  if (text.length <= LONGEST_KEY && text.isWellFormed()) return text;
  return digestOf(text);
}

/** 32 hex digits that stand for a text in a name in Redis. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function rateOf(where: string, rate: unknown): LimitRule['rate'] {
  const [, count = '', time = ''] = (typeof rate === 'string' && RATE.exec(rate)) || [];
  const per = parseDuration(time);
  if (isCount(Number(count)) && per !== undefined && per >= SHORTEST_MS && per <= LONGEST_MS) {
    return { count: Number(count), per: Math.round(per) };
  }
  throw new ConfigError(
    `${where}: rate must be a number of jobs and a time, such as '100/1m' or '10/1s', from 100ms to 31d; got ${shown(rate)}.`,
  );
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MOST;
}
