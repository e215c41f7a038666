import { expect, test } from 'vitest';
import { ago, moment } from '../../../infra/local/times.ts';

const NOW = Date.UTC(2026, 10, 20, 20, 29, 37);
const before = (ms: number) => new Date(NOW - ms);

test.each([
  [0, 'now'],
  [-999, 'now'],
  [1_000, '1 s ago'],
  [90_000, '90 s ago'],
  [120_000, '2 min ago'],
  [7_199_000, '120 min ago'],
  [7_200_000, '2 h ago'],
  [172_800_000, '2 d ago'],
  [-300_000, 'in 5 min'],
])('%i ms is %s', (ms, text) => {
  expect(ago(before(ms), NOW)).toBe(text);
});

test('what is not known is nothing', () => {
  expect([ago(undefined, NOW), moment(undefined, NOW)]).toEqual(['', '']);
});

test('a moment is told both ways, however far away', () => {
  expect(moment(before(300_000), NOW)).toBe('2026-11-20 20:24:37 UTC, 5 min ago');
  expect(moment(new Date(8.64e15), NOW)).toMatch(/^\+275760-09-13 00:00:00 UTC, in \d+ d$/);
});
