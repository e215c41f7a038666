import { InvalidArgumentError } from 'commander';
import { describe, expect, test } from 'vitest';
import { duration } from '../../infra/local/flag-values.ts';

describe('a duration on the command line', () => {
  test.each([
    ['5', 5_000],
    ['5.0', 5_000],
    ['.5', 500],
    ['0', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['1h30m', 5_400_000],
    ['1w', 604_800_000],
  ])('%s is %d ms: a number alone is seconds, and units are those of all other places', (text, ms) => {
    expect(duration()(text)).toBe(ms);
  });

  test.each(['', 'soon', '-1', '5.', '1.2.3', '1e3', '5y', '5 s', 'Infinity'])('%j is none', (text) => {
    const read = () => duration()(text);
    expect(read).toThrow(InvalidArgumentError);
    expect(read).toThrow('Allowed: a number of seconds, or text with units: 500ms, 30s, 1h30m, 2d.');
  });

  test.each([
    [1_000, '999ms', 'Allowed: 1s or more.'],
    [1, '0', 'Allowed: 1ms or more.'],
  ])('of %d ms or more, %s is refused', (least, text, message) => {
    expect(() => duration(least)(text)).toThrow(new InvalidArgumentError(message));
    expect(duration(least)('1')).toBe(1_000);
  });
});
