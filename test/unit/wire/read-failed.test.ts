import { describe, expect, test } from 'vitest';
import { addError, readErrors } from '../../../shared/wire/attempt-errors.ts';
import { spliceText, unsplice } from '../../../shared/wire/attempts-record.ts';
import { fingerprint, normalized } from '../../../shared/wire/fingerprint.ts';
import { membersOf } from '../../../shared/wire/json-members.ts';
import { readDate } from '../../../shared/wire/read-date.ts';
import { readFailed } from '../../../shared/wire/read-failed.ts';
import { garbageEntries } from '../../helpers/failed-entries.ts';

describe('a date', () => {
  test.each([
    ['2026/11/20 20:29:37 UTC', '2026-11-20T20:29:37.000Z'],
    ['2026/11/20 20:29:37', '2026-11-20T20:29:37.000Z'],
    ['2026/11/20 21:29:37 CET', '2026-11-20T20:29:37.000Z'],
    ['2026/11/20 21:29:37 +0100', '2026-11-20T20:29:37.000Z'],
    ['2026/11/20 20:29:37 XYZ', '2026-11-20T20:29:37.000Z'],
    ['2026-11-20T20:29:37', '2026-11-20T20:29:37.000Z'],
    ['2026-11-20T20:29:37Z', '2026-11-20T20:29:37.000Z'],
    ['2026-11-20T20:29:37+00:00', '2026-11-20T20:29:37.000Z'],
    ['2026-11-20T22:29:37.123456789+02:00', '2026-11-20T20:29:37.123Z'],
    ['2026-11-20 20:29:37 +0000', '2026-11-20T20:29:37.000Z'],
    ['Fri Nov 20 20:29:37 UTC 2026', '2026-11-20T20:29:37.000Z'],
    ['Fri Nov 20 22:29:37 CEST 2026', '2026-11-20T20:29:37.000Z'],
    ['Fri Nov 20 2026 21:29:37 GMT+0100 (Central European Standard Time)', '2026-11-20T20:29:37.000Z'],
    ['1795206577', '2026-11-20T20:29:37.000Z'],
    ['2026-11-20T20:29:37.337+0000', '2026-11-20T20:29:37.337Z'],
    [1795206577, '2026-11-20T20:29:37.000Z'],
    [1795206577123, '2026-11-20T20:29:37.123Z'],
  ])('is read from %s, in whatever zone this is', (text, expected) => {
    expect(readDate(text)?.toISOString()).toBe(expected);
  });

  test.each(['', 'x', '12', '2026', 'soon, at 1:23', null, undefined, {}, [1], Number.NaN, 1e300, 'x'.repeat(200)])(
    'is not %j',
    (value) => {
      expect(readDate(value)).toBeUndefined();
    },
  );
});

describe('a fingerprint', () => {
  test.each([
    ['user 17 not found', 'user 4711 not found'],
    ['took 1.5s of 30', 'took 12.75s of 60'],
    ['no 507f1f77bcf86cd799439011', 'no 65a1b2c3d4e5f60718293a4b'],
    ['no f47ac10b-58cc-4372-a567-0e02b2c3d479', 'no 9b2d7a10-0000-4abc-8def-1234567890ab'],
    ['undefined method "x" for nil', 'undefined method "something else" for nil'],
    ["No such file '/a/b'", "No such file '/c'"],
    ['at 0xdeadbeef1', 'at 0x1'],
    ['connect 10.0.0.1:5432', 'connect 192.168.10.20:6379'],
    ['two\nlines 1', 'two lines 2'],
  ])('is that of %j and of %j', (one, other) => {
    expect(normalized(one)).toBe(normalized(other));
    expect(fingerprint('E', one)).toBe(fingerprint('E', other));
  });

  test.each([
    ['user not found', 'order not found'],
    ['deadline', 'decade'],
    ['', 'x'],
  ])('is not that of %j and of %j', (one, other) => {
    expect(fingerprint('E', one)).not.toBe(fingerprint('E', other));
  });

  test('is of the error’s class as well', () => {
    expect(fingerprint('A', 'x')).not.toBe(fingerprint('B', 'x'));
    expect(fingerprint('A', 'x')).toMatch(/^[0-9a-f]{12}$/);
  });
});

describe('the members of an object', () => {
  test.each([
    '{"a":1,"b":[1,{"c":"]}\\""}],"d":"x\\\\","e":null}',
    ' { "a" : { "b" : { } } ,\n"c" : -1.5e3 , "\\u0064" : "e" } ',
    '{}',
    '{"a":1,"a":[2]}',
    '{"":{"a":"\\"},{\\""},"b":true}',
  ])('are where they stand in %s', (text) => {
    const expected = Object.entries(JSON.parse(text) as object);
    const found = [...membersOf(text)].map(([key, { start, end }]) => [key, JSON.parse(text.slice(start, end))]);
    expect(found).toEqual(expected);
  });
});

test.each(Object.entries(garbageEntries))('an entry that is none, %s, has no job', (_what, garbage) => {
  const { fields, cut } = readFailed(Buffer.from(garbage));
  expect(cut).toBeUndefined();
  expect(fields.class).toBeUndefined();
  for (const text of [fields.exception, fields.error, fields.payload, ...fields.backtrace])
    expect(text).toBeTypeOf('string');
});

describe('the errors of past attempts', () => {
  const tell = (count: number, error: (i: number) => string) => {
    let told: string | undefined;
    for (let attempt = 1; attempt <= count; attempt++)
      told = addError(told, { attempt, at: 1000 * attempt, error: error(attempt) });
    return told ?? '';
  };

  test('are the last three', () => {
    expect(readErrors(tell(5, (i) => `Error: no. ${i}`))).toEqual([
      { attempt: 3, at: 3000, error: 'Error: no. 3' },
      { attempt: 4, at: 4000, error: 'Error: no. 4' },
      { attempt: 5, at: 5000, error: 'Error: no. 5' },
    ]);
  });

  test('come back as they were, whatever is in them, and are cut out of the payload with the record', () => {
    const nasty = 'E: "quoted" \\ {braces} | 100% %41 \u0000\n\u007f é ☃ 😀 }},{"class":"X"';
    const told = tell(1, () => nasty);
    const record = { id: 'x-1', attempts: 1, deaths: 0, errors: told };
    const payload = '{"class":"A","args":[]}';
    const bytes = `{${spliceText(record)}${payload.slice(1)}`;
    expect(unsplice(bytes)).toEqual({ payload, record });
    expect((JSON.parse(bytes) as { class: string }).class).toBe('A');
    expect(readErrors(told)).toEqual([{ attempt: 1, at: 1000, error: nasty }]);
  });

  test('do not grow with attempts or messages', () => {
    const told = tell(1_000, () => '"'.repeat(1_000_000));
    expect(told.length).toBeLessThan(2_000);
    expect(readErrors(told)).toHaveLength(3);
    expect(tell(1, () => `${'x'.repeat(198)}😀😀`).isWellFormed()).toBe(true);
  });

  test.each([undefined, '', 'x', '1@ x', 'a|b'])('are none in %j', (told) => {
    expect(readErrors(told)).toEqual([]);
  });
});
