import { describe, expect, test } from 'vitest';
import { longestOverlap, rate, steadyRate, tripsUntilSteady } from '../../bench/far/figures.ts';
import { optionsOf } from '../../bench/options.ts';
import { Held } from '../../bench/peers/prefetched-jobs.ts';
import { BUCKET } from '../../bench/peers/service.ts';

/** Jobs that start at these rates, each for so long. */
function startsOf(...parts: readonly (readonly [perSecond: number, ms: number])[]) {
  return { starts: parts.flatMap(([perSecond, ms]) => Array(ms / BUCKET).fill((perSecond * BUCKET) / 1_000)) };
}

describe('rates', () => {
  test('are those of the time between', () => {
    const starts = startsOf([1_000, 500], [200, 500]);
    expect(rate(starts, 0, 500)).toBeCloseTo(1_000);
    expect(rate(starts, 500, 1_000)).toBeCloseTo(200);
    expect(rate(starts, 250, 750)).toBeCloseTo(600);
  });

  test('the steady one leaves the start and the end out', () => {
    expect(steadyRate(startsOf([100, 250], [1_000, 650], [100, 100]), 1_000)).toBeCloseTo(1_000);
  });

  test('and ends with the last job, where there are no more', () => {
    expect(steadyRate(startsOf([1_000, 500]), 8_000)).toBeCloseTo(1_000);
  });
});

describe('round trips until the rate is steady', () => {
  test('none where it is at once', () => {
    expect(tripsUntilSteady(startsOf([10, 500], [1_000, 1_000]), 60, 500, 1_500)).toBe(0);
  });

  test('count from the change, until two of them have 80 % of the rate', () => {
    const starts = startsOf([1_000, 500], [0, 300], [1_000, 700]);
    // 96 of 120 ms at the full rate are 80 %: those begin 24 ms before it does, which is less than 5 buckets.
    expect(tripsUntilSteady(starts, 60, 500, 1_500)).toBeCloseTo(280 / 60);
  });

  test('a rate that comes in one batch for each round trip is steady', () => {
    const starts = { starts: Array.from({ length: 240 }, (_, i) => (i % 12 === 0 ? 1_000 : 0)) };
    expect(tripsUntilSteady(starts, 60, 0, 1_200)).toBe(0);
  });

  test('cannot be told of less than two', () => {
    expect(tripsUntilSteady(startsOf([1_000, 100]), 60, 0, 100)).toBeUndefined();
  });
});

describe('the longest time that two things were so together', () => {
  const all = [0, 1_000] as const;

  test.each([
    ['apart', [[0, 10]], [[20, 30]], 0],
    ['beside each other', [[0, 20]], [[10, 30]], 10],
    ['one in the other', [[0, 100]], [[40, 70]], 30],
    [
      'the longest counts',
      [
        [0, 10],
        [100, 200],
      ],
      [
        [5, 110],
        [150, 190],
      ],
      40,
    ],
    [
      'a gap too small to be told is none',
      [[0, 100]],
      [
        [10, 40],
        [42, 90],
      ],
      80,
    ],
    [
      'a gap that can be told is one',
      [[0, 100]],
      [
        [10, 40],
        [60, 90],
      ],
      30,
    ],
  ] as const)('%s', (_name, these, those, wanted) => {
    expect(longestOverlap(these, those, all)).toBe(wanted);
  });

  test('only within the time that is looked at', () => {
    expect(longestOverlap([[0, 100]], [[0, 100]], [30, 60])).toBe(30);
  });
});

describe('jobs that are held unstarted', () => {
  const held = () => new Held(2, (now) => (now < 1_000 ? 0 : 1));

  test('are told with the time of each from its reservation to its start', () => {
    const one = held();
    one.reserved(2, 100);
    one.reserved(1, 150);
    one.started(160);
    one.started(170);
    one.started(300);
    one.started(310);
    one.end(400);
    expect(one.phases[0]).toEqual({ most: 3, longest: 150 });
    expect(one.holding).toEqual([[100, 300]]);
  });

  test('the last ones are given back first', () => {
    const one = held();
    one.reserved(2, 0);
    one.reserved(2, 500);
    one.released(3, 600);
    expect(one.phases[0]).toEqual({ most: 4, longest: 600 });
    one.started(1_200);
    expect(one.phases[1]).toEqual({ most: 1, longest: 1_200 });
    expect(one.holding).toEqual([[0, 1_200]]);
  });
});

describe('the command line', () => {
  test('runs everything where nothing is named', () => {
    expect(optionsOf([]).names).toContain('far');
    expect(optionsOf(['drain', 'slow']).names).toEqual(['drain', 'slow']);
  });

  test('chooses rows of far', () => {
    const { selection } = optionsOf([
      'far',
      '--rtt',
      '60,100',
      '--over',
      'rest',
      '--concurrency',
      '25',
      '--jobs',
      'noop',
    ]);
    expect(selection).toEqual({ rtt: [60, 100], over: ['rest'], concurrency: [25], jobs: ['noop'] });
  });

  test.each([
    [['far', '--rtt', '60ms'], '--rtt takes whole numbers (milliseconds), 0 or more, with commas between; got "60ms".'],
    [['far', '--concurrency', '0'], '--concurrency takes whole numbers (jobs at once), 1 or more'],
    [['far', '--over', 'udp'], '--over takes tcp, rest, with commas between; got "udp".'],
    [['far', '--jobs', 'slow'], '--jobs takes noop, 10ms, change, fair'],
    [['drain', '--rtt', '60'], '--rtt chooses rows of the benchmark far'],
    [['--rtt', '60'], '--rtt chooses rows of the benchmark far'],
    [['far', '--against', 'HEAD'], '--against compares the benchmark drain'],
    [['drian'], 'There is no benchmark "drian".'],
    [['--fast'], "Unknown option '--fast'"],
  ])('%j is refused', (argv, message) => {
    expect(() => optionsOf(argv)).toThrow(message);
  });
});
