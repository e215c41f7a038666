import { describe, expect, test } from 'vitest';
import type { Numbers } from '../../../shared/config.ts';
import { parseWithBigInts } from '../../../shared/json.ts';
import { spliceText } from '../../../shared/wire/attempts-record.ts';
import { decode } from '../../../shared/wire/decode.ts';
import { rawJob, vectors } from '../../helpers/builders.ts';
import { read, refused } from './decode-scene.ts';

/** What stands in nested lists, of which there are so many. */
function innermost(list: unknown, levels?: number): unknown {
  let value = list;
  let depth = 0;
  for (; Array.isArray(value); value = value[0]) depth++;
  if (levels !== undefined) expect(depth).toBe(levels);
  return value;
}

const nested = (levels: number, inner = '') => `${'['.repeat(levels)}${inner}${']'.repeat(levels)}`;

describe('arguments', () => {
  test.each<[string, readonly unknown[]]>([
    ['', []],
    ['"args":[],', []],
    ['"args":["hi",2],', ['hi', 2]],
    ['"args":[null],', [null]],
    ['"args":[[1,2,3]],', [[1, 2, 3]]],
    ['"args":null,', []],
    ['"args":"hi",', ['hi']],
    ['"args":0,', [0]],
    ['"args":false,', [false]],
    ['"args":{"name":"Zoë"},', [{ name: 'Zoë' }]],
    ['"args":12345678901234567890,', [12345678901234567890n]],
    ['"args":[1],"args":[2],', [2]],
  ])('{%s…}: an array is the list, null and nothing are none, and anything else is one argument', (args, list) => {
    expect(read(`{${args}"class":"Hello"}`).args).toEqual(list);
  });

  test.each<[Numbers, readonly unknown[]]>([
    ['bigint', [9007199254740993n, 1e21, 1, '12345678901234567890']],
    ['double', [9007199254740992, 1e21, 1, '12345678901234567890']],
  ])('numbers: %s', (numbers, args) => {
    const payload = '{"class":"Hello","args":[9007199254740993,1.0e+21,1.0,"12345678901234567890"]}';
    expect(read(payload, numbers)).toMatchObject({ args, payload });
  });

  test('__proto__ is a key like any other, and pollutes nothing', () => {
    for (const long of ['1', '12345678901234567890']) {
      const { args } = read(`{"class":"Hello","args":[{"__proto__":{"polluted":${long}}}],"__proto__":{"id":"x"}}`);
      expect(Object.keys(args[0] as object)).toEqual(['__proto__']);
      expect((args[0] as { polluted?: unknown }).polluted).toBeUndefined();
    }
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test('lone surrogates that are escaped arrive as they are', () => {
    const payload = '{"class":"Hello","args":["\\ud800","\\udc00\\ud800"]}';
    expect(read(payload)).toMatchObject({ args: ['\ud800', '\udc00\ud800'], payload });
  });

  test('an escaped NUL arrives', () => {
    expect(read('{"class":"A\\u0000b","args":["\\u0000"]}')).toMatchObject({ class: 'A\0b', args: ['\0'] });
  });
});

describe('size', () => {
  test.each([
    [1_000, ''],
    [1_000, '12345678901234567890'],
    [100_000, ''],
  ])('%i levels, with %j inside, are read', (levels, inner) => {
    const payload = `{"class":"Hello","args":${nested(levels, inner)}}`;
    const job = read(payload);
    expect(job.payload).toBe(payload);
    expect(innermost(job.args, levels)).toBe(inner === '' ? undefined : BigInt(inner));
  });

  test('100,000 levels with a long integer inside are read as well, but for its last digits', () => {
    const payload = `{"class":"Hello","args":${nested(100_000, '9007199254740993')}}`;
    const job = read(payload);
    expect(job.payload).toBe(payload);
    expect(innermost(job.args)).toBe(9007199254740992);
  });

  test('100,000 levels that do not end are refused', () => {
    expect(refused('['.repeat(100_000)).isObject).toBe(false);
    expect(refused(`12345678901234567890${'{"a":'.repeat(100_000)}`).isObject).toBe(false);
  });

  test('10 MB are read, or refused in few words', () => {
    const long = 'ë'.repeat(5_000_000);
    expect(read(`{"class":"Hello","args":["${long}"]}`).args).toEqual([long]);
    expect(refused(`{"class":"Hello","args":["${long}]}`).error.message.length).toBeLessThan(200);
  });
});

describe('the job', () => {
  test('has what the payload says, and numbers of its own where that says nothing', () => {
    const raw = rawJob('{"class":"Hello","args":["hi"]}', { queue: 'billing:high', seq: 12 });
    expect(decode(raw, 'token', 'bigint')).toEqual({
      raw,
      class: 'Hello',
      args: ['hi'],
      id: 'token-12',
      attemptsId: undefined,
      attempt: 1,
      deaths: 0,
      payload: '{"class":"Hello","args":["hi"]}',
      delayed: false,
    });
  });

  test.each(vectors().filter(({ key }) => /:(queue|delayed):/.test(key)))(
    'of $producer: $note is read, and its payload kept',
    ({ raw }) => {
      const { class: name, args } = parseWithBigInts(raw) as { class: string; args: unknown[] };
      expect(read(raw)).toMatchObject({ class: name, args, payload: raw, attempt: 1 });
    },
  );

  test.each([
    ['"id":"abc",', 'abc'],
    ['"id":"",', 'token-7'],
    ['"id":42,', 'token-7'],
    ['"id":null,', 'token-7'],
  ])('of {%s…} has the id %s', (id, expected) => {
    expect(read(`{${id}"class":"Hello"}`)).toMatchObject({ id: expected, attemptsId: undefined });
  });

  test.each([
    ['"queue_time":1795207237.125,', 1795207237125],
    ['"queue_time":0,', 0],
    ['"queue_time":"1795207237",', undefined],
    ['"queue_time":null,', undefined],
    ['"queue_time":12345678901234567890,', undefined],
    ['', undefined],
  ])('of {%s…} was enqueued at %s ms', (time, expected) => {
    expect(read(`{${time}"class":"Hello"}`).queueTime).toBe(expected);
  });
});

describe('php-resque', () => {
  const id = '9b78327126474e42219f39231d6015af';

  test.each([
    [`"id":"${id}",`, id],
    [`"id":"${id}","prefix":"",`, id],
    [`"id":"${id}","prefix":null,`, id],
    [`"id":"${id}","prefix":"app",`, `app_${id}`],
    [`"id":"${id.toUpperCase()}",`, undefined],
    [`"id":"${id}0",`, undefined],
    [`"id":"${id.slice(1)}",`, undefined],
    [`"id":"${id}\\n",`, undefined],
    ['"id":"9f4c6a50-0d2f-4b43-9d5e-0d2c8f0b1a11",', undefined],
    ['"prefix":"app",', undefined],
  ])('{%s…} has the status record %s', (fields, expected) => {
    expect(read(`{${fields}"class":"PHP_Job"}`).statusId).toBe(expected);
  });
});

describe('the mark of a cron entry', () => {
  const slot = '2026-11-20T20:30:00.000Z';

  test.each([
    [`{"name":"nightly","slot":"${slot}"}`, { name: 'nightly', slot: Date.parse(slot) }],
    [`{"name":"nightly","slot":"${slot}","overlap":"skip"}`, { name: 'nightly', slot: Date.parse(slot) }],
    [`{"name":"nightly","slot":"${slot}","overlap":"no"}`, { name: 'nightly', slot: Date.parse(slot) }],
    ['{"name":"nightly","slot":"soon"}', undefined],
    ['{"name":"nightly","slot":1795207800000}', undefined],
    [`{"name":42,"slot":"${slot}"}`, undefined],
    [`{"slot":"${slot}"}`, undefined],
    ['"* * * * *"', undefined],
    ['null', undefined],
  ])('%s is read, or is a key of the producer', (cron, expected) => {
    expect(read(`{"class":"Hello","cron":${cron}}`).cron).toEqual(expected);
  });
});

describe('the record of past attempts', () => {
  const record = { id: 'other-3', attempts: 2, deaths: 1 };

  test.each(['{"class":"Hello","args":[1.0]}', ' \n{"class":"Hello"}', '{"args":[],"class":"Hello","lambdesque":{}}'])(
    'is taken out of %j',
    (payload) => {
      const spliced = payload.replace('{', `{${spliceText(record)}`);
      expect(read(spliced)).toMatchObject({
        payload,
        attempt: 3,
        deaths: 1,
        id: 'other-3',
        attemptsId: 'other-3',
        raw: { bytes: Buffer.from(spliced) },
      });
    },
  );

  test("does not take the place of the payload's id", () => {
    const job = read(`{${spliceText(record)}"class":"Hello","id":"abc"}`);
    expect(job).toMatchObject({ id: 'abc', attemptsId: 'other-3' });
  });

  test("leaves a producer's own key of that name alone", () => {
    const payload = '{"lambdesque":{"id":"other-3","attempts":2},"class":"Hello"}';
    expect(read(payload)).toMatchObject({ payload, attempt: 1, deaths: 0, attemptsId: undefined });
  });

  test('is no part of what is refused', () => {
    expect(refused(`{${spliceText(record)}}`).error.message).toMatch(/its "class" is missing/);
    expect(refused(`{${spliceText(record)}"class":"A"`).error.message).toMatch(/not JSON/);
  });
});
