import { expect, test } from 'vitest';
import { costsOf } from '../../../../functions/dashboard/costs.ts';
import type { StatPoint } from '../../../../functions/dashboard/inspector.ts';

const PRICES = { memory: 512, gbSecond: 0.0000133334, commands: 0.2 };

function point(given: Partial<StatPoint>): StatPoint {
  const at = new Date('2026-11-01T00:00:00Z');
  return { at, processed: 0, succeeded: 0, failed: 0, retried: 0, discarded: 0, ms: 0, waitMs: 0, waited: 0, ...given };
}

test('a class costs its seconds, its memory and the price; and two commands for each first attempt', () => {
  const { classes, sum } = costsOf(
    [
      { name: 'Quick', points: [point({ processed: 100_000, ms: 1_000_000 })] },
      {
        name: 'Slow',
        points: [point({ processed: 500, ms: 2_000_000 }), point({ processed: 500, retried: 100, ms: 1_000_000 })],
      },
      { name: 'Idle', points: [point({})] },
    ],
    PRICES,
  );
  expect(classes.map((one) => one.class)).toEqual(['Quick', 'Slow']);
  const [quick, slow] = classes;
  expect(slow?.lambda).toBeCloseTo(3_000 * 0.5 * 0.0000133334, 10);
  expect(slow?.share).toBe(0.75);
  expect(slow?.redis).toBeCloseTo((900 * 2 * 0.2) / 100_000, 12);
  expect(quick?.redis).toBeCloseTo(0.4, 12);
  expect(sum).toMatchObject({ runs: 101_000, ms: 4_000_000, share: 1, billed: undefined });
});

test('a bill is shared out by handlers’ time', () => {
  const series = [
    { name: 'A', points: [point({ processed: 1, ms: 100 })] },
    { name: 'B', points: [point({ processed: 1, ms: 300 })] },
  ];
  const billed = costsOf(series, PRICES, 12).classes.map((one) => [one.class, one.billed]);
  expect(billed).toEqual([
    ['B', 9],
    ['A', 3],
  ]);
});

test('where nothing took time, nobody has a share', () => {
  const { classes, sum } = costsOf([{ name: undefined, points: [point({ processed: 3 })] }], PRICES, 5);
  expect(classes[0]).toMatchObject({ class: '(unknown)', share: 0, lambda: 0, billed: 0 });
  expect(sum.share).toBe(0);
});
