import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createLogger } from '../../../infra/local/log.ts';
import { LineOutput } from '../../../infra/local/output.ts';
import type { Sink } from '../../../infra/local/pipe-sink.ts';
import { terminalLine } from '../../../infra/local/terminal-line.ts';
import { widthOf } from '../../../infra/local/terminal-text.ts';
import { Discard } from '../../../shared/errors.ts';

const NOON = new Date(2026, 10, 20, 12, 0, 1);
type Given = Parameters<typeof terminalLine>;
/** Without colours: those are seen on a real terminal, in test/e2e/terminal.test.ts. */
const line = (level: Given[1], message: string, fields: Given[3], columns = 80) =>
  stripVTControlCharacters(terminalLine(NOON, level, message, fields, columns));

const RUN = {
  class: 'Mail',
  queue: 'mailers',
  id: '8d84404e-1111',
  attempt: 3,
  attempts: 3,
  outcome: 'failed',
  ms: 12.4,
} as const;
const failed = (fields: Given[3] = {}, columns?: number) => line('error', 'job failed', { ...RUN, ...fields }, columns);
const succeeded = (fields: Given[3] = {}, columns?: number) =>
  line('info', 'job succeeded', { ...RUN, attempt: 1, attempts: 1, outcome: 'succeeded', ...fields }, columns);

