import { ConfigError } from '../errors.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import { checkRetry, type RetryOptions } from './retry.ts';

type ErrorClass = abstract new (...args: never[]) => unknown;

/** Errors of one of these classes, or for which it is true. */
export type Errors = readonly ErrorClass[] | ((error: unknown) => boolean);

/** What one `retry_on` of Rails is: attempts and waits for these errors alone. */
export interface RetryOn extends RetryOptions {
  /** Errors of one of these classes, or for which it is true. Of several rules for an error the last counts, as in Rails. */
  readonly errors: Errors;
  /**
   * The exceptions of the `retry_on` in Ruby that it stands for, as its job counts them: `'[Net::OpenTimeout, Timeout::Error]'`.
   * What failed on one side counts on the other.
   */
  readonly exceptions: string;
}

const OPTIONS = { errors: true, exceptions: true, attempts: true, backoff: true } satisfies OptionsOf<RetryOn>;

/** @throws ConfigError */
export function errorRule(where: string, errors: Errors): (error: unknown) => boolean {
  if (typeof errors === 'function') return errors;
  if (!Array.isArray(errors) || !errors.every((one) => typeof one === 'function')) {
    throw new ConfigError(`${where} must be a list of error classes, or a function that takes an error.`);
  }
  return (error) => errors.some((one) => error instanceof one);
}

/** @throws ConfigError */
export function checkRetryOn(where: string, rules: readonly RetryOn[] | undefined): void {
  if (rules === undefined) return;
  if (!Array.isArray(rules)) throw new ConfigError(`${where}: retryOn must be a list; got ${shown(rules)}.`);
  for (const [i, rule] of (rules as readonly RetryOn[]).entries()) {
    const name = `${where}: retryOn[${i}]`;
    checkOptions(name, rule, OPTIONS);
    const { errors, exceptions, ...retry } = rule;
    errorRule(`${name}.errors`, errors);
    if (typeof exceptions !== 'string' || !/^\[[^[\]]+\]$/.test(exceptions)) {
      throw new ConfigError(
        `${name}.exceptions must be the list of exceptions in Ruby, such as '[Timeout::Error]'; got ${shown(exceptions)}.`,
      );
    }
    checkRetry(name, retry);
  }
}

/** The rule that an error falls under; undefined where none is for it. */
export function ruleFor(rules: readonly RetryOn[] | undefined, error: unknown): RetryOn | undefined {
  return rules?.findLast(({ errors }) => errorRule('retryOn', errors)(error));
}
