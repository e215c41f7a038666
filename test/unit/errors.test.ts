import { describe, expect, test } from 'vitest';
import * as errors from '../../shared/errors.ts';

describe('each error', () => {
  const { LambdesqueError, RetryIn, ...others } = errors;

  test.each(Object.entries(others))('%s has its name, a message and a cause', (name, Kind) => {
    const cause = new Error('why');
    const error = new Kind('what', { cause });
    expect(error).toBeInstanceOf(LambdesqueError);
    expect(error).toMatchObject({ name, message: 'what', cause });
    expect(String(error)).toBe(`${name}: what`);
  });

  test('that a handler throws needs no message', () => {
    expect(new errors.SkipRetry().message).toBe('The handler asked for no further attempt.');
    expect(new errors.Discard().message).toBe('The handler discarded the job.');
    expect(new RetryIn(5).message).toBe('The handler asked for another attempt in 5 s.');
  });
});

describe('RetryIn', () => {
  test.each([0, 0.5, 86_400])('takes %d seconds', (seconds) => {
    const cause = new Error('why');
    expect(new errors.RetryIn(seconds, 'later', { cause })).toMatchObject({
      name: 'RetryIn',
      seconds,
      message: 'later',
      cause,
    });
  });

  test.each([-1, Number.NaN, Infinity])('refuses %d', (seconds) => {
    expect(() => new errors.RetryIn(seconds)).toThrow(
      new errors.ConfigError(`RetryIn takes a finite number of seconds, 0 or more; got ${seconds}.`),
    );
  });
});
