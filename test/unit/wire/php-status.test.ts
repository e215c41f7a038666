import { expect, test } from 'vitest';
import { keptResult, phpStatus } from '../../../shared/wire/php-status.ts';

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
  expect(JSON.parse(`${update.head}null${update.tail}}`)).toEqual({
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
  ['a long integer', 2n ** 64n, 2 ** 64],
  ['as long as may be', 'x'.repeat(262_142), 'x'.repeat(262_142)],
])('the result of a job stands in its record: %s', (_what, result, written) => {
  const { tail } = phpStatus('a', 'complete', NOW, { result: keptResult(result) });
  expect(JSON.parse(`{"a":0${tail}}`)).toEqual({ a: 0, result: written });
});

test.each<[string, unknown, RegExp]>([
  ['a function', () => 1, /^The result is no JSON \(a function\)/],
  ['what holds itself', circular, /^The result is no JSON \(Converting circular/],
  ['half of a surrogate pair', ['\ud83d'], /^The result has half of a surrogate pair/],
  ['what is too long', 'x'.repeat(262_143), /^The result is 262145 bytes of JSON, of which 262144 can be kept/],
  ['what is too long in bytes', 'é'.repeat(140_000), /^The result is 280002 bytes/],
])('else why it does not stand there: %s', (_what, result, problem) => {
  const tracked = { state: 'succeeded', attempt: 2, keep: 60 } as const;
  const { tail, more, ttl } = phpStatus('a', 'complete', NOW, { result: keptResult(result), tracked });
  expect(JSON.parse(`{"a":0${tail}${more}}`)).toEqual({
    a: 0,
    result: null,
    state: 'succeeded',
    attempt: 2,
    ended: NOW,
    error: expect.stringMatching(problem),
  });
  expect(ttl).toBe(60);
  expect(phpStatus('a', 'complete', NOW, { result: keptResult(result) }).more).toBe('');
});
