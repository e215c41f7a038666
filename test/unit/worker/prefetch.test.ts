import { describe, expect, test } from 'vitest';
import { Prefetch } from '../../../shared/worker/prefetch.ts';

const options = { concurrency: 10, ahead: 100, batchCount: 1_000 };

/** Lets `jobs` end in the `ms` up to the time `now`, and measures. */
function ran(sizer: Prefetch, jobs: number, now: number): void {
  for (let i = 0; i < jobs; i++) sizer.jobEnded();
  sizer.measure(now);
}

/** A sizer that has measured jobs for a long time: `perSecond` of them. */
function steady(perSecond: number, given: Partial<typeof options> = {}): Prefetch {
  const sizer = new Prefetch({ ...options, ...given });
  sizer.measure(0);
  for (let second = 1; second <= 50; second++) ran(sizer, perSecond, 1_000 * second);
  return sizer;
}

describe('how many to ask for', () => {
  test('at first the free slots', () => {
    const sizer = new Prefetch(options);
    expect(sizer.want(10, 0)).toBe(10);
    expect(sizer.want(4, 0)).toBe(4);
    expect(sizer.want(0, 0)).toBe(0);
  });

  test('not those for which jobs wait already', () => {
    const sizer = new Prefetch(options);
    expect(sizer.want(4, 3)).toBe(1);
    expect(sizer.want(4, 9)).toBe(0);
  });

  test('never more than the largest batch', () => {
    const sizer = new Prefetch({ ...options, concurrency: 50, batchCount: 7 });
    expect(sizer.want(50, 0)).toBe(7);
    sizer.reserved(7, 7);
    expect(sizer.want(50, 0)).toBe(7);
  });

  test('a batch that came full may be followed by one twice as large, another not', () => {
    const sizer = steady(100_000);
    expect(sizer.want(10, 0)).toBe(10);
    sizer.reserved(10, 9);
    expect(sizer.want(10, 0)).toBe(10);
    sizer.reserved(10, 10);
    expect(sizer.want(10, 0)).toBe(20);
    sizer.reserved(20, 20);
    sizer.reserved(3, 3);
    expect(sizer.want(10, 0)).toBe(40);
    for (let batch = 40; batch < 2_000; batch *= 2) sizer.reserved(batch, batch);
    expect(sizer.want(10, 0)).toBe(1_000);
  });

  test('the free slots and what ends within `ahead`', () => {
    const sizer = steady(1_000);
    for (const batch of [10, 20, 40, 80, 160]) sizer.reserved(batch, batch);
    expect(sizer.ahead).toBe(99);
    expect(sizer.want(10, 0)).toBe(109);
    expect(sizer.want(0, 90)).toBe(9);
  });
});

describe('jobs that had to be released because they could not start', () => {
  test('make the next batches no larger than what could', () => {
    const sizer = steady(100_000);
    for (const batch of [10, 20, 40]) sizer.reserved(batch, batch);
    sizer.released(30);
    expect(sizer.want(10, 0)).toBe(10);
    sizer.reserved(10, 10);
    expect(sizer.want(10, 0)).toBe(20);
  });

  test.each([[40], [1_000]])('leave one at least, though all of them were: %i of 40', (released) => {
    const sizer = steady(100_000);
    sizer.reserved(40, 40);
    sizer.released(released);
    expect(sizer.want(10, 0)).toBe(1);
  });
});

describe('the rate', () => {
  test('is none before the first measure, which only starts the count', () => {
    const sizer = new Prefetch(options);
    ran(sizer, 500, 1_000);
    expect(sizer.ahead).toBe(0);
    ran(sizer, 0, 2_000);
    expect(sizer.ahead).toBe(0);
  });

  test('rises by half of the difference at each measure', () => {
    const sizer = new Prefetch(options);
    sizer.measure(0);
    ran(sizer, 800, 1_000);
    expect(sizer.ahead).toBe(40);
    ran(sizer, 800, 2_000);
    expect(sizer.ahead).toBe(60);
  });

  test('falls at once', () => {
    const sizer = steady(1_000);
    ran(sizer, 50, 51_000);
    expect(sizer.ahead).toBe(5);
    ran(sizer, 0, 52_000);
    expect(sizer.ahead).toBe(0);
  });

  test('is that of the time since the last measure', () => {
    const sizer = new Prefetch(options);
    sizer.measure(10_000);
    ran(sizer, 100, 10_500);
    expect(sizer.ahead).toBe(10);
  });

  test('is not measured over too short a time with too few jobs: they count later', () => {
    const sizer = new Prefetch(options);
    sizer.measure(0);
    ran(sizer, 9, 99);
    expect(sizer.ahead).toBe(0);
    ran(sizer, 1, 200);
    expect(sizer.ahead).toBe(2);
  });

  test('is measured after `ahead` ms with few jobs, and sooner with as many as there are slots', () => {
    const long = new Prefetch(options);
    long.measure(0);
    ran(long, 9, 100);
    expect(long.ahead).toBe(4);
    const many = new Prefetch(options);
    many.measure(0);
    ran(many, 10, 20);
    expect(many.ahead).toBe(25);
  });

  test('takes no measure where no time has gone by, or the clock was set back', () => {
    const sizer = new Prefetch(options);
    sizer.measure(1_000);
    ran(sizer, 50, 1_000);
    expect(sizer.ahead).toBe(0);
    ran(sizer, 0, 500);
    expect(sizer.ahead).toBe(0);
    ran(sizer, 50, 2_000);
    expect(sizer.ahead).toBe(5);
  });

  test('reserves no further ahead than two of the largest batches, nor at all if told so', () => {
    expect(steady(100_000, { batchCount: 30 }).ahead).toBe(60);
    expect(steady(100_000, { ahead: 0 }).ahead).toBe(0);
  });
});
