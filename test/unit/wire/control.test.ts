import { expect, test } from 'vitest';
import { controlFields, controlOf } from '../../../shared/wire/control.ts';

test('what is written is read', () => {
  const lock = { name: 'A:1', until: 'start' as const, ms: 60_000, later: true };
  const control = { expires: 1_700_000_000_000, deadline: 1, lock, keep: 60 };
  expect(controlOf(JSON.parse(JSON.stringify(controlFields(control))))).toEqual(control);
  expect(controlFields({ expires: undefined })).toBeUndefined();
  const never = { expires: Infinity, deadline: Infinity, lock: false as const, keep: undefined };
  expect(controlOf(JSON.parse(JSON.stringify(controlFields(never))))).toEqual(never);
});

test.each([[null], [[]], ['text'], [1]])('what a producer of its own has there is not ours: %j', (value) => {
  expect(controlOf(value)).toBeUndefined();
});

test('garbage in it counts for nothing', () => {
  const none = { expires: undefined, deadline: undefined, lock: undefined, keep: undefined };
  expect(controlOf({ expires: '10m', deadline: -1, lock: 7, until: 'x', keep: Number.NaN })).toEqual(none);
  expect(controlOf({ lock: 'A:1', until: 'x' })?.lock).toEqual({
    name: 'A:1',
    until: 'end',
    ms: 86_400_000,
    later: false,
  });
  expect(controlOf({ lock: 'A "1', until: 'end' })?.lock).toBeUndefined();
});
