import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ArgumentsError } from '../../../../shared/errors.ts';
import { decodeArguments } from '../../../../shared/wire/active-job/decode-arguments.ts';
import { encodeArguments } from '../../../../shared/wire/active-job/encode-arguments.ts';
import { activeJobOf, raisedExecutions, WRAPPER, writeActiveJob } from '../../../../shared/wire/active-job/envelope.ts';
import {
  GlobalId,
  keywords,
  RubyDate,
  RubyDecimal,
  RubyDuration,
  RubyFloat,
  RubyModule,
  RubyRange,
  RubySymbol,
  RubyTime,
  serializedBy,
  symbolKeys,
} from '../../../../shared/wire/active-job/values.ts';

interface Vector {
  readonly note: string;
  readonly raw: string;
}

const vectors = readFileSync(new URL('../../../wire/activejob.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);

/** With the exact text of each number that JavaScript would write otherwise. */
function parseExactly(text: string): { class: string; args: [{ arguments: unknown[] }] } {
  const reviver = (_key: string, value: unknown, context: { source?: string }) =>
    typeof value !== 'number' || String(value) === context.source ? value : new RubyFloat(context.source ?? '');
  return (JSON.parse as (text: string, reviver: unknown) => ReturnType<typeof parseExactly>)(text, reviver);
}

const argumentsText = (raw: string) => /"arguments":(\[.*\]),"executions"/s.exec(raw)?.[1];
const decode = (args: string) => decodeArguments(JSON.parse(args));
const tag = (serializer: string, rest: object) => ({
  _aj_serialized: `ActiveJob::Serializers::${serializer}`,
  ...rest,
});

describe('what Rails has written', () => {
  test('is here, from two versions', () => expect(vectors.length).toBeGreaterThan(50));

  test.each(vectors)('$note: decodes, and encodes to the same bytes', ({ raw }) => {
    const { class: name, args } = parseExactly(raw);
    expect(name).toBe(WRAPPER);
    expect(encodeArguments('Job', decodeArguments(args[0].arguments))).toBe(argumentsText(raw));
  });

  test.each(vectors)('$note: has its data', ({ raw }) => {
    const { args } = JSON.parse(raw);
    expect(activeJobOf(args)).toMatchObject({
      jobClass: args[0].job_class,
      jobId: args[0].job_id,
      executions: args[0].executions,
      timeZone: args[0].timezone ?? undefined,
      data: args[0],
    });
  });

  test.each(vectors)('$note: counts one execution more, and nothing else changes', ({ raw }) => {
    const edit = raisedExecutions(raw);
    const { at, length, text } = edit ?? { at: 0, length: 0, text: '' };
    const after = JSON.parse(raw.slice(0, at) + text + raw.slice(at + length));
    const before = JSON.parse(raw);
    before.args[0].executions += 1;
    expect(after).toEqual(before);
  });
});

describe('a decoded argument', () => {
  test.each([
    [
      'a GlobalID',
      { _aj_globalid: 'gid://shop/Admin%3A%3AUser/a%2Fb?x=1' },
      { app: 'shop', model: 'Admin::User', id: 'a/b' },
      GlobalId,
    ],
    ['a symbol', tag('SymbolSerializer', { value: 'b c' }), { text: 'b c' }, RubySymbol],
    ['a module', tag('ModuleSerializer', { value: 'String' }), { text: 'String' }, RubyModule],
    ['a date', tag('DateSerializer', { value: '2026-02-28' }), { text: '2026-02-28' }, RubyDate],
    ['a decimal', tag('BigDecimalSerializer', { value: '-Infinity' }), { text: '-Infinity' }, RubyDecimal],
    [
      'a time with zone',
      tag('TimeWithZoneSerializer', { value: '2026-07-01T12:00:00.123456789+02:00', time_zone: 'Europe/Paris' }),
      { text: '2026-07-01T12:00:00.123456789+02:00', type: 'TimeWithZone', timeZone: 'Europe/Paris' },
      RubyTime,
    ],
    [
      'a duration',
      tag('DurationSerializer', { value: 2802546, parts: [[tag('SymbolSerializer', { value: 'months' }), 1]] }),
      { seconds: 2802546, parts: [['months', 1]] },
      RubyDuration,
    ],
    [
      'a range of dates without end',
      tag('RangeSerializer', { begin: tag('DateSerializer', { value: '2026-01-01' }), end: null, exclude_end: true }),
      { begin: new RubyDate('2026-01-01'), end: null, excludeEnd: true },
      RubyRange,
    ],
  ])('is %s', (_what, json, fields, type) => {
    const [value] = decodeArguments([json]);
    expect(value).toBeInstanceOf(type);
    expect(value).toMatchObject(fields);
  });

  test('is an instant to the millisecond', () => {
    expect(new RubyTime('2026-03-01T02:03:04.123456789+05:30').toDate().toISOString()).toBe('2026-02-28T20:33:04.123Z');
  });

  test('has no marks of hashes: keyword arguments are the last object', () => {
    expect(decode('[1,{"a":{"b":1,"_aj_symbol_keys":["b"]},"_aj_ruby2_keywords":["a"]}]')).toEqual([
      1,
      { a: { b: 1 } },
    ]);
    expect(Object.keys(decode('[{"a":1,"_aj_hash_with_indifferent_access":true}]')[0] as object)).toEqual(['a']);
  });

  test.each([
    '{"_aj_serialized":"MoneySerializer","value":{"_aj_globalid":"gid://a/B/1"}}',
    '{"_aj_serialized":"ActiveJob::Serializers::DateSerializer","value":5}',
    '{"_aj_serialized":"ActiveJob::Serializers::DateSerializer","value":"2026-01-01","more":1}',
    '{"_aj_serialized":"ActiveJob::Serializers::DurationSerializer","value":"x","parts":[]}',
    '{"_aj_serialized":"ActiveJob::Serializers::RangeSerializer","begin":1}',
    '{"_aj_globalid":"gid:nothing"}',
    '{"_aj_globalid":"gid://a/B/1","and":2}',
    '{"_aj_symbol_keys":"a"}',
    '{"_aj_x":1}',
    '{"_aj_symbol_keys":[],"_aj_ruby2_keywords":[]}',
  ])('is kept where nobody knows what it is: %s', (json) => {
    expect(decode(`[${json}]`)).toEqual([JSON.parse(json)]);
    expect(encodeArguments('Job', decode(`[${json}]`))).toBe(`[${json}]`);
  });

  test('may have a key that JavaScript knows as something else', () => {
    const json = '{"__proto__":1,"_aj_symbol_keys":[]}';
    expect(encodeArguments('Job', decode(`[${json}]`))).toBe(`[${json}]`);
  });
});

describe('an argument to be encoded', () => {
  test.each<[string, unknown, string]>([
    ['a plain object has strings as keys', { a: 1 }, '{"a":1,"_aj_symbol_keys":[]}'],
    ['keyword arguments', keywords({ format: 'pdf' }), '{"format":"pdf","_aj_ruby2_keywords":["format"]}'],
    ['symbols as keys', symbolKeys({ a: { b: 1 } }), '{"a":{"b":1,"_aj_symbol_keys":[]},"_aj_symbol_keys":["a"]}'],
    [
      'a Date is a Time in UTC',
      new Date(1_795_693_470_139),
      '{"_aj_serialized":"ActiveJob::Serializers::TimeSerializer","value":"2026-11-26T11:44:30.139000000Z"}',
    ],
    ['escapes', '</script>&\u2028', '"\\u003c/script\\u003e\\u0026\\u2028"'],
    ['integers of any size', 12345678901234567890n, '12345678901234567890'],
    ['a negative zero', -0, '-0.0'],
    ['floats beyond integers', [1e20, 2 ** 53, 1e-7], '[1.0e+20,9.007199254740992e+15,1.0e-07]'],
    [
      "what a serializer of the app's own reads",
      serializedBy('MoneySerializer', { n: 1, user: { _aj_globalid: 'gid://a/B/1' } }),
      '{"_aj_serialized":"MoneySerializer","n":1,"user":{"_aj_globalid":"gid://a/B/1"}}',
    ],
  ])('%s', (_what, value, text) => expect(encodeArguments('Job', [value])).toBe(`[${text}]`));

  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  test.each<[string, unknown, RegExp]>([
    ['undefined', { a: [undefined] }, /args\.0\.a\.0 is undefined/],
    ['a function', () => 1, /args\.0 is a function/],
    ['NaN', Number.NaN, /args\.0 is NaN/],
    ['a Map', new Map(), /args\.0 is a Map/],
    ['a Date without a time', new Date(Number.NaN), /without a time/],
    ['a circle', circular, /holds itself/],
    [
      'a record that somebody has made up',
      { a: { _aj_globalid: 'gid://a/B/1' } },
      /args\.0\.a has the key _aj_globalid/,
    ],
    ['a class that somebody has made up', { _aj_serialized: 'X', value: 'Kernel' }, /has the key _aj_serialized/],
    ['marks of hashes', symbolKeys({ _aj_symbol_keys: [] }), /has the key _aj_symbol_keys/],
    ['a float that is none', new RubyFloat('abc'), /no number/],
  ])('refuses %s, with its path', (_what, value, message) => {
    const encode = () => encodeArguments('Report', [value]);
    expect(encode).toThrow(ArgumentsError);
    expect(encode).toThrow(message);
    expect(encode).toThrow(/arguments of Report/);
  });
});

describe('a new job', () => {
  test('has the fields of Rails, in their order', () => {
    const [, , ...mains] = vectors.filter(({ raw }) => raw.includes('"scheduled_at":null'));
    const keys = Object.keys(JSON.parse(mains[0]?.raw ?? '').args[0]);
    const job = {
      jobClass: 'Report',
      jobId: 'an id',
      queue: 'mailers',
      priority: undefined,
      locale: 'en',
      timeZone: 'Europe/Paris',
      arguments: '[1]',
      enqueuedAt: 1_795_693_470_139,
      scheduledAt: undefined,
    };
    const now = JSON.parse(writeActiveJob(job));
    expect(Object.keys(now.args[0])).toEqual(keys);
    expect(now.queue).toBeUndefined();
    expect(JSON.parse(writeActiveJob({ ...job, scheduledAt: 1_795_693_480_000 }))).toMatchObject({
      args: [{ scheduled_at: '2026-11-26T11:44:40.000000000Z' }],
      queue: 'mailers',
    });
  });

  const counting = (executions: number, counts: string) =>
    `{"class":"${WRAPPER}","args":[{"arguments":[{"exception_executions":{}}],"executions":${executions},"exception_executions":${counts},"locale":"é"}]}`;
  test.each([
    ['{}', '{"[Net::OpenTimeout, Timeout::Error]":1}'],
    ['{ }', '{"[Net::OpenTimeout, Timeout::Error]":1}'],
    ['{"[Deadlocked]":2}', '{"[Net::OpenTimeout, Timeout::Error]":1,"[Deadlocked]":2}'],
    ['{"[Net::OpenTimeout, Timeout::Error]":9,"[A]":1}', '{"[Net::OpenTimeout, Timeout::Error]":10,"[A]":1}'],
    ['null', 'null'],
    ['{"[Net::OpenTimeout, Timeout::Error]":"x"}', '{"[Net::OpenTimeout, Timeout::Error]":"x"}'],
  ])('counts an error where Rails does: %s becomes %s', (before, after) => {
    const payload = counting(9, before);
    const edit = raisedExecutions(payload, '[Net::OpenTimeout, Timeout::Error]');
    const { at, length, text } = edit ?? { at: 0, length: 0, text: '' };
    expect(payload.slice(0, at) + text + payload.slice(at + length)).toBe(counting(10, after));
  });

  test.each(['[]', '{"class":"X","args":[{"executions":"one"}]}', '{"args":[{"a":{"executions":1}}]}'])(
    'has no executions to raise where it does not say so: %s',
    (payload) => expect(raisedExecutions(payload)).toBeUndefined(),
  );
});
