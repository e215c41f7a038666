import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inOrder, oneAtATime } from '../../chaos/serial.ts';
import { RunLog } from '../../helpers/chaos-log.ts';

let folder: string;
let log: RunLog;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lambdesque-log-'));
  log = new RunLog(join(folder, 'runs.log'));
});
afterEach(() => {
  log.close();
  rmSync(folder, { recursive: true });
});

/** Marks as `S 1 a`: what, process, job; of an end of a process without a job. */
function write(...lines: readonly string[]): void {
  for (const line of lines) {
    const [mark = '', pid = '', id = ''] = line.split(' ');
    if (mark === 'X') log.mark('X', Number(pid), 'SIGKILL');
    else log.mark(mark as 'S' | 'E' | 'F', Number(pid), id, 1);
  }
}

describe('RunLog', () => {
  test('reads runs and deaths as they come, from several writers', () => {
    write('S 1 a', 'S 2 b', 'E 1 a');
    expect(log.read().runs.map(({ id, pid, end }) => [id, pid, end?.well])).toEqual([
      ['a', 1, true],
      ['b', 2, undefined],
    ]);
    const other = new RunLog(log.path);
    other.mark('F', 2, 'b', 1);
    other.close();
    write('X 2');
    expect(log.read().runs.map(({ end }) => end?.well)).toEqual([true, false]);
    expect(log.deaths.map(({ pid, how, line }) => [pid, how, line])).toEqual([[2, 'SIGKILL', 4]]);
    expect(log.starts).toBe(2);
  });

  test('a job that runs twice at once in one process ends twice', () => {
    write('S 1 a', 'S 1 a', 'E 1 a', 'E 1 a');
    expect(log.read().runs.map(({ line, end }) => [line, end?.line])).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });
});

describe('the order of first executions', () => {
  test('may have repetitions, of what a death has taken back', () => {
    write('S 1 a', 'E 1 a', 'S 1 b', 'X 1', 'S 2 a', 'E 2 a', 'S 2 b', 'E 2 b', 'S 2 c');
    expect(inOrder(log.read().runs, ['a', 'b', 'c'])).toEqual([]);
  });

  test('is broken by a job that overtakes another, and by one that never came', () => {
    write('S 1 a', 'S 1 c', 'S 1 b');
    expect(inOrder(log.read().runs, ['a', 'b', 'c'])).toEqual([
      '1 first executions came late; the first: b was due, c ran',
    ]);
    expect(inOrder(log.read().runs.slice(0, 1), ['a', 'b'])).toEqual(['1 jobs never started']);
  });
});

describe('one at a time', () => {
  test('a run whose process died is over', () => {
    write('S 1 a', 'E 1 a', 'S 1 b', 'X 1', 'S 2 b', 'E 2 b');
    expect(oneAtATime({ log })).toEqual([]);
  });

  test.each([
    ['in another process', ['S 1 a', 'S 2 b', 'E 1 a', 'E 2 b']],
    ['in the same one', ['S 1 a', 'S 1 b', 'E 1 a', 'E 1 b']],
    ['before the first one’s process died', ['S 1 a', 'S 2 b', 'X 1', 'E 2 b']],
    ['while the first one never ends', ['S 1 a', 'S 2 b', 'E 2 b']],
  ])('is broken by a start %s', (_where, lines) => {
    write(...lines);
    expect(oneAtATime({ log })).toEqual([expect.stringMatching(/^1 starts beside a running job: b .* while a /)]);
  });
});
