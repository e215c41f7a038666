import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { ConfigError, Discard, PayloadError, SkipRetry } from '../../../shared/errors.ts';
import { RetryIn } from '../../../shared/job/retry.ts';
import { buriedEntry, errorInfo, type FailedEntryFields, failedEntry } from '../../../shared/wire/failed-entry.ts';
import { vectors } from '../../helpers/builders.ts';

const fields: FailedEntryFields = {
  failedAt: new Date(Date.UTC(2026, 10, 20, 20, 40, 37, 999)),
  thrown: new RangeError('boom'),
  worker: 'host:1:q',
  queue: 'myqueue',
};

/** The text of an entry around a payload, and what a reader makes of it. */
function entryAround(payload: string, given: Partial<FailedEntryFields> = {}) {
  const { head, tail } = failedEntry({ ...fields, ...given });
  const text = head + payload + tail;
  return { text, entry: JSON.parse(text) as Record<string, unknown> };
}

describe('a failed entry', () => {
  test('is head, payload, tail, with the keys in the order of Ruby Resque', () => {
    const captured = vectors().find(({ note }) => note === 'failed entry');
    const { entry } = entryAround('{"class":"Hello","args":[]}');
    expect(Object.keys(entry)).toEqual(Object.keys(JSON.parse(captured?.raw ?? '')));
    expect(entry).toEqual({
      failed_at: '2026/11/20 20:40:37 UTC',
      payload: { class: 'Hello', args: [] },
      exception: 'RangeError',
      error: 'boom',
      backtrace: expect.arrayContaining([expect.stringMatching(/^at /)]),
      worker: 'host:1:q',
      queue: 'myqueue',
    });
  });

  test("has the bytes of Ruby's own, where the error is the same", () => {
    const captured = vectors().find(({ note }) => note === 'failed entry')?.raw ?? '';
    const theirs = JSON.parse(captured) as { error: string; backtrace: string[] };
    const thrown = new Error(theirs.error);
    thrown.name = 'ArgumentError';
    thrown.stack = `ArgumentError: boom\n    at ${theirs.backtrace[0]}`;
    const { text } = entryAround('{"class":"Boom","args":["x",{"n":1.0}]}', { thrown, worker: '' });
    expect(text).toBe(captured.replace('"backtrace":["', '"backtrace":["at '));
  });

  test('leaves the payload as it is, byte by byte', () => {
    const payload = ' {"class":"Hello","args":[1.0,12345678901234567890,"a\\/b"],"args":[]} ';
    expect(entryAround(payload).text).toContain(`"payload":${payload},"exception"`);
  });

  test.each<[string, unknown]>([
    ['quotes and line breaks', new Error('"a"\n\\b\u2028\0')],
    ['lone surrogates', new Error('\ud800 and \udc00')],
    ['nothing', undefined],
  ])('is JSON whatever was thrown: %s', (_what, thrown) => {
    const { text } = entryAround('{}', { thrown });
    expect(text).not.toMatch(/\\u[dD][89a-fA-F]/);
    expect(text.isWellFormed()).toBe(true);
  });

  test('has worker and queue as strings, whatever they hold', () => {
    expect(entryAround('{}', { worker: 'a"b:1:q', queue: 'a\\"b\nZoë' }).entry).toMatchObject({
      worker: 'a"b:1:q',
      queue: 'a\\"b\nZoë',
    });
  });
});

test('the entry of a payload that is not UTF-8 has it as text, and its bytes in base64 after all else', () => {
  const bytes = Buffer.from('7b22ff2c0080227d', 'hex');
  const entry = JSON.parse(buriedEntry(fields, bytes)) as Record<string, string>;
  expect(entry).toMatchObject({
    failed_at: '2026/11/20 20:40:37 UTC',
    payload: '{"\ufffd,\0\ufffd"}',
    exception: 'RangeError',
  });
  expect(Buffer.from(entry['payload_base64'] ?? '', 'base64')).toEqual(bytes);
  expect(Object.keys(entry)).toEqual([...Object.keys(entryAround('{}').entry), 'payload_base64']);
});

