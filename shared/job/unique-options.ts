import { type Duration, type DurationRule, durationMs } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import { LOCK_MS } from '../wire/control.ts';

/** Declared like a method, so that a definition of some arguments is also one of any. */
export type ArgsToText<In extends readonly unknown[]> = { by(args: In): string }['by'];

/**
 * Of equal jobs there is one at a time. What they have in common is a lock, which belongs to the job that took it.
 * @example const Ship = defineJob({ class: 'Ship', queue: 'orders', unique: { while: 'queued' }, perform() {} });
 */
export interface UniqueOptions<In extends readonly unknown[] = readonly unknown[]> {
  /**
   * What makes two jobs of a class equal: all of their arguments, whatever the order of keys in their objects; or a text made
   * of them. Arguments are as they were given to `enqueue`, before any schema.
   * @default 'args'
   */
  readonly by?: 'args' | ArgsToText<In>;
  /**
   * How long the lock is held: while the job waits (`queued`: also delayed, and between two attempts); until it has ended for good, retries
   * included; while an attempt of it runs (decided by the workers, also for jobs of other producers); or for this time from
   * when it is due, whatever becomes of the job.
   * @default 'queued or running'
   */
  readonly while?: 'queued' | 'queued or running' | 'running' | Duration;
  /**
   * What becomes of the second one. `skip`: nothing is enqueued, and `enqueue` answers the first one's id, with `duplicate`.
   * `replace`: it takes the place of one that waits; behind one that runs it waits as with `later`, and a still newer one
   * replaces it. `later`: it waits until the lock is given back, after those that wait already.
   * @default 'skip'
   */
  readonly onConflict?: 'skip' | 'replace' | 'later';
  /**
   * How long the lock is held at most, from when the job is due; each retry counts anew. It ends the lock of a job that was
   * lost, and also of one that waits for longer: then an equal one may be enqueued beside it. Not where `while` is a time.
   * @default '24h'
   */
  readonly atMost?: Duration;
}

/** The same, checked. */
export interface Unique {
  readonly by: 'args' | ArgsToText<readonly unknown[]>;
  /** A number: milliseconds. */
  readonly while: 'queued' | 'queued or running' | 'running' | number;
  readonly onConflict: 'skip' | 'replace' | 'later';
  /** Milliseconds: that of `while` where it is a time. */
  readonly atMost: number;
}

const WHILE = ['queued', 'queued or running', 'running'] as const;
const ON_CONFLICT = ['skip', 'replace', 'later'] as const;
const OPTIONS = {
  by: true,
  while: true,
  onConflict: true,
  atMost: true,
} satisfies OptionsOf<UniqueOptions>;

const TIME: DurationRule = { least: 1, refuseSmall: true };

/** `enqueue` meets the same options with each job. */
const checked = new WeakMap<object, Unique>();

/** @param where what has the option, for messages  @throws ConfigError with the value got and what is allowed */
export function uniqueOf(where: string, options: UniqueOptions<never>): Unique {
  const known = typeof options === 'object' && options !== null ? checked.get(options) : undefined;
  if (known) return known;
  checkOptions(`${where}: unique`, options, OPTIONS);
  const { by = 'args', while: holds = 'queued or running', onConflict = 'skip', atMost } = options;
  if (by !== 'args' && typeof by !== 'function') {
    throw new ConfigError(
      `${where}: unique.by must be "args", or a function that makes a text of the arguments, such as ([order]) => order; got ${shown(by)}.`,
    );
  }
  if (!ON_CONFLICT.includes(onConflict)) {
    throw new ConfigError(
      `${where}: unique.onConflict must be ${ON_CONFLICT.map((one) => JSON.stringify(one)).join(', ')}; got ${shown(onConflict)}.`,
    );
  }
  const named = WHILE.find((one) => one === holds);
  if (named === 'running' && onConflict === 'replace') {
    throw new ConfigError(
      `${where}: unique.onConflict cannot be "replace" with while "running": one that runs cannot be replaced. Use "skip" or "later".`,
    );
  }
  if (named === undefined && atMost !== undefined && atMost !== holds) {
    throw new ConfigError(
      `${where}: unique.atMost says nothing where unique.while is a time; got ${shown(atMost)}. Leave it out.`,
    );
  }
  const also = WHILE.map((one) => JSON.stringify(one)).join(', ');
  const rule: Unique = {
    by: by as Unique['by'],
    while: named ?? durationMs(holds, `${where}: unique.while`, { ...TIME, also }),
    onConflict,
    atMost:
      named === undefined
        ? durationMs(holds, `${where}: unique.while`, TIME)
        : durationMs(atMost ?? LOCK_MS, `${where}: unique.atMost`, TIME),
  };
  checked.set(options, rule);
  checked.set(rule, rule);
  return rule;
}
