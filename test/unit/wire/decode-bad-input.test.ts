import { describe, expect, test } from 'vitest';
import { PayloadError } from '../../../shared/errors.ts';
import { rawJob } from '../../helpers/builders.ts';
import { refused } from './decode-scene.ts';

const hex = (digits: string) => Buffer.from(digits, 'hex').toString('latin1');
const bytes = (latin1: string) => Buffer.from(latin1, 'latin1');

describe('what is no job', () => {
  test.each([
    ['nothing', '', 'it is not JSON (Unexpected end of JSON input)'],
    ['text', 'hello', "it is not JSON (Unexpected token 'h')"],
    ['an object that does not end', '{"class":"A"', /^it is not JSON \(Expected ',' or '}' after property value/],
    ['two values', '{"class":"A"}{}', /^it is not JSON \(Unexpected non-whitespace character after JSON/],
    ['a trailing comma', '{"class":"A",}', /^it is not JSON \(Expected double-quoted property name/],
    ['PHP instead of JSON', 'a:1:{s:5:"class";s:1:"A";}', "it is not JSON (Unexpected token 'a')"],
    ['undefined', 'undefined', 'it is not JSON ("undefined" is not valid JSON)'],
    ['a byte order mark', '\ufeff{"class":"A"}', "it is not JSON (Unexpected token '\ufeff')"],
    ['UTF-16', '{\0"\0c\0', /^it is not JSON \(Expected property name/],
    ['a NUL byte before it', '\0{"class":"A"}', "it is not JSON (Unexpected token '\0')"],
    ['a NUL byte after it', '{"class":"A"}\0', /^it is not JSON \(Unexpected non-whitespace character after JSON/],
    ['a NUL byte in a string', '{"class":"A\0"}', /^it is not JSON \(Bad control character in string literal/],
    ['a line break in a string', '{"class":"A\n"}', /^it is not JSON \(Bad control character in string literal/],
    ['a lone surrogate escape that ends early', '{"class":"\\ud8"}', /^it is not JSON \(Bad Unicode escape/],
  ])('%s is not JSON', (_what, payload, reason) => {
    const { raw, error, isObject, isUtf8 } = refused(payload);
    expect({ raw, isObject, isUtf8 }).toEqual({ raw: rawJob(payload), isObject: false, isUtf8: true });
    expect(error).toBeInstanceOf(PayloadError);
    const [, said] = /^The payload is no Resque job: (.*)\.$/s.exec(error.message) ?? [];
    if (typeof reason === 'string') expect(said).toBe(reason);
    else expect(said).toMatch(reason);
  });

  test.each([
    ['a lone continuation byte', hex('80')],
    ['a cut character', `{"class":"A${hex('e298')}"}`],
    ['Latin-1', `{"class":"Zo${hex('eb')}"}`],
    ['an encoded surrogate', `{"class":"${hex('eda080')}"}`],
    ['an overlong NUL', `{"class":"${hex('c080')}"}`],
    ['a character beyond Unicode', `{"class":"${hex('f4908080')}"}`],
  ])('%s is not UTF-8', (_what, payload) => {
    const { error, isObject, isUtf8 } = refused(bytes(payload));
    expect({ isObject, isUtf8 }).toEqual({ isObject: false, isUtf8: false });
    expect(error.message).toBe('The payload is no Resque job: it is not valid UTF-8.');
  });

  test.each([
    ['null', 'null'],
    ['[]', 'an array'],
    ['["Hello"]', 'an array'],
    ['"Hello"', 'a string'],
    ['42', 'a number'],
    ['12345678901234567890', 'a bigint'],
    ['true', 'a boolean'],
    [' 42 ', 'a number'],
  ])('the JSON %s is %s, not an object', (payload, kind) => {
    const { error, isObject } = refused(payload);
    expect(error.message).toBe(`The payload is no Resque job: it is ${kind}, not an object with "class" and "args".`);
    expect(isObject).toBe(false);
  });

  test.each([
    ['{}', 'missing'],
    ['{"args":["Hello"]}', 'missing'],
    ['{"Class":"Hello"}', 'missing'],
    ['{"__proto__":{"class":"Hello"}}', 'missing'],
    ['{"class":""}', 'empty'],
    ['{"class":null}', 'null'],
    ['{"class":42}', 'a number'],
    ['{"class":12345678901234567890}', 'a bigint'],
    ['{"class":true}', 'a boolean'],
    ['{"class":["Hello"]}', 'an array'],
    ['{"class":{"name":"Hello"}}', 'an object'],
    ['{"class":"Hello","class":null}', 'null'],
  ])('the class of %s is %s', (payload, got) => {
    const { error, isObject } = refused(payload);
    expect(error.message).toBe(`The payload is no Resque job: its "class" is ${got}, not the name of a job class.`);
    expect(isObject).toBe(true);
  });

  test.each([
    '{"password": hunter2}',
    '{"user":"a", "password":"hunter2" "b"}',
    'password=hunter2 and more text, more than is quoted at once',
    `{"a":[${'1,'.repeat(50)} hunter2 ]}`,
    '{\n"password":\n"hunter2",\n}',
    '["is not valid JSON", "hunter2", hunter2]',
    "{'password':'hunter2'}",
  ])('the reason does not repeat the data of %j', (payload) => {
    expect(refused(payload).error.message).not.toMatch(/hunter|password|user/);
  });
});
