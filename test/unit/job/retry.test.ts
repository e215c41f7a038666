import { afterEach, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../../../shared/errors.ts';
import {
  type Backoff,
  defaultBackoff,
  type ExponentialOptions,
  exponential,
  waitAfter,
} from '../../../shared/job/retry.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const ALMOST_ONE = 1 - Number.EPSILON;

function drawing(random: number): void {
  vi.spyOn(Math, 'random').mockReturnValue(random);
}

describe('the default: n⁴ + 15 + random(30)·(n+1) seconds', () => {
  test.each([
    [1, 16, 74],
    [2, 31, 118],
    [3, 96, 212],
    [4, 271, 416],
    [5, 640, 814],
  ])('after attempt %i from %i to %i s', (attempt, shortest, longest) => {
    drawing(0);
    expect(defaultBackoff(attempt, undefined)).toBe(shortest);
    expect(waitAfter(undefined, attempt, undefined)).toBe(shortest);
    drawing(ALMOST_ONE);
    expect(defaultBackoff(attempt, undefined)).toBe(longest);
  });

  test('the random part is drawn anew each time, in steps of n+1 s', () => {
    const waits = new Set(Array.from({ length: 2_000 }, () => defaultBackoff(2, undefined)));
    expect([...waits].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => 31 + 3 * i));
  });
});

describe('exponential', () => {
  const waits = (options: ExponentialOptions | undefined, attempts: readonly number[]) =>
    attempts.map((attempt) => exponential(options)(attempt, undefined));

  test('starts at 1 s and doubles, up to an hour', () => {
    expect(waits(undefined, [1, 2, 3, 12, 13, 2_000])).toEqual([1, 2, 4, 2048, 3600, 3600]);
  });

  test('takes base, factor and max', () => {
    expect(waits({ base: 5, factor: 3, max: 100 }, [1, 2, 3, 4, 5])).toEqual([5, 15, 45, 100, 100]);
    expect(waits({ base: 7, factor: 1 }, [1, 9])).toEqual([7, 7]);
    expect(waits({ base: 0 }, [1, 2, 1_000])).toEqual([0, 0, 0]);
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
      expect(exponential({ base: 8, jitter })(1, undefined)).toBe(wait);
    },
  );

  test('jitter applies to the longest wait as well', () => {
    drawing(0.5);
    expect(exponential({ max: 60, jitter: 0.5 })(20, undefined)).toBe(45);
  });

  test.each<[ExponentialOptions, string]>([
    [{ base: -1 }, 'exponential: base must be a number from 0; got -1.'],
    [{ base: Number.NaN }, 'exponential: base must be a number from 0; got NaN.'],
    [{ factor: 0.5 }, 'exponential: factor must be a number from 1; got 0.5.'],
    [{ max: -1 }, 'exponential: max must be a number from 0; got -1.'],
    [{ jitter: -0.1 }, 'exponential: jitter must be a number from 0 to 1; got -0.1.'],
    [{ jitter: 1.1 }, 'exponential: jitter must be a number from 0 to 1; got 1.1.'],
  ])('refuses %o', (options, message) => {
    expect(() => exponential(options)).toThrow(new ConfigError(message));
  });
});

describe('waitAfter', () => {
  test('a number is the wait after each attempt', () => {
    expect([1, 2, 50].map((attempt) => waitAfter(2.5, attempt, undefined))).toEqual([2.5, 2.5, 2.5]);
  });

  test.each<[readonly number[], readonly number[]]>([
    [
      [1, 5, 0, 30],
      [1, 5, 0, 30, 30, 30],
    ],
    [[9], [9, 9, 9, 9, 9, 9]],
  ])('of the list %j the nth follows the nth attempt, and the last one repeats', (list, waits) => {
    expect([1, 2, 3, 4, 5, 6].map((attempt) => waitAfter(list, attempt, undefined))).toEqual(waits);
  });

  test('a function gets the number of the attempt and what it threw', () => {
    const error = new Error('boom');
    const backoff = vi.fn(() => 12);
    expect(waitAfter(backoff, 3, error)).toBe(12);
    expect(backoff.mock.calls).toEqual([[3, error]]);
  });

  test.each([[Number.NaN], [-1], [Infinity], ['5'], [undefined], [null], [new Date(5)]])(
    'a function that returns %s is told what to return',
    (result) => {
      const backoff = (() => result) as unknown as Backoff;
      expect(() => waitAfter(backoff, 1, undefined)).toThrow(
        new ConfigError(
          `A backoff function must return a finite number of seconds, 0 or more; it returned ${String(result)}.`,
        ),
      );
    },
  );

  test('what a function throws is thrown on', () => {
    const backoff = () => {
      throw new RangeError('no idea');
    };
    expect(() => waitAfter(backoff, 1, undefined)).toThrow(new RangeError('no idea'));
  });
});
