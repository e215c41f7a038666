import { describe, expect, test } from 'vitest';
import { WRAPPER } from '../../../../shared/wire/active-job/envelope.ts';
import { failedEntry } from '../../../../shared/wire/failed-entry.ts';
import { readFailed } from '../../../../shared/wire/read-failed.ts';
import { rubyCanShow } from '../../../../shared/wire/ruby/can-show.ts';

const nested = (levels: number) => `{"class":"F","args":${'['.repeat(levels)}${']'.repeat(levels)}}`;
const wrapped = (args: string) => `{"class":"${WRAPPER}","args":${args}}`;

/** What /failed, /working, /workers and /overview of resque 3.0.0 answered to a record with each: 200, or 500. With json 2.6.1. */
describe('a record with this payload', () => {
  test.each([
    ...['{}', '{"class":["A"],"args":[1]}', '{"class":"F","args":{"a":1}}', '{"class":"F","args":[1e400,1E5,-0]}'],
    ...['{"class":"F","args":["\\ud83d\\ude00"]}', '{"class":"F","args":["\\u0000\\u2028"]}', '{"class":"F"}'],
    ...['{"class":"F","args":["C:\\\\ud83d"]}', nested(98), `{"class":"F","args":["${'['.repeat(120)}"]}`],
    ...['["x"]', '[{}]', '[{"job_class":5}]', '[{"job_class":"X","arguments":5}]'].map(wrapped),
    `{"class":"F","args":["${WRAPPER}"]}`,
  ])('is shown: %s', (payload) => expect(rubyCanShow(payload)).toBe(true));

  test.each([
    ...['{"class":"F","args":["\\ud83d"]}', '{"class":"F","args":["\\ud83dx"]}', '{"class":"F\\ud83d","args":[]}'],
    ...['{"class":"F","args":[{"\\uD83D":1}]}', '{"class":"F","args":["\\\\\\ud83d"]}', nested(99), nested(5_000)],
    ...['[]', '[null]', '[5]', '[[]]', '[true]', '{}', '{"job_class":"X"}', '5', 'null', '"x"'].map(wrapped),
    `{"class":"${WRAPPER}"}`,
  ])('ends the page: %s', (payload) => expect(rubyCanShow(payload)).toBe(false));
});

test('a job that stands in its failed entry as text is one all the same, of these bytes', () => {
  const payload = '{"class":"F","args":["\\ud83d",12345678901234567890],"id":"7"}';
  const { head, tail } = failedEntry({ failedAt: new Date(0), thrown: new Error('x'), worker: 'h:1:q', queue: 'q' });
  const { fields, cut } = readFailed(Buffer.from(`${head}${JSON.stringify(payload)}${tail}`));
  expect(fields).toMatchObject({ class: 'F', id: '7', args: ['\ud83d', 12345678901234567890n], payload });
  expect(cut?.payload).toEqual(Buffer.from(payload));
  // Text around a text is none.
  const twice = readFailed(Buffer.from(`${head}${JSON.stringify(JSON.stringify(payload))}${tail}`));
  expect(twice).toMatchObject({ fields: { class: undefined }, cut: undefined });
});
