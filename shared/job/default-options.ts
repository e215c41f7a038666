import type { Duration } from '../duration.ts';
import { type KeyedLimit, limitRule } from '../limit.ts';
import type { OptionsOf } from '../options.ts';
import { keptSeconds, type TrackOptions, withinMs } from './control-options.ts';
import type { Args, JobRef } from './enqueue.ts';
import { checkRetry, type RetryOptions } from './retry.ts';
import { type Unique, uniqueOf } from './unique-options.ts';

/** Options that many job classes have in common: any that a definition may have, and that is not of one class alone. */
export interface DefaultOptions<In extends Args = Args>
  extends Pick<JobRef<In>, 'unique' | 'track' | 'expires' | 'deadline'> {
  /** @default 5 attempts, with waits that grow from 16 s to 7 min */
  readonly retry?: RetryOptions;
  /** How long one attempt may take, such as `'30s'`; `Infinity` for no limit. @default '15m', the longest that Lambda allows */
  readonly timeout?: Duration;
  /**
   * How many of them run, whoever's workers run them; with `key`, for each kind of them. A job over it is parked in Redis:
   * it takes no place of a worker, counts no attempt, and goes on when others have ended or the rate allows it, first come
   * first served for each key. @default any number
   */
  readonly limit?: KeyedLimit<In>;
}

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

/** The same, checked; times are milliseconds, or `Infinity`. */
export interface CheckedOptions {
  readonly retry?: RetryOptions;
  readonly timeout?: number;
  readonly limit?: KeyedLimit;
  readonly unique?: Unique;
  readonly track?: boolean | TrackOptions;
  readonly expires?: number;
  readonly deadline?: number;
}

/** @param where what has the options, for messages  @throws ConfigError with the option, the value got and what is allowed */
export function checkDefaultOptions(where: string, options: DefaultOptions<never>): CheckedOptions {
  const { retry, timeout, limit, unique, track, expires, deadline } = options;
  if (limit !== undefined) limitRule(`${where}: limit`, limit, true);
  checkRetry(where, retry);
  keptSeconds(where, track);
  const checked = {
    retry,
    timeout: timeout === undefined ? undefined : withinMs(`${where}: timeout`, timeout),
    limit,
    unique: unique === undefined ? undefined : uniqueOf(where, unique),
    track,
    expires: expires === undefined ? undefined : withinMs(`${where}: expires`, expires),
    deadline: deadline === undefined ? undefined : withinMs(`${where}: deadline`, deadline),
  };
  return Object.fromEntries(Object.entries(checked).filter(([, value]) => value !== undefined));
}
