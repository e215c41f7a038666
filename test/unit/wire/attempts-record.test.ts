import { describe, expect, test } from 'vitest';
import { spliceText, unsplice } from '../../../shared/wire/attempts-record.ts';
import { vectors } from '../../helpers/builders.ts';

const record = { id: 'abc123-7', attempts: 2, deaths: 1 };

/** The payload with the record behind its opening brace, as the script does it. */
const splice = (payload: string) => payload.replace('{', `{${spliceText(record)}`);

test('the record is a key of its own, with a comma after it', () => {
  expect(splice('{"class":"Hello"}')).toBe('{"lambdesque":{"id":"abc123-7","attempts":2,"deaths":1},"class":"Hello"}');
});

describe('unsplice gives back what was spliced', () => {
  test.each([
    '{"class":"Hello","args":[1.0,12345678901234567890]}',
    ' \t\r\n{"class":"Hello"}',
    '{ "class" : "Hello" }\n',
    '{}',
    '{not JSON',
    '{"lambdesque":{"id":"x","attempts":1}}',
    '{"class":"Zoë ☃ 😀 \u2028"}',
    ...vectors()
      .map((vector) => vector.raw)
      .filter((raw) => raw.startsWith('{')),
  ])('%s', (payload) => {
    expect(unsplice(splice(payload))).toEqual({ payload, record });
  });

  test('one record at a time', () => {
    const twice = splice(splice('{"class":"Hello"}'));
    expect(unsplice(twice)).toEqual({ payload: splice('{"class":"Hello"}'), record });
  });

  test.each([
    { id: '', attempts: 0, deaths: 0 },
    { id: 'host-1', attempts: 1, deaths: 0 },
    { id: 'a b:c-12', attempts: 999_999_999, deaths: 3 },
  ])('with the record %o', (other) => {
    expect(unsplice(`{${spliceText(other)}"a":1}`)).toEqual({ payload: '{"a":1}', record: other });
  });
});

describe('unsplice leaves alone', () => {
  test.each([
    '',
    'not JSON',
    '[]',
    '{}',
    '{"class":"Hello","args":[]}',
    '[{"lambdesque":{"id":"a","attempts":1,"deaths":0},}]',
    '{"class":"A","lambdesque":{"id":"a","attempts":1,"deaths":0},"b":1}',
    '{ "lambdesque":{"id":"a","attempts":1,"deaths":0},"b":1}',
    '{"lambdesque": {"id":"a","attempts":1,"deaths":0},"b":1}',
    '{"lambdesque":{"id":"a","attempts":1,"deaths":0}}',
    '{"lambdesque":{"id":"a","deaths":0,"attempts":1},"b":1}',
    '{"lambdesque":{"id":"a","attempts":1,"deaths":0,"more":1},"b":1}',
    '{"lambdesque":{"id":"a","attempts":-1,"deaths":0},"b":1}',
    '{"lambdesque":{"id":"a","attempts":1234567890,"deaths":0},"b":1}',
    '{"lambdesque":{"id":"a","attempts":1,"deaths":1234567890},"b":1}',
    '{"lambdesque":{"id":"a","attempts":1.5,"deaths":0},"b":1}',
    '{"lambdesque":{"id":"a\\"","attempts":1,"deaths":0},"b":1}',
    '{"lambdesque":{"id":1,"attempts":1,"deaths":0},"b":1}',
    '{"lambdesque":true,"b":1}',
    '\ufeff{"lambdesque":{"id":"a","attempts":1,"deaths":0},"b":1}',
    '\u00a0{"lambdesque":{"id":"a","attempts":1,"deaths":0},"b":1}',
  ])('%s', (payload) => {
    expect(unsplice(payload)).toEqual({ payload, record: undefined });
  });
});