describe('a run', () => {
  test('has what matters in the order in which it is read, and its stack below', () => {
    expect(failed({ error: 'E: 550', stack: 'at a (b.ts:1:2)\nat c (d.ts:3:4)' })).toBe(
      '12:00:01 failed     Mail  mailers  8d84404e  attempt 3/3  12 ms  E: 550\n    at a (b.ts:1:2)\n    at c (d.ts:3:4)\n',
    );
    expect(succeeded({ ms: 0.254, waitMs: 90_000 })).toBe(
      '12:00:01 succeeded  Mail  mailers  8d84404e  0.25 ms  waited 90 s\n',
    );
    expect(line('warn', 'job retried', { ...RUN, outcome: 'retried', retryIn: 1_500, error: 'E: x' }, 100)).toContain(
      '12 ms  again in 1.5 s  E: x\n',
    );
    expect(line('error', 'job failed', { queue: 'q', outcome: 'failed', ms: 0, error: 'P: x' })).toBe(
      '12:00:01 failed     (no class)  q  0 ms  P: x\n',
    );
  });

  test.each<[number, number | undefined, string]>([
    [1, 1, ''],
    [1, 5, 'attempt 1/5'],
    [3, 3, 'attempt 3/3'],
    [2, 1, 'attempt 2/1'],
    [1, undefined, ''],
    [2, undefined, 'attempt 2'],
  ])('of attempt %s of %s says "%s"', (attempt, attempts, says) => {
    expect(/attempt \S+/.exec(succeeded({ attempt, attempts }))?.[0] ?? '').toBe(says);
  });

  test.each([
    ['8d84404e-5c1f-4a38-9d0e-123456789012', '8d84404e'],
    ['d96d3448e98b29aace86a5474d84fe78', 'd96d3448'],
    ['442b1011bd7d-0', '11bd7d-0'],
    ['442b1011bd7d-123', 'bd7d-123'],
    ['7', '7'],
  ])('has of the id %s what tells it from others', (id, shown) => {
    expect(succeeded({ id })).toContain(`  mailers  ${shown}  12 ms`);
  });

  test('aligns what comes behind the outcome', () => {
    const outcomes = ['succeeded', 'retried', 'failed', 'discarded', 'released'];
    const starts = outcomes.map((outcome) => succeeded({ outcome }).indexOf('Mail'));
    expect(new Set(starts)).toEqual(new Set([20]));
  });

  test('gives up what only tells more, then of the error, then of class and queue', () => {
    const long = { error: 'Error: connect ECONNREFUSED 127.0.0.1:5432', waitMs: 20, retryIn: 16_000 };
    const firstLine = (columns: number, fields: Given[3] = long) => failed(fields, columns).split('\n')[0];
    const start = '12:00:01 failed     Mail  mailers  8d84404e  attempt 3/3  12 ms';
    expect(firstLine(140)).toBe(`${start}  again in 16 s  waited 20 ms  ${long.error}`);
    expect(firstLine(125)).toBe(`${start}  again in 16 s  ${long.error}`);
    expect(firstLine(110)).toBe(`${start}  ${long.error}`);
    expect(firstLine(80)).toBe(`${start}  Error: connect…`);
    expect(firstLine(80, { ...long, class: 'Billing::Charges::Yearly' })).toBe(
      '12:00:01 failed     Billing::Cha…  mailers  8d84404e  attempt 3/3  12 ms  Error…',
    );
  });

  test('an error that had to be shortened stands below as a whole, before its stack', () => {
    const error = `Error: ${'word '.repeat(30)}end`;
    const lines = failed({ error, stack: 'at a (b.ts:1:2)' }).split('\n');
    expect(lines[0]).toMatch(/ {2}Error: word wo…$/);
    const below = lines.slice(1, -2);
    expect(below.map((one) => one.trim()).join(' ')).toBe(error);
    expect(lines.at(-2)).toBe('    at a (b.ts:1:2)');
  });

  test('of an error of many lines has the first; all of them stand below, up to a bound', () => {
    expect(failed({ error: 'E: first\r\n  second\nthird' })).toBe(
      '12:00:01 failed     Mail  mailers  8d84404e  attempt 3/3  12 ms  E: first\n    E: first\n      second\n    third\n',
    );
    const many = failed({ error: 'line\n'.repeat(1_000) }).split('\n');
    expect(many).toHaveLength(1 + 20 + 1 + 1);
    expect(many.at(-2)).toBe('    …');
  });

  test('keeps fields that it has besides, below where there is no room', () => {
    expect(succeeded({ args: ['a', 1n] })).toMatch(/12 ms {2}args=\["a","1"\]\n$/);
    const lines = succeeded({ args: ['a'.repeat(70)] }).split('\n');
    expect(lines[0]).toMatch(/12 ms$/);
    expect(lines.slice(1).join('').replaceAll(' ', '')).toBe(`args=["${'a'.repeat(70)}"]`);
  });

  test('names files from here, and leaves the lines of its stack whole', () => {
    const stack = `at a (${join(process.cwd(), 'functions/jobs/mail.ts')}:1:2)\nat ${'/deep'.repeat(30)}/b.ts:3:4`;
    expect(failed({ error: 'E: x', stack })).toContain(
      `\n    at a (functions/jobs/mail.ts:1:2)\n    at ${'/deep'.repeat(30)}/b.ts:3:4\n`,
    );
  });
});

