import { expect, test } from 'vitest';
import { phpStatus } from '../../../shared/wire/php-status.ts';

const NOW = Date.UTC(2026, 10, 20, 20, 40, 37, 999);
const SECONDS = Math.floor(NOW / 1000);

test.each([
  ['waiting', 1, 0],
  ['running', 2, 0],
  ['failed', 3, 86_400],
  ['complete', 4, 86_400],
] as const)('%s is %i, for %i s (0: for ever)', (status, code, ttl) => {
  const update = phpStatus('app_abc', status, NOW);
  expect(update).toMatchObject({ id: 'app_abc', ttl });
  expect(JSON.parse(`${update.head}null${update.tail}`)).toEqual({
    status: code,
    updated: SECONDS,
    started: null,
    result: null,
  });
});

test('only a job that begins to run sets the time at which it started', () => {
  expect(phpStatus('a', 'running', NOW).started).toBe(String(SECONDS));
  for (const status of ['waiting', 'failed', 'complete'] as const) {
    expect(phpStatus('a', status, NOW).started).toBeUndefined();
  }
});

const circular: Record<string, unknown> = {};
circular['self'] = circular;

test.each<[string, unknown, unknown]>([
  ['an object', { a: [1, 'é'] }, { a: [1, 'é'] }],
  ['nothing', undefined, null],
  ['a function', () => 1, null],
  ['what holds itself', circular, null],
  ['what is too long', 'x'.repeat(300_000), null],
  ['a long integer', 2n ** 64n, 2 ** 64],
])('the result of a job stands in its record where it is JSON: %s', (_what, result, written) => {
  const { tail } = phpStatus('a', 'complete', NOW, result);
  expect(JSON.parse(`{"a":0${tail}`)).toEqual({ a: 0, result: written });
});
