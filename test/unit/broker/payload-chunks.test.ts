import { describe, expect, test } from 'vitest';
import { Batch, BatchedJob, jobsOf as runOf } from '../../../shared/broker/redis/payload-chunks.ts';

/** Jobs of one batch, as Redis sends it: the payloads one behind the other. */
function jobsOf(payloads: readonly Buffer[]): BatchedJob[] {
  const batch = new Batch(Buffer.concat(payloads));
  let start = 0;
  return payloads.map((payload, i) => {
    const job = new BatchedJob(batch, 'myqueue', 7 + i, start, start + payload.length);
    start += payload.length;
    return job;
  });
}

const utf8 = (text: string) => Buffer.from(text);
const latin1 = (text: string) => Buffer.from(text, 'latin1');
const snowman = utf8('☃');

describe('each job of a batch has its own bytes, and its text where they are UTF-8', () => {
  test.each<[string, readonly Buffer[], readonly (string | undefined)[]]>([
    ['all of them ASCII', [utf8('{"a":1}'), utf8('b')], ['{"a":1}', 'b']],
    ['all of them UTF-8', [utf8('Zoë'), utf8('☃😀'), utf8('x')], ['Zoë', '☃😀', 'x']],
    ['a byte order mark', [utf8('\ufeffa'), utf8('b')], ['\ufeffa', 'b']],
    ['NUL bytes', [utf8('a\0'), utf8('\0b')], ['a\0', '\0b']],
    ['an empty one', [utf8('ë'), utf8(''), utf8('a')], ['ë', '', 'a']],
    ['one of them Latin-1', [utf8('Zoë'), latin1('Zoë'), utf8('a')], ['Zoë', undefined, 'a']],
    ['bytes that are UTF-8 only together', [snowman.subarray(0, 1), snowman.subarray(1)], [undefined, undefined]],
    [
      'a character cut between two jobs',
      [utf8('a'), snowman.subarray(0, 2), snowman.subarray(2), utf8('b')],
      ['a', undefined, undefined, 'b'],
    ],
    ['a cut character at the end', [utf8('a'), snowman.subarray(0, 2)], ['a', undefined]],
    ['an encoded surrogate', [utf8('a'), latin1('\xed\xa0\x80')], ['a', undefined]],
  ])('%s', (_what, payloads, texts) => {
    const jobs = jobsOf(payloads);
    expect(jobs.map((job) => job.bytes)).toEqual(payloads);
    expect(jobs.map((job) => job.text)).toEqual(texts);
    expect(jobs.map((job) => job.size)).toEqual(payloads.map((payload) => payload.length));
  });
});

test('each has its queue and its number', () => {
  expect(jobsOf([utf8('a'), utf8('b')]).map(({ queue, seq }) => [queue, seq])).toEqual([
    ['myqueue', 7],
    ['myqueue', 8],
  ]);
});

describe('a run in lines is the same jobs as one with lengths', () => {
  test.each<[string, readonly Buffer[]]>([
    ['ASCII', [utf8('{"a":1}'), utf8('b'), utf8('')]],
    ['one, and empty', [utf8('')]],
    ['UTF-8', [utf8('Zoë'), utf8('☃😀'), utf8('x')]],
    ['one of them Latin-1', [utf8('Zoë'), latin1('Zoë'), utf8('a')]],
    ['a cut character at the end', [utf8('a'), snowman.subarray(0, 2)]],
  ])('%s', (_what, payloads) => {
    const joined = Buffer.concat(payloads.flatMap((one, i) => (i === 0 ? [one] : [utf8('\n'), one])));
    const lines = runOf(joined, undefined, 'myqueue', 7);
    const lengths = runOf(
      Buffer.concat(payloads),
      payloads.map((one) => one.length),
      () => 'myqueue',
      7,
    );
    for (const jobs of [lines, lengths]) {
      expect(jobs.map((job) => job.bytes)).toEqual(payloads);
      expect(jobs.map((job) => job.size)).toEqual(payloads.map((one) => one.length));
      expect(jobs.map(({ queue, seq }) => [queue, seq])).toEqual(payloads.map((_, i) => ['myqueue', 7 + i]));
    }
    expect(lines.map((job) => job.text)).toEqual(lengths.map((job) => job.text));
  });
});
