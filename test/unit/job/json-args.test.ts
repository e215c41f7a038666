import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { ArgumentsError } from '../../../shared/errors.ts';
import { argsPath, checkJsonArgs } from '../../../shared/job/json-args.ts';
import { parseWithBigInts, stringify } from '../../../shared/json.ts';

/** What is said of the arguments: from their path on. */
function refusal(...args: readonly unknown[]): string | undefined {
  try {
    checkJsonArgs('Hello', args);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ArgumentsError);
    const [, said] =
      /^The arguments of Hello would not arrive as they are: (.*)$/s.exec((error as Error).message) ?? [];
    return said;
  }
}

class Point {
  readonly x = 1;
}
class Rows extends Array<number> {}

const cycle: { self?: unknown; list: unknown[] } = { list: [] };
cycle.list.push({ up: cycle });
const ring: Record<string, unknown> = {};
let last = ring;
for (let i = 0; i < 200; i++) last = last['next'] = {} as Record<string, unknown>;
last['next'] = ring;

function nested(levels: number, innermost: unknown = 0): unknown {
  let value: unknown = innermost;
  for (let i = 0; i < levels; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

describe('arrives as it is, and is accepted', () => {
  const shared = { a: 1 };
  test.each<[string, unknown]>([
    ['text', 'Zoë ☃ 😀 / "q" \\ \n\u0000 \u2028'],
    ['booleans and null', [true, false, null]],
    ['numbers', [0, 1.5, -1e-7, 1e21, Number.MAX_VALUE, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER]],
    ['bigints', [2n ** 64n, { deep: [-(2n ** 70n)] }]],
    ['empty lists and objects', [[], {}, [[]], [{}]]],
    ['objects without a prototype', Object.assign(Object.create(null), { a: { b: [1] } })],
    ['the same object twice', [shared, shared, { shared }]],
    ['keys of any name', { '': 1, 'a.b': 2, constructor: 3, toString: 4, hasOwnProperty: 5, length: 6, toJSON: 7 }],
    ['a key __proto__', JSON.parse('{"__proto__":{"polluted":1},"x":[{"__proto__":2}]}')],
    ['frozen ones', Object.freeze([Object.freeze({ a: 1 })])],
    ['objects and lists of another realm', runInNewContext('[{ a: [1, { b: 2 }] }]')],
    ['getters, as what they give', Object.defineProperty({}, 'a', { get: () => 1, enumerable: true })],
    ['proxies of plain objects', new Proxy({ a: [1] }, {})],
    ['97 levels', nested(97)],
  ])('%s', (_what, value) => {
    expect(refusal(value)).toBeUndefined();
    const arrived = parseWithBigInts(stringify(value));
    // Prototypes of other realms, or none, do not matter to a handler; -0 and undefined would.
    expect(arrived).toEqual(value);
    expect(stringify(arrived)).toBe(stringify(value));
  });

  test('-0 arrives as the 0 that it equals', () => {
    expect(refusal(-0, { a: -0 })).toBeUndefined();
    expect(JSON.parse(stringify(-0))).toBe(0);
  });

  test('no arguments', () => {
    expect(refusal()).toBeUndefined();
  });
});

describe('would arrive as something else, and is refused with its path', () => {
  test.each<[string, unknown, string]>([
    ['NaN', Number.NaN, 'args.0 is NaN, which JSON writes as null. Pass a finite number, null or text.'],
    ['Infinity', Infinity, 'args.0 is Infinity, '],
    ['-Infinity', -Infinity, 'args.0 is -Infinity, '],
    [
      'undefined',
      undefined,
      'args.0 is undefined, which JSON leaves out, or writes as null in a list. Leave it out, or pass null.',
    ],
    ['undefined in a list', ['a', undefined], 'args.0.1 is undefined, '],
    ['undefined under a key', { copies: undefined }, 'args.0.copies is undefined, '],
    // biome-ignore lint/suspicious/noSparseArray: it is what this is about
    ['a hole in a list', ['a', , 'b'], 'args.0.1 is undefined, '],
    ['a list that is longer than what is in it', new Array(2), 'args.0.0 is undefined, '],
    [
      'a function',
      { done: () => {} },
      'args.0.done is a function, which JSON leaves out. Pass the data that the handler needs.',
    ],
    ['a class', [Point], 'args.0.0 is a function, '],
    ['a symbol', [Symbol('s')], 'args.0.0 is a symbol, which JSON leaves out. Pass text.'],
    ['a key that is a symbol', { a: { [Symbol('s')]: 1 } }, 'args.0.a has a key Symbol(s), and JSON leaves out'],
    [
      'a date',
      { when: new Date(0) },
      'args.0.when is a Date, which JSON turns into text. Pass date.toISOString(), and read that',
    ],
    ['a date that is none', new Date(Number.NaN), 'args.0 is a Date, '],
    ['a date of another realm', runInNewContext('new Date(0)'), 'args.0 is a Date, '],
    [
      'a map',
      new Map([['a', 1]]),
      'args.0 is a Map, which JSON writes as {}. Pass Object.fromEntries(map), or [...map].',
    ],
    ['a set', [new Set([1])], 'args.0.0 is a Set, which JSON writes as {}. Pass [...set].'],
    ['a weak map', new WeakMap(), 'args.0 is an instance of WeakMap, '],
    ['a weak set', new WeakSet(), 'args.0 is an instance of WeakSet, '],
    [
      'a buffer',
      Buffer.from('a'),
      'args.0 holds bytes (Buffer), which JSON turns into an object. Pass text: Buffer.from',
    ],
    ['a typed array', new Uint8Array(2), 'args.0 holds bytes (Uint8Array)'],
    ['numbers in a typed array', new Float64Array(2), 'args.0 holds bytes (Float64Array)'],
    ['an array buffer', new ArrayBuffer(2), 'args.0 holds bytes (ArrayBuffer)'],
    ['a view', new DataView(new ArrayBuffer(2)), 'args.0 holds bytes (DataView)'],
    ['a regular expression', /a/, 'args.0 is a RegExp, which JSON writes as {}. Pass its source.'],
    [
      'the match of one',
      'ab'.match(/b/),
      'args.0 has a key "groups", which JSON leaves out of a list. Pass [...list], or an object.',
    ],
    ['a list with a key', Object.assign([1], { total: 1 }), 'args.0 has a key "total", '],
    ['an error', new TypeError('x'), 'args.0 is an error (TypeError), which JSON writes as {}. Pass its message.'],
    ['a promise', Promise.resolve(1), 'args.0 is a promise, which JSON writes as {}. Await it first.'],
    ['a URL', new URL('http://a'), 'args.0 is replaced by what its toJSON() returns (URL). Pass that instead.'],
    ['search parameters', new URLSearchParams('a=1'), 'args.0 is an instance of URLSearchParams, '],
    ['an object with toJSON', { toJSON: () => 1 }, 'args.0 is replaced by what its toJSON() returns'],
    ['one that hides its toJSON', Object.defineProperty({}, 'toJSON', { value: () => 1 }), 'args.0 is replaced by'],
    ['a list with toJSON', Object.defineProperty([], 'toJSON', { value: () => 1 }), 'args.0 is replaced by'],
    ['a boxed string', Object('a'), 'args.0 is a String object, which JSON unwraps. Pass the value itself.'],
    ['a boxed number', Object(1), 'args.0 is a Number object, '],
    ['a boxed bigint', Object(1n), 'args.0 is a BigInt object, '],
    [
      'an instance of a class',
      [new Point()],
      'args.0.0 is an instance of Point, of which JSON keeps only the fields. Pass a plain object, such as { ...value }.',
    ],
    ['one of a class without a name', new (class {})(), 'args.0 is an instance of a class without a name, '],
    ['a list of a class', Rows.of(1), 'args.0 is an instance of Rows, '],
    ['an object on another', Object.create({ inherited: 1 }), 'args.0 is an instance of Object, '],
    ['a generator', (function* () {})(), 'args.0 is an instance of '],
    ['an iterator', [1].values(), 'args.0 is an instance of '],
    ['a cycle', cycle, 'args.0.list.0.up holds itself (is circular), which JSON cannot write. Pass a part of it.'],
    [
      'a cycle of many',
      { ring },
      'args.0.ring.next.next.next.next.next.next.next.next.….next.next.next.next.next is nested deeper than 97 levels, at which Ruby ends, or holds itself',
    ],
    [
      'too many levels',
      nested(98),
      'args.0.0.a.0.a.0.a.0.a.0.….0.a.0.a.0 is nested deeper than 97 levels, at which Ruby ends, or holds itself. Pass something flatter.',
    ],
    ['what is wrong far down', nested(90, Number.NaN), 'args.0.0.a.0.a.0.a.0.a.0.….a.0.a.0.a is NaN, '],
    ['a proxy of a map', new Proxy(new Map(), {}), 'args.0 is an instance of Map, '],
  ])('%s', (_what, value, said) => {
    expect(refusal(value)?.slice(0, said.length)).toBe(said);
  });

  test('the path begins with the number of the argument', () => {
    expect(refusal('a', { when: [{ 'due date': Number.NaN }] })).toMatch(/^args\.1\.when\.0\."due date" is NaN/);
  });

  test('a list of arguments that holds itself', () => {
    const args: unknown[] = [];
    args.push(args);
    expect(refusal(...args)).toMatch(/^args\.0\.0 holds itself/);
  });

  test('what a getter throws is its own', () => {
    const hostile = Object.defineProperty({}, 'a', {
      enumerable: true,
      get: () => {
        throw new RangeError('no');
      },
    });
    expect(() => checkJsonArgs('Hello', [hostile])).toThrow(new RangeError('no'));
  });
});

describe('what others gave to built-in prototypes', () => {
  const objects = Object.prototype as { extra?: unknown; toJSON?: unknown };
  afterEach(() => {
    delete objects.extra;
    delete objects.toJSON;
  });

  test('is no part of the arguments', () => {
    objects.extra = () => {};
    expect(refusal({ a: 1 })).toBeUndefined();
    expect(refusal({ a: 1, extra: () => {} })).toMatch(/^args\.0\.extra is a function/);
  });

  test('counts where JSON uses it', () => {
    Object.defineProperty(objects, 'toJSON', { value: () => 'all the same', configurable: true });
    const said = refusal({ a: 1 });
    delete objects.toJSON;
    expect(said).toMatch(/^args is replaced by what its toJSON\(\) returns/);
  });
});

test.each<[readonly PropertyKey[], string]>([
  [[], 'args'],
  [[0, 'a', 1], 'args.0.a.1'],
  [['a.b', '', 'c d', 'e"f', 'é'], 'args."a.b".""."c d"."e\\"f".é'],
  [[Symbol('s')], 'args.Symbol(s)'],
  [Array.from({ length: 41 }, (_, i) => i), `args.${[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].join('.')}.….36.37.38.39.40`],
])('the path %j is %s', (keys, path) => {
  expect(argsPath(keys)).toBe(path);
});
