import { type Duration, durationMs, shownDuration } from '../duration.ts';
import { ConfigError, LambdesqueError } from '../errors.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';

/** How often, and after which waits, a job is tried again. */
export interface RetryOptions {
  /** Attempts in all, the first one included; 1 for no retry, Infinity for what Rails calls `:unlimited`. @default 5 */
  readonly attempts?: number;
  /** @default n⁴ + 15 + random(30)·(n+1) seconds after the nth attempt */
  readonly backoff?: Backoff;
}

/**
 * How long to wait after a failed attempt: a duration, such as `'10s'`; a list of them, of which the nth follows the nth
 * attempt and the last one every later attempt; or a function.
 */
export type Backoff = Duration | readonly Duration[] | BackoffFunction;

/**
 * Says how long to wait after a failed attempt.
 * @param attempt number of the attempt that failed, from 1
 * @param error what it threw
 * @returns how long to wait
 */
export type BackoffFunction = (attempt: number, error: unknown) => Duration;

/** Waits that grow; see `exponential`. */
export interface ExponentialOptions {
  /** After the first attempt. @default '1s' */
  readonly base?: Duration;
  /** By how much each wait is longer than the last. @default 2 */
  readonly factor?: number;
  /** Longest wait. @default '1h' */
  readonly max?: Duration;
  /** Share of the wait that is random, from 0 (none) to 1 (anything from 0 to the whole wait). @default 0 */
  readonly jitter?: number;
}

const EXPONENTIAL = { base: true, factor: true, max: true, jitter: true } satisfies OptionsOf<ExponentialOptions>;
const RETRY = { attempts: true, backoff: true } satisfies OptionsOf<RetryOptions>;

/**
 * Waits of base, base·factor, base·factor², … up to max.
 * @throws ConfigError naming the option, the value got and what is allowed
 * @example defineJob({ class: 'Sync', retry: { attempts: 8, backoff: exponential({ base: '10s', max: '10m', jitter: 0.5 }) }, perform });
 */
export function exponential(options: ExponentialOptions = {}): BackoffFunction {
  checkOptions('exponential', options, EXPONENTIAL);
  const { factor = 2, jitter = 0 } = options;
  const base = durationMs(options.base ?? '1s', 'exponential: base', { refuseSmall: true });
  const max = durationMs(options.max ?? '1h', 'exponential: max', { refuseSmall: true });
  for (const [name, value, low, high] of [
    ['factor', factor, 1, Infinity],
    ['jitter', jitter, 0, 1],
  ] as const) {
    if (!(value >= low && value <= high)) {
      throw new ConfigError(
        `exponential: ${name} must be a number from ${low}${high === 1 ? ' to 1' : ''}; got ${value}.`,
      );
    }
  }
  return (attempt) => {
    // Nothing, as often as it may be doubled, is nothing.
    const wait = base === 0 ? 0 : Math.min(max, base * factor ** (attempt - 1));
    return wait * (1 - jitter * Math.random());
  };
}

/** Sidekiq's curve: 16 to 74 s after the first attempt, 4.5 to 7 minutes after the fourth. @returns ms */
export function defaultBackoff(attempt: number): number {
  return 1_000 * (attempt ** 4 + 15 + Math.floor(Math.random() * 30) * (attempt + 1));
}

/**
 * Milliseconds to wait after attempt number `attempt`.
 * @throws what a backoff function throws, or a ConfigError if it returns no duration
 */
export function waitAfter(backoff: Backoff | undefined, attempt: number, error: unknown): number {
  if (backoff === undefined) return defaultBackoff(attempt);
  if (typeof backoff === 'function') {
    return durationMs(backoff(attempt, error), 'What a backoff function returns');
  }
  const wait = isList(backoff) ? backoff[Math.min(attempt, backoff.length) - 1] : backoff;
  return durationMs(wait, 'retry.backoff');
}

/** @throws ConfigError */
export function checkRetry(where: string, retry: RetryOptions | undefined): void {
  if (retry === undefined) return;
  if (typeof retry !== 'object' || retry === null) {
    throw new ConfigError(
      `${where}: retry must be an object, such as { attempts: 3, backoff: '10s' }; got ${shown(retry)}.`,
    );
  }
  checkOptions(`${where}: retry`, retry, RETRY);
  const { attempts, backoff } = retry;
  if (attempts !== undefined && !((Number.isInteger(attempts) || attempts === Infinity) && attempts >= 1)) {
    throw new ConfigError(
      `${where}: retry.attempts must be a whole number, 1 (no retry) or more, or Infinity; got ${attempts}.`,
    );
  }
  if (backoff === undefined || typeof backoff === 'function') return;
  const rule = { refuseSmall: true, also: 'a list of these, exponential({…}) or a function' };
  const field = `${where}: retry.backoff`;
  if (!isList(backoff) || backoff.length === 0) durationMs(backoff, field, rule);
  else for (const [i, wait] of backoff.entries()) durationMs(wait, `${field}[${i}]`, { refuseSmall: true });
}

function isList(backoff: Duration | readonly Duration[]): backoff is readonly Duration[] {
  return Array.isArray(backoff);
}

/**
 * Throw it from a handler: the next attempt, if one is left, comes after this time instead of the policy's wait.
 * @example throw new RetryIn('1m', 'the API asks for patience');
 */
export class RetryIn extends LambdesqueError {
  /** Milliseconds until the next attempt. */
  readonly delay: number;
  /** @param delay from now until the next attempt  @throws ConfigError if it is no duration */
  constructor(delay: Duration, message?: string, options?: ErrorOptions) {
    const ms = durationMs(delay, 'The delay of RetryIn');
    super(message ?? `The handler asked for another attempt in ${shownDuration(ms)}.`, options);
    this.delay = ms;
  }
}