describe('an error', () => {
  test('has name, message and the lines of its stack', () => {
    const error = new TypeError('boom');
    error.stack = 'TypeError: boom\nsecond line of the message\n    at one (a.ts:1:2)\n    at async two (b.ts:3:4)';
    expect(errorInfo(error)).toEqual({
      exception: 'TypeError',
      error: 'boom',
      backtrace: ['at one (a.ts:1:2)', 'at async two (b.ts:3:4)'],
    });
  });

  test('of another realm is an error as well', () => {
    expect(errorInfo(runInNewContext('new RangeError("boom")'))).toMatchObject({
      exception: 'RangeError',
      error: 'boom',
    });
  });

  test('has the name that its class gives it', () => {
    class PaymentError extends Error {
      override readonly name = 'PaymentError';
    }
    expect(errorInfo(new PaymentError('declined'))).toMatchObject({ exception: 'PaymentError', error: 'declined' });
  });

  test.each<[string, Readonly<Record<string, unknown>>, object]>([
    ['no name', { name: '' }, { exception: 'Error' }],
    ['a name that is no text', { name: 42 }, { exception: 'Error' }],
    ['no stack', { stack: undefined }, { backtrace: [] }],
    ['a stack that is no text', { stack: 42 }, { backtrace: [] }],
    ['no message', { message: '' }, { error: '' }],
    ['a message that is no text', { message: { an: 'object' } }, { error: '[object Object]' }],
  ])('may have %s', (_what, properties, info) => {
    expect(errorInfo(Object.assign(new Error('boom'), properties))).toMatchObject(info);
  });

  test.each(['name', 'message', 'stack', 'cause'])('whose %s cannot be read does no harm', (property) => {
    const hostile = Object.defineProperty(new Error('boom'), property, {
      get() {
        throw new Error('hostile');
      },
    });
    for (const error of [hostile, new Error('outer', { cause: hostile }), new AggregateError([hostile])]) {
      expect(errorInfo(error)).toEqual({
        exception: expect.stringMatching(/./),
        error: expect.stringMatching(/./),
        backtrace: expect.any(Array),
      });
    }
  });

  test('of another kind of error is an error on a Node without Error.isError too', () => {
    const { isError } = Error;
    try {
      Reflect.deleteProperty(Error, 'isError');
      const errors = [new TypeError('declined'), runInNewContext('new TypeError("declined")')];
      for (const error of errors) expect(errorInfo(error)).toMatchObject({ exception: 'TypeError', error: 'declined' });
      expect(errorInfo(new DOMException('declined', 'AbortError'))).toMatchObject({ exception: 'AbortError' });
      expect(errorInfo(Object.create(Error.prototype))).toMatchObject({ exception: 'NonErrorThrown' });
    } finally {
      Object.defineProperty(Error, 'isError', { value: isError, configurable: true, writable: true });
    }
  });

  test('that cannot be read at all says why', () => {
    const proto = new Proxy(Error.prototype, {
      get() {
        throw new RangeError('hostile');
      },
    });
    expect(errorInfo(Object.setPrototypeOf(new Error('boom'), proto))).toEqual({
      exception: 'UnreadableError',
      error: 'The handler threw something that cannot be read (RangeError: hostile).',
      backtrace: [],
    });
  });

  test.each([[Symbol('s')], [Object.create(null)]])('whose message has no text does no harm', (message) => {
    expect(errorInfo(Object.assign(new Error('boom'), { message }))).toMatchObject({ exception: expect.any(String) });
  });

  test('of a length that no list should have to hold is cut', () => {
    const error = new Error('x'.repeat(100_000));
    error.stack = `Error\n    at ${'y'.repeat(100_000)}`;
    const { error: message, backtrace } = errorInfo(error);
    expect(message).toBe(`${'x'.repeat(10_000)}… (100000 characters)`);
    expect(backtrace[0]).toHaveLength(10_000 + '… (100003 characters)'.length);
    expect(errorInfo(new Error('x'.repeat(10_000))).error).toBe('x'.repeat(10_000));
  });

  test('is not cut within a character', () => {
    expect(errorInfo(new Error(`${'x'.repeat(9_999)}😀 and more`)).error.isWellFormed()).toBe(true);
  });

  test('has at most 100 lines of backtrace', () => {
    const error = new Error('deep');
    error.stack = `Error: deep\n${'    at f (a.ts:1:2)\n'.repeat(500)}`;
    expect(errorInfo(error).backtrace).toHaveLength(100);
  });

  test('is well-formed text in every part, for Ruby', () => {
    const error = Object.assign(new Error('m\ud800', { cause: 'c\udc00' }), { name: 'N\ud800' });
    error.stack = 'x\n    at f\ud800 (a.ts:1:2)';
    expect(errorInfo(error)).toEqual({
      exception: 'N\ufffd',
      error: 'm\ufffd',
      backtrace: ['at f\ufffd (a.ts:1:2)', 'Caused by: the string "c\\udc00"'],
    });
  });
});

