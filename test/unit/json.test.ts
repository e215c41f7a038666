import { afterEach, describe, expect, test, vi } from 'vitest';
import { parseWithBigInts, stringify } from '../../shared/json.ts';
import { vectors } from '../helpers/builders.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('parseWithBigInts', () => {
  test.each<[string, number | bigint]>([
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740992', -9007199254740992n],
    ['9007199254740993', 9007199254740993n],
    ['100000000000000000000', 100000000000000000000n],
    [`1${'0'.repeat(400)}`, 10n ** 400n],
    ['1000000000000000', 1e15],
  ])('the integer %s keeps its value: a bigint only where a double could not hold it', (text, value) => {
    expect(parseWithBigInts(text)).toBe(value);
  });

  test.each<[string, number]>([
    ['1.0e+21', 1e21],
    ['[1.0e+21,1234567890123456]', 1e21],
    ['1.0', 1],
    ['0.12345678901234567890', 0.12345678901234568],
    ['12345678901234567890.0', 12345678901234567000],
    ['1234567890123456000e3', 1.234567890123456e21],
    ['1e400', Infinity],
    ['-0.0000000000000000000', -0],
  ])('%s, which is written as a float, stays a double', (text, value) => {
    const parsed = parseWithBigInts(text);
    expect(Array.isArray(parsed) ? parsed[0] : parsed).toBe(value);
  });

  test('long runs of digits in strings and keys stay strings and keys', () => {
    const text = '{"12345678901234567890":"98765432109876543210","n":[" 1234567890123456789 ",12345678901234567890]}';
    expect(parseWithBigInts(text)).toEqual({
      '12345678901234567890': '98765432109876543210',
      n: [' 1234567890123456789 ', 12345678901234567890n],
    });
  });

  test('of duplicate keys the last one counts, long or not', () => {
    const text =
      '{"a":1,"a":12345678901234567890,"b":12345678901234567890,"b":1,"2":{"c":12345678901234567891},"1":[]}';
    expect(parseWithBigInts(text)).toEqual({ a: 12345678901234567890n, b: 1, 2: { c: 12345678901234567891n }, 1: [] });
  });

  test('__proto__ is a key like any other and touches no prototype', () => {
    const value = parseWithBigInts(
      '{"__proto__":{"polluted":12345678901234567890},"x":{"constructor":{"prototype":1}}}',
    );
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.entries(value as object)).toEqual([
      ['__proto__', { polluted: 12345678901234567890n }],
      ['x', { constructor: { prototype: 1 } }],
    ]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test.each(vectors().map((vector) => [vector.note, vector.raw]))('agrees with JSON.parse on %s', (_note, raw) => {
    if (!raw.startsWith('{')) return expect(() => parseWithBigInts(raw)).toThrow(SyntaxError);
    const doubles = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? Number(inner) : inner)));
    expect(doubles(parseWithBigInts(raw))).toEqual(JSON.parse(raw));
  });

  test('text without long runs of digits is parsed without a reviver', () => {
    const parse = vi.spyOn(JSON, 'parse');
    parseWithBigInts('{"class":"Hello","args":["123456789012345",123456789012345]}');
    expect(parse.mock.calls).toEqual([['{"class":"Hello","args":["123456789012345",123456789012345]}']]);
  });

  test.each(['{"a":12345678901234567890', '012345678901234567', '12345678901234567890 x', '1234567890123456.'])(
    'throws a SyntaxError at %s',
    (text) => {
      expect(() => parseWithBigInts(text)).toThrow(SyntaxError);
    },
  );
});

describe('stringify', () => {
  test.each<[unknown]>([
    [{ class: 'Hello', args: ['hi', 1.5, null, true, { b: 1, a: [] }] }],
    ['Zoë ☃ 😀 / \u2028 \ud800'],
    [{ queue: undefined, list: [undefined, Number.NaN] }],
    [new Date(0)],
  ])('writes %j as JSON.stringify does', (value) => {
    expect(stringify(value)).toBe(JSON.stringify(value));
  });

  test('writes each bigint as the integer that it is, and the rest as before', () => {
    const value = { z: 12345678901234567890n, a: [-1n, 0n, 1, '1n', { deep: 9007199254740993n }], at: new Date(0) };
    expect(stringify(value)).toBe(
      '{"z":12345678901234567890,"a":[-1,0,1,"1n",{"deep":9007199254740993}],"at":"1970-01-01T00:00:00.000Z"}',
    );
  });

  test('writes them so where a program gave them a toJSON', () => {
    Object.defineProperty(BigInt.prototype, 'toJSON', { value: () => 'text', configurable: true });
    try {
      expect(stringify({ a: [12345678901234567890n, 1], b: 2n, at: new Date(0), c: undefined })).toBe(
        '{"a":[12345678901234567890,1],"b":2,"at":"1970-01-01T00:00:00.000Z"}',
      );
    } finally {
      Reflect.deleteProperty(BigInt.prototype, 'toJSON');
    }
  });

  test('writes the same bytes that were parsed', () => {
    const text = '{"args":[9007199254740993,-9007199254740993,12345678901234567890,"12345678901234567890"]}';
    expect(stringify(parseWithBigInts(text))).toBe(text);
  });

  test('indents where it is asked to, with and without a bigint', () => {
    expect(stringify({ a: [1] }, 2)).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(stringify([1n], 1)).toBe('[\n 1\n]');
  });

  test('throws what JSON.stringify throws at a cycle, with and without a bigint', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => stringify(cycle)).toThrow(/circular/);
    expect(() => stringify([1n, cycle])).toThrow(/circular/);
  });
});
