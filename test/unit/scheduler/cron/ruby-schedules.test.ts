import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type CronEntry, cronRule } from '../../../../shared/scheduler/cron/entry.ts';
import type { EntrySource } from '../../../../shared/scheduler/cron/interval-options.ts';

interface Times {
  readonly expr: string;
  /** Epoch seconds. */
  readonly start: number;
  /** Epoch seconds, as fugit 1.14 and et-orbi 1.4.1 have them. */
  readonly times: readonly number[];
}

const vectors = readFileSync(new URL('../../../wire/fugit-times.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Times);

/** Spring's gap and autumn's second hour are where we mean to differ: see dst.test.ts. */
const DIFFERS = /^0 2 \* \* \* Europe\/Paris$|^30 2 \* \* \* America\/New_York$/;

const FROM_REDIS: EntrySource = {
  numbers: 'seconds',
  report: (problem) => {
    throw new Error(problem);
  },
};
const inRedis = (entry: unknown) =>
  cronRule('x', { queue: 'q', ...(entry as CronEntry) }, undefined, FROM_REDIS).timing;

describe("what Ruby's scheduler runs, at the same times", () => {
  test('is known of many expressions', () => expect(new Set(vectors.map(({ expr }) => expr)).size).toBeGreaterThan(55));

  test.each(vectors.filter(({ expr }) => !DIFFERS.test(expr)))('$expr from $start', ({ expr, start, times }) => {
    const timing = inRedis({ cron: expr });
    const found: number[] = [];
    for (let time = start * 1000; found.length < times.length; ) {
      time = timing.next(time, 0) ?? Number.NaN;
      found.push(time / 1000);
    }
    expect(found).toEqual(times);
    for (const [i, slot] of times.entries()) {
      expect(timing.latest(slot * 1000, 0)).toBe(slot * 1000);
      if (i > 0) expect(timing.latest(slot * 1000 - 1, 0)).toBe((times[i - 1] ?? 0) * 1000);
    }
  });

  test.each([
    ['1M', 30 * 86_400],
    ['1y', 365 * 86_400],
    ['90 minutes', 5_400],
    ['2 hours', 7_200],
    ['1h 30m', 5_400],
    ['1 hour and 30 minutes', 5_400],
    ['60', 60],
    ['PT1H30M', 5_400],
    ['P1D', 86_400],
    ['1w2d', 9 * 86_400],
    ['12H', 43_200],
    [90, 90],
    ['1.5', 1.5],
  ])('every %s is each %d seconds', (every, seconds) => {
    const timing = inRedis({ every });
    const first = timing.next(0, 0) ?? Number.NaN;
    expect((timing.next(first, 0) ?? 0) - first).toBe(seconds * 1000);
  });

  test.each(['10ms', '1x', 'an hour', 'P', '', '0'])('every %j is none', (every) => {
    expect(() => inRedis({ every })).toThrow(/every/);
  });

  test.each(['every now and then', 'every 7 minutes', 'every day at 25', 'every day at 5:60', 'every 13 hours'])(
    '%s is no schedule that a cron expression can say',
    (cron) => expect(() => inRedis({ cron })).toThrow(/cron must/),
  );
});

describe('options', () => {
  const START = Date.UTC(2026, 10, 26);

  test('of a cron expression: its first time', () => {
    const at = inRedis({ cron: ['0 * * * *', { first_at: '2026-11-27T04:30:00Z' }] });
    const first = Date.UTC(2026, 10, 27, 4, 30);
    expect([at.next(START, START), at.next(first, START)]).toEqual([first, Date.UTC(2026, 10, 27, 5)]);
    expect([first - 1, first, first + 1].map((time) => at.latest(time, START))).toEqual([undefined, first, first]);
    expect(at.latest(Date.UTC(2026, 10, 27, 5), START)).toBe(Date.UTC(2026, 10, 27, 5));
    expect(at.latest(first + 1, first)).toBeUndefined();
    const later = inRedis({ cron: ['* * * * *', { first_in: '2 hours' }] });
    expect(later.next(START, START)).toBe(START + 7_200_000);
  });

  test('that say what is so anyway', () => {
    expect(inRedis({ cron: ['*/2 * * * * *', { allow_overlapping: true, overlap: true }] }).next(START, 0)).toBe(
      START + 2_000,
    );
  });

  test.each([
    [{ overlap: false }, /overlap: 'skip'/],
    [{ allow_overlapping: false }, /overlap: 'skip'/],
    [{ times: 3 }, /would not end/],
    [{ somehow: 1 }, /cron\.somehow is not known here/],
  ])('that mean something else are refused, and never ignored: %j', (options, message) => {
    expect(() => inRedis({ cron: ['* * * * *', options] })).toThrow(message);
    expect(() => inRedis({ every: ['1h', options] })).toThrow(/overlap: 'skip'|would not end|is not known here/);
  });
});
