import { ConfigError } from '../errors.ts';

export interface RetryOptions {
  /** Attempts in all, the first one included; 1 for no retry. @default 5 */
  readonly attempts?: number;
  /** @default n⁴ + 15 + random(30)·(n+1) seconds after the nth attempt */
  readonly backoff?: Backoff;
}

/**
 * How long to wait after a failed attempt: seconds; a list of seconds, of which the nth follows the nth attempt and the
 * last one every later attempt; or a function.
 */
export type Backoff = number | readonly number[] | BackoffFunction;

/**
 * @param attempt number of the attempt that failed, from 1
 * @param error what it threw
 * @returns seconds, 0 or more
 */
export type BackoffFunction = (attempt: number, error: unknown) => number;

export interface ExponentialOptions {
  /** Seconds after the first attempt. @default 1 */
  readonly base?: number;
  /** By how much each wait is longer than the last. @default 2 */
  readonly factor?: number;
  /** Longest wait, in seconds. @default 3600 */
  readonly max?: number;
  /** Share of the wait that is random, from 0 (none) to 1 (anything from 0 to the whole wait). @default 0 */
  readonly jitter?: number;
}

/** Waits of base, base·factor, base·factor², … seconds. */
export function exponential(options: ExponentialOptions = {}): BackoffFunction {
  const { base = 1, factor = 2, max = 3600, jitter = 0 } = options;
  for (const [name, value, low, high] of [
    ['base', base, 0, Infinity],
    ['factor', factor, 1, Infinity],
    ['max', max, 0, Infinity],
    ['jitter', jitter, 0, 1],
  ] as const) {
    if (!(value >= low && value <= high)) {
      throw new ConfigError(
        `exponential: ${name} must be a number from ${low}${high === 1 ? ' to 1' : ''}; got ${value}.`,
      );
    }
  }
  return (attempt) => {
    const wait = Math.min(max, base * factor ** (attempt - 1));
    return wait * (1 - jitter * Math.random());
  };
}

/** Sidekiq's curve: 16 to 74 s after the first attempt, 4.5 to 7 minutes after the fourth. */
export const defaultBackoff: BackoffFunction = (attempt) =>
  attempt ** 4 + 15 + Math.floor(Math.random() * 30) * (attempt + 1);

/**
 * Seconds to wait after attempt number `attempt`.
 * @throws what a backoff function throws, or a ConfigError if it returns no usable number
 */
export function waitAfter(backoff: Backoff | undefined, attempt: number, error: unknown): number {
  if (backoff === undefined) return defaultBackoff(attempt, error);
  if (typeof backoff === 'number') return backoff;
  if (typeof backoff !== 'function') return backoff[Math.min(attempt, backoff.length) - 1] ?? 0;
  const seconds = backoff(attempt, error);
  if (!isSeconds(seconds)) {
    throw new ConfigError(
      `A backoff function must return a finite number of seconds, 0 or more; it returned ${seconds}.`,
    );
  }
  return seconds;
}

/** @throws ConfigError */
export function checkRetry(where: string, retry: RetryOptions | undefined): void {
  if (retry === undefined) return;
  const { attempts, backoff } = retry;
  if (attempts !== undefined && !(Number.isInteger(attempts) && attempts >= 1)) {
    throw new ConfigError(`${where}: retry.attempts must be a whole number, 1 (no retry) or more; got ${attempts}.`);
  }
  if (backoff === undefined || typeof backoff === 'function') return;
  const waits: readonly number[] = typeof backoff === 'number' ? [backoff] : backoff;
  if (!Array.isArray(waits) || waits.length === 0 || !waits.every(isSeconds)) {
    throw new ConfigError(
      `${where}: retry.backoff must be seconds (0 or more), a list of seconds, exponential({…}) or a function; got ${show(backoff)}.`,
    );
  }
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** As JSON, but with the numbers that JSON has no name for. */
function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return JSON.stringify(value, (_key, inner) =>
    typeof inner === 'number' && !Number.isFinite(inner) ? String(inner) : inner,
  );
}
