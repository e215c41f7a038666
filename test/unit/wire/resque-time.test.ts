import { describe, expect, test } from 'vitest';
import { resqueTime } from '../../../shared/wire/resque-time.ts';
import { vectors } from '../../helpers/builders.ts';

const captured = (note: string) => vectors().find((vector) => vector.note === note)?.raw ?? '';
const time = new Date(Date.UTC(2026, 10, 20, 20, 40, 37, 999));

describe('times are those that Ruby Resque wrote at the same second', () => {
  test('a job failed', () => {
    expect(resqueTime.failedAt(time)).toBe(JSON.parse(captured('failed entry')).failed_at);
  });

  test('a job began', () => {
    expect(resqueTime.runAt(time)).toBe(JSON.parse(captured('current-job record')).run_at);
  });
});

test.each([
  [Date.UTC(2027, 0, 2, 3, 4, 5), '2027/01/02 03:04:05 UTC', '2027-01-02T03:04:05Z'],
  [0, '1970/01/01 00:00:00 UTC', '1970-01-01T00:00:00Z'],
])('%i ms has two digits everywhere, and is UTC', (ms, failedAt, runAt) => {
  const at = new Date(ms);
  expect([resqueTime.failedAt(at), resqueTime.runAt(at)]).toEqual([failedAt, runAt]);
  for (const text of [failedAt, runAt]) expect(Date.parse(text)).toBe(ms);
});
