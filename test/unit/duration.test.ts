import { describe, expect, test } from 'vitest';
import { type DurationRule, durationMs, parseDuration, shownDuration } from '../../shared/duration.ts';
import { ConfigError } from '../../shared/errors.ts';

describe('the grammar', () => {
  test.each([
    ['500ms', 500],
    ['1s', 1_000],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['0s', 0],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['1m500ms', 60_500],
    ['30m1h', 5_400_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    ['1w2d3h4m5s6ms', 788_645_006],
  ])('%j is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
    expect(durationMs(text, 'wait')).toBe(ms);
    expect(durationMs(text, 'wait', { numbers: 'seconds' })).toBe(ms);
  });

  test.each(['', '30', '.', 's', '1 h', '1h 30m', ' 30s', '30s ', '30S', '15mins', '1y', '1M', '-5s', '+5s', '1e3s'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  test.each(['1..5s', '1.s', '1h!', 'soon', `${'9'.repeat(400)}d`])('nor is %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe('a number', () => {
  test.each([
    [{}, 1_500],
    [{ numbers: 'milliseconds' }, 1_500],
    [{ numbers: 'seconds' }, 1_500_000],
  ] as const)('with %j: 1500 is %d ms', (rule, ms) => {
    expect(durationMs(1_500, 'wait', rule)).toBe(ms);
  });

  test.each<[unknown, DurationRule, string]>([
    [30, { numbers: 'refused' }, "wait must be a duration with a unit; got 30. Write '30s' for seconds."],
    [
      0,
      { numbers: 'refused', least: 1_000 },
      "wait must be a duration of 1s or more: text such as '30s', '1h30m', '2d'; got 0.",
    ],
    [
      60,
      { refuseSmall: true },
      "wait must be a duration, and a number without a unit is milliseconds; got 60. Write '60s' for seconds, or '60ms' if that is meant.",
    ],
  ])('%j is refused with %j', (value, rule, message) => {
    expect(() => durationMs(value, 'wait', rule)).toThrow(new ConfigError(message));
  });

  test.each<[number, DurationRule]>([
    [0, { refuseSmall: true }],
    [1_000, { refuseSmall: true }],
    [Infinity, { refuseSmall: true, endless: true }],
  ])('%d is taken with %j', (value, rule) => {
    expect(durationMs(value, 'wait', rule)).toBe(value);
  });
});

describe('what is no duration is told with what would be', () => {
  const forms = "a number of milliseconds, or text such as '500ms', '30s', '1h30m', '2d'";

  test.each([
    [-1, '-1'],
    [Number.NaN, 'NaN'],
    [Infinity, 'Infinity'],
    ['30', '"30"'],
    [undefined, 'undefined'],
    [null, 'null'],
    [true, 'true'],
    [10n, '10'],
    [{ s: 1 }, '{"s":1}'],
    [['1h'], '["1h"]'],
  ])('%o', (value, got) => {
    expect(() => durationMs(value, 'wait')).toThrow(new ConfigError(`wait must be a duration: ${forms}; got ${got}.`));
  });

  test.each<[DurationRule, string]>([
    [{ least: 1 }, ` of 1ms or more: ${forms}`],
    [{ least: 60_000 }, " of 60s or more: a number of milliseconds, or text such as '30s', '1h30m', '2d'"],
    [{ numbers: 'seconds' }, ": a number of seconds, or text such as '500ms', '30s', '1h30m', '2d'"],
    [{ endless: true }, ": a number of milliseconds, text such as '500ms', '30s', '1h30m', '2d', or Infinity"],
    [{ also: 'a list' }, ": a number of milliseconds, text such as '500ms', '30s', '1h30m', '2d', or a list"],
  ])('under the rule %j', (rule, allowed) => {
    expect(() => durationMs('soon', 'wait', rule)).toThrow(
      new ConfigError(`wait must be a duration${allowed}; got "soon".`),
    );
  });
});

test.each([1e16, 1e300, '100000001d'])('%j is longer than any date can be', (value) => {
  for (const endless of [false, true]) {
    expect(() => durationMs(value, 'wait', { least: 1, endless })).toThrow(
      'wait must be a duration of 100000000d or less',
    );
  }
  expect(durationMs('100000000d', 'wait')).toBe(8.64e15);
});

test.each([
  [0, '0ms'],
  [1, '1ms'],
  [1_000, '1s'],
  [1_500, '1500ms'],
  [7_200_000, '7200s'],
])('%d is shown as %s', (ms, text) => {
  expect(shownDuration(ms)).toBe(text);
});
