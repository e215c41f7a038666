import { afterEach, describe, expect, test, vi } from 'vitest';
import { ConfigError, LambdesqueError } from '../../../shared/errors.ts';
import {
  type Backoff,
  type BackoffFunction,
  defaultBackoff,
  type ExponentialOptions,
  exponential,
  RetryIn,
  waitAfter,
} from '../../../shared/job/retry.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const ALMOST_ONE = 1 - Number.EPSILON;

function drawing(random: number): void {
  vi.spyOn(Math, 'random').mockReturnValue(random);
}

const DURATION = "a number of milliseconds, or text such as '500ms', '30s', '1h30m', '2d'";

describe('the default: n⁴ + 15 + random(30)·(n+1) seconds', () => {
  test.each([
    [1, 16, 74],
    [2, 31, 118],
    [3, 96, 212],
    [4, 271, 416],
    [5, 640, 814],
  ])('after attempt %i from %i to %i s', (attempt, shortest, longest) => {
    drawing(0);
    expect(defaultBackoff(attempt)).toBe(1_000 * shortest);
    expect(waitAfter(undefined, attempt, undefined)).toBe(1_000 * shortest);
    drawing(ALMOST_ONE);
    expect(defaultBackoff(attempt)).toBe(1_000 * longest);
  });

  test('the random part is drawn anew each time, in steps of n+1 s', () => {
    const waits = new Set(Array.from({ length: 2_000 }, () => defaultBackoff(2)));
    expect([...waits].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => 31_000 + 3_000 * i));
  });
});

describe('exponential', () => {
  const waits = (options: ExponentialOptions | undefined, attempts: readonly number[]) =>
    attempts.map((attempt) => exponential(options)(attempt, undefined));

  test('starts at 1 s and doubles, up to an hour', () => {
    expect(waits(undefined, [1, 2, 3, 12, 13, 2_000])).toEqual([1_000, 2_000, 4_000, 2_048_000, 3_600_000, 3_600_000]);
  });

  test('takes base, factor and max', () => {
    expect(waits({ base: '5s', factor: 3, max: '1m40s' }, [1, 2, 3, 4, 5])).toEqual([
      5_000, 15_000, 45_000, 100_000, 100_000,
    ]);
    expect(waits({ base: 7_000, factor: 1 }, [1, 9])).toEqual([7_000, 7_000]);
    expect(waits({ base: 0 }, [1, 2, 1_000, 5_000])).toEqual([0, 0, 0, 0]);
  });

  test.each([
    [0, 0.9, 8],
    [0.25, 0, 8],
    [0.25, 0.5, 7],
    [0.25, 1, 6],
    [1, 0.5, 4],
    [1, 1, 0],
  ])(
    'jitter %d takes away up to that share of the wait: with a draw of %d, %d of 8 s are left',
    (jitter, random, wait) => {
      drawing(random);
      expect(exponential({ base: '8s', jitter })(1, undefined)).toBe(1_000 * wait);
    },
  );

  test('jitter applies to the longest wait as well', () => {
    drawing(0.5);
    expect(exponential({ max: '1m', jitter: 0.5 })(20, undefined)).toBe(45_000);
  });

  test.each<[ExponentialOptions, string]>([
    [{ base: -1 }, `exponential: base must be a duration: ${DURATION}; got -1.`],
    [{ base: Number.NaN }, `exponential: base must be a duration: ${DURATION}; got NaN.`],
    [
      { base: 10 },
      "exponential: base must be a duration, and a number without a unit is milliseconds; got 10. Write '10s' for seconds, or '10ms' if that is meant.",
    ],
    [{ factor: 0.5 }, 'exponential: factor must be a number from 1; got 0.5.'],
    [{ max: -1 }, `exponential: max must be a duration: ${DURATION}; got -1.`],
    [{ max: Infinity }, `exponential: max must be a duration: ${DURATION}; got Infinity.`],
    [{ jitter: -0.1 }, 'exponential: jitter must be a number from 0 to 1; got -0.1.'],
    [{ jitter: 1.1 }, 'exponential: jitter must be a number from 0 to 1; got 1.1.'],
  ])('refuses %o', (options, message) => {
    expect(() => exponential(options)).toThrow(new ConfigError(message));
  });
});

describe('waitAfter', () => {
  test.each<[Backoff, number]>([
    ['2.5s', 2_500],
    [90_000, 90_000],
    ['1h30m', 5_400_000],
  ])('the duration %j is the wait after each attempt', (backoff, wait) => {
    expect([1, 2, 50].map((attempt) => waitAfter(backoff, attempt, undefined))).toEqual([wait, wait, wait]);
  });

  test.each<[Backoff, readonly number[]]>([
    [
      ['1s', 5_000, 0, '0.5m'],
      [1_000, 5_000, 0, 30_000, 30_000, 30_000],
    ],
    [['9s'], [9_000, 9_000, 9_000, 9_000, 9_000, 9_000]],
  ])('of the list %j the nth follows the nth attempt, and the last one repeats', (list, waits) => {
    expect([1, 2, 3, 4, 5, 6].map((attempt) => waitAfter(list, attempt, undefined))).toEqual(waits);
  });

  test.each<[ReturnType<BackoffFunction>, number]>([
    [12_000, 12_000],
    ['12s', 12_000],
    // What is reckoned may come out short: only what stands in a definition is taken for a slip.
    [12, 12],
    [0, 0],
  ])('a function gets the number of the attempt and what it threw; %j is %d ms', (given, wait) => {
    const error = new Error('boom');
    const backoff = vi.fn(() => given);
    expect(waitAfter(backoff, 3, error)).toBe(wait);
    expect(backoff.mock.calls).toEqual([[3, error]]);
  });

  test.each([[Number.NaN], [-1], [Infinity], ['5'], [undefined], [null], [new Date(5)]])(
    'a function that returns %s is told what to return',
    (result) => {
      const backoff = (() => result) as unknown as Backoff;
      const wait = () => waitAfter(backoff, 1, undefined);
      expect(wait).toThrow(ConfigError);
      expect(wait).toThrow(`What a backoff function returns must be a duration: ${DURATION}; got `);
    },
  );

  test('what a function throws is thrown on', () => {
    const backoff = () => {
      throw new RangeError('no idea');
    };
    expect(() => waitAfter(backoff, 1, undefined)).toThrow(new RangeError('no idea'));
  });
});

describe('RetryIn', () => {
  test.each([
    [0, 0, '0ms'],
    [412.5, 412.5, '412.5ms'],
    [30_000, 30_000, '30s'],
    ['1h30m', 5_400_000, '5400s'],
  ] as const)('takes %j', (given, delay, text) => {
    expect(new RetryIn(given)).toBeInstanceOf(LambdesqueError);
    expect(new RetryIn(given)).toMatchObject({
      name: 'RetryIn',
      delay,
      message: `The handler asked for another attempt in ${text}.`,
    });
  });

  test('takes a message and a cause', () => {
    const cause = new Error('why');
    expect(new RetryIn('1s', 'later', { cause })).toMatchObject({ delay: 1_000, message: 'later', cause });
  });

  test.each([-1, Number.NaN, Infinity, 'soon' as '1s', undefined as unknown as number])('refuses %s', (given) => {
    expect(() => new RetryIn(given)).toThrow(ConfigError);
    expect(() => new RetryIn(given)).toThrow(`The delay of RetryIn must be a duration: ${DURATION}; got `);
  });
});
