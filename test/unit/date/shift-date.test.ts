import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

/** Milliseconds. */
const DAY = 86_400_000;

/** By how much a date is off what this process measures: days. The project `in a year` of vitest.config.ts moves it. */
function shifted(date: number): number {
  return (date - performance.timeOrigin - performance.now()) / DAY;
}

const expected = process.env['SHIFT_DATE'] === undefined ? 0 : 400;

test(`the date of this process, and of those that it starts, is moved by ${expected} days`, () => {
  expect(shifted(Date.now())).toBeCloseTo(expected);
  expect(shifted(Date.parse(new Date().toISOString()))).toBeCloseTo(expected);
  expect(shifted(Date.parse(Date()))).toBeCloseTo(expected);
  expect(shifted(Number(execFileSync(process.execPath, ['-p', 'Date.now()'])))).toBeCloseTo(expected);
});

test('a date that is given is that date', () => {
  expect(new Date(0).toISOString()).toBe('1970-01-01T00:00:00.000Z');
  expect(new Date(2026, 10, 26)).toBeInstanceOf(Date);
});