describe('whatever is in it', () => {
  const HOSTILE = {
    'an escape sequence': '\u001b]0;title\u0007\u001b[2J\u001b[1A',
    'C1 controls': '\u009b2J\u0085\u009d0;x\u009c',
    'line breaks': 'a\r\nb\rc\u2028d\ve',
    'marks that turn the direction': '\u202egnp.exe\u2066\u200f',
    'wide characters': '日本語'.repeat(30),
    emoji: '👩‍👩‍👧🇩🇪1️⃣'.repeat(20),
    'marks on marks': `e${'\u0301'.repeat(5_000)}`,
    'lone surrogates': '\ud800x\udc00'.repeat(40),
    'much of it': 'x'.repeat(100_000),
    blanks: ' \t '.repeat(50),
    nothing: '',
  };
  const everywhere = Object.values(HOSTILE).flatMap((text) => [
    { class: text },
    { queue: text },
    { id: text },
    { error: `Error: ${text}` },
    { [text]: text },
    { class: text, queue: text, id: text, error: text, stack: text },
  ]);

  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
  const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/u;

  test.each([40, 48, 60, 80, 81, 200])(
    'nothing is obeyed by a terminal, and a run is one line of %s columns',
    (columns) => {
      for (const fields of everywhere) {
        const text = terminalLine(NOON, 'error', 'job failed', { ...RUN, ...fields }, columns);
        const shown = stripVTControlCharacters(text);
        expect(shown).not.toMatch(OBEYED);
        const [first = '', ...below] = shown.split('\n').slice(0, -1);
        expect(first).toMatch(/^12:00:01 failed/);
        expect(widthOf(first)).toBeLessThanOrEqual(Math.max(columns, 48));
        for (const one of below) expect(one).toMatch(/^ {4}/);
        expect(Buffer.byteLength(first)).toBeLessThan(8_000);
      }
    },
  );

  test('a message is shown as well, on as many lines as it needs', () => {
    for (const text of Object.values(HOSTILE)) {
      const shown = stripVTControlCharacters(terminalLine(NOON, 'warn', text, { [text]: text, error: text }, 80));
      expect(shown).not.toMatch(OBEYED);
      for (const one of shown.split('\n')) expect(widthOf(one)).toBeLessThanOrEqual(80);
    }
  });

  test('control characters can be seen', () => {
    expect(failed({ class: 'a\u001b[31mb\u0007', error: 'E' })).toContain('  a␛[31mb␇  ');
  });

  test('an outcome that nobody knows is a field as others', () => {
    for (const outcome of ['constructor', 'odd', 7]) {
      expect(line('info', 'done', { outcome })).toMatch(/^12:00:01 {12}done/);
    }
  });
});

describe('any other line', () => {
  test('has its message and fields, an error in the end, and its level by word', () => {
    expect(line('info', 'working', { queues: 'a,b', classes: ['A'], none: undefined })).toBe(
      '12:00:01            working  queues=a,b  classes=["A"]\n',
    );
    expect(line('error', 'Redis is away', { error: 'E: x', tries: 2 })).toBe(
      '12:00:01 error      Redis is away  tries=2  E: x\n',
    );
    expect(line('warn', 'slow', {})).toBe('12:00:01 warning    slow\n');
  });

  test('is continued below where it is longer, and nothing is lost', () => {
    const message = 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen';
    const lines = line('info', message, {
      redis: '127.0.0.1:6379',
      classes: ['Aaaaaaaaaaaaaaaa', 'Bbbbbbbbbbbbbbbbb'],
    });
    expect(lines.split('\n')).toEqual([
      '12:00:01            one two three four five six seven eight nine ten eleven',
      '                    twelve thirteen fourteen',
      '                    redis=127.0.0.1:6379',
      '                    classes=["Aaaaaaaaaaaaaaaa","Bbbbbbbbbbbbbbbbb"]',
      '',
    ]);
  });

  test('of a handler says in few words which job it is of', () => {
    const job = { class: 'Mail', queue: 'mailers', id: '8d84404e-1111' };
    expect(line('info', 'sent', { ...job, attempt: 1, to: 'a@b' })).toBe(
      '12:00:01            sent  to=a@b  job=Mail 8d84404e\n',
    );
    expect(line('info', 'sent', { ...job, attempt: 2 })).toContain('job=Mail 8d84404e  attempt=2');
  });

  test('comes from the logger with the fields of its children', () => {
    let text = '';
    const write = (more: string) => {
      text += more;
    };
    const sink: Sink = { write, waiting: 0 };
    createLogger(true, (lostLine) => new LineOutput(sink, lostLine))
      .child({ class: 'Mail' })
      .warn('slow', { error: new Discard('x') });
    expect(stripVTControlCharacters(text)).toMatch(
      /^\d\d:\d\d:\d\d warning {4}slow {2}class=Mail {2}Discard: x\n {4}at .*terminal-line\.test\.ts/,
    );
  });
});