describe('whatever else was thrown', () => {
  const hostile = {
    toString() {
      throw new Error('hostile');
    },
  };

  test.each<[unknown, string]>([
    ['boom', 'the string "boom"'],
    ['', 'the string ""'],
    [null, 'null'],
    [undefined, 'undefined'],
    [42, '42'],
    [12345678901234567890n, '12345678901234567890'],
    [Symbol('s'), 'Symbol(s)'],
    [{ message: 'no Error' }, '[object Object]'],
    [['a', 'b'], 'a,b'],
    [Object.create(null), 'an object that has no text'],
    [hostile, 'an object that has no text'],
    [{ toString: () => ({}) }, 'an object that has no text'],
    [new Proxy(new Error('boom'), {}), 'Error: boom'],
  ])('case %#: is told in words', (thrown, words) => {
    expect(errorInfo(thrown)).toEqual({
      exception: 'NonErrorThrown',
      error: `The handler threw ${words}, not an Error.`,
      backtrace: [],
    });
  });
});

describe('an AggregateError', () => {
  test('tells the errors that it holds', () => {
    const error = new AggregateError([new TypeError('a'), 'b', null], 'all failed');
    expect(errorInfo(error)).toMatchObject({
      exception: 'AggregateError',
      error: 'all failed; [0] TypeError: a; [1] the string "b"; [2] null',
    });
  });

  test('tells ten of many', () => {
    const error = new AggregateError(Array.from({ length: 5_000 }, (_, i) => new Error(`no. ${i}`)));
    expect(errorInfo(error).error).toMatch(/^\[0\] Error: no\. 0; .*; \[9\] Error: no\. 9$/);
  });

  test('whose list is none does no harm', () => {
    const error = Object.assign(new AggregateError([], 'all failed'), { errors: undefined });
    expect(errorInfo(error)).toMatchObject({ exception: expect.any(String), backtrace: expect.any(Array) });
  });
});

describe('causes', () => {
  test('follow in the backtrace, each with its own stack', () => {
    const inner = new TypeError('inner');
    inner.stack = 'TypeError: inner\n    at inner (a.ts:1:2)';
    const outer = new Error('outer', { cause: inner });
    outer.stack = 'Error: outer\n    at outer (b.ts:3:4)';
    expect(errorInfo(outer)).toEqual({
      exception: 'Error',
      error: 'outer',
      backtrace: ['at outer (b.ts:3:4)', 'Caused by: TypeError: inner', 'at inner (a.ts:1:2)'],
    });
  });

  test.each<[unknown, string]>([
    ['text', 'Caused by: the string "text"'],
    [null, 'Caused by: null'],
    [Object.create(null), 'Caused by: an object that has no text'],
  ])('may be anything', (cause, line) => {
    expect(errorInfo(new Error('outer', { cause })).backtrace.at(-1)).toBe(line);
  });

  test('that go round end', () => {
    const error = new Error('round');
    error.cause = error;
    expect(errorInfo(error).backtrace.filter((line) => line === 'Caused by: Error: round')).toHaveLength(5);
  });
});

describe('the backtrace of our own errors', () => {
  test('is left out where it would lead into this library', () => {
    expect(errorInfo(new PayloadError('no job', { cause: 'x' })).backtrace).toEqual(['Caused by: the string "x"']);
  });

  test.each([new SkipRetry(), new RetryIn('1s'), new Discard(), new ConfigError('x')])(
    'is kept where a handler raised it: %s',
    (error) => {
      expect(errorInfo(error).backtrace[0]).toMatch(/failed-entry\.test\.ts/);
    },
  );
});

describe('a payload that is not UTF-8 and too large for its entry', () => {
  const fields = { failedAt: new Date(0), thrown: new PayloadError('It is not UTF-8.'), worker: 'w', queue: 'q' };

  test('is shortened, and the entry says so', () => {
    const entry = buriedEntry(fields, Buffer.alloc(18_000_000, 0xff));
    expect(entry.length).toBeLessThan(1_000_000);
    const { error, payload_base64 } = JSON.parse(entry) as { error: string; payload_base64: string };
    expect(error).toBe(
      'It is not UTF-8; of its 18000000 bytes only the first 65536 are kept here, since no more would pass.',
    );
    expect(Buffer.from(payload_base64, 'base64')).toEqual(Buffer.alloc(65_536, 0xff));
  });

  test('is whole up to where it passes', () => {
    const bytes = Buffer.alloc(1_900_000, 0xff);
    const entry = buriedEntry(fields, bytes);
    expect(Buffer.byteLength(entry)).toBeLessThan(8_388_608 + 1_000);
    expect(Buffer.from((JSON.parse(entry) as { payload_base64: string }).payload_base64, 'base64')).toEqual(bytes);
  });
});
