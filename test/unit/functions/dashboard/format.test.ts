import { expect, test } from 'vitest';
import { argsText, bytes, counted, cut, duration, rate, time } from '../../../../functions/dashboard/views/format.ts';

const NOW = new Date('2026-11-26T12:00:00Z');
const text = (at: Date | undefined) => String(time(at, NOW)).replace(/<[^>]*>/g, '');

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_000, '1 s'],
  [59_999, '59 s'],
  [90_000, '1.5 min'],
  [59 * 60_000 + 59_000, '59 min'],
  [3_600_000, '1 h'],
  [36 * 3_600_000, '1.5 d'],
  [400 * 86_400_000, '400 d'],
])('%i ms are %s', (ms, said) => {
  expect(duration(ms)).toBe(said);
});

test('a time is said from now, and stands there in full', () => {
  expect(text(new Date('2026-11-26T11:57:00Z'))).toBe('3 min ago');
  expect(text(new Date('2026-11-26T13:00:00Z'))).toBe('in 1 h');
  expect(text(new Date('2026-11-26T12:00:00.400Z'))).toBe('now');
  expect(text(undefined)).toBe('unknown');
  expect(String(time(NOW, NOW))).toContain('datetime="2026-11-26T12:00:00.000Z" title="2026-11-26 12:00:00 UTC"');
});

test('numbers', () => {
  expect(counted(1, 'job')).toBe('1 job');
  expect(counted(12_345, 'entry', 'entries')).toBe('12,345 entries');
  expect([rate(0), rate(0.44), rate(1_234.5), rate(undefined)]).toEqual(['0', '0.4', '1,235', 'unknown']);
  expect([bytes(999), bytes(1_500), bytes(1_000_000)]).toEqual(['999 bytes', '1.5 kB', '1 MB']);
});

test('arguments keep their integers, and are cut without half a character', () => {
  expect(argsText([12_345_678_901_234_567_890n, { a: 1 }, null], 100)).toBe('12345678901234567890, {"a":1}, null');
  expect(cut('😀😀', 3).isWellFormed()).toBe(true);
  expect(cut('abc', 3)).toBe('abc');
});
