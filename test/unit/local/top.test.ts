import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { keysOf } from '../../../infra/local/commands/inspect/top/screen.ts';
import type { Snapshot } from '../../../infra/local/commands/inspect/top/snapshot.ts';
import { chosen } from '../../../infra/local/commands/inspect/top/top.ts';
import { type Choice, carriedOver, drawn, sorted } from '../../../infra/local/commands/inspect/top/view.ts';
import { widthOf } from '../../../infra/local/terminal-text.ts';
import type { QueueInfo } from '../../../shared/index.ts';
import { queueInfo, statTotals } from '../../helpers/infos.ts';

const queue = (name: string, more: Partial<QueueInfo> = {}) => queueInfo(name, { workers: ['w'], ...more });
const totals = statTotals(new Date(0));
const snapshot = (queues: readonly QueueInfo[]): Snapshot => ({
  totals,
  queues,
  workers: [],
  failures: [],
  paused: [],
  rate: 3,
  commands: 12,
});
const names = (queues: readonly QueueInfo[]) => queues.map(({ name }) => name);
const choice: Choice = { view: 'queues', sort: 'trouble', selected: 0 };
const drawing = { choice, interval: 1_000, address: 'redis:6379', message: undefined };

test('keys have names, several at once too', () => {
  expect(keysOf('q\u001b[A\u001bOB\t\u001b[Z\u0003\u001b[15~x')).toEqual([
    'q',
    'up',
    'down',
    'right',
    'left',
    'q',
    '\u001b[15~',
    'x',
  ]);
});

test('keys choose view, sort and row', () => {
  expect(chosen(choice, '3')).toMatchObject({ view: 'failures', selected: 0 });
  expect(chosen(choice, '9')).toEqual(choice);
  expect(chosen(choice, 'left')).toMatchObject({ view: 'failures' });
  expect(chosen({ ...choice, view: 'failures' }, 'right')).toMatchObject({ view: 'queues' });
  expect(chosen(choice, 's')).toMatchObject({ sort: 'jobs' });
  expect(chosen({ ...choice, view: 'workers' }, 's')).toMatchObject({ sort: 'trouble' });
  expect(chosen({ ...choice, selected: 1 }, 'k')).toMatchObject({ selected: 0 });
});

test('queues are sorted by trouble: failures, then jobs that nobody drains, then jobs', () => {
  const all = [
    queue('a', { size: 10 }),
    queue('b', { size: 1, workers: [] }),
    queue('c', { rates: { in: 0, out: 5, failed: 0.2 } }),
    queue('d', { size: 20 }),
    queue('e'),
  ];
  expect(names(sorted(all, 'trouble'))).toEqual(['c', 'b', 'd', 'a', 'e']);
  expect(names(sorted(all, 'jobs'))).toEqual(['d', 'a', 'b', 'c', 'e']);
  expect(names(sorted(all, 'rate'))).toEqual(['c', 'a', 'b', 'd', 'e']);
  expect(names(sorted(all, 'name'))).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('the same queue stays selected, wherever its row is now', () => {
  const before = snapshot([queue('a', { size: 1 }), queue('b', { size: 2 })]);
  const after = snapshot([queue('a', { size: 3 }), queue('b', { size: 2 })]);
  expect(carriedOver(choice, before, after)).toMatchObject({ selected: 1 });
  expect(carriedOver(choice, before, snapshot([queue('a')]))).toEqual(choice);
});

describe('the screen', () => {
  const many = snapshot(Array.from({ length: 100 }, (_, i) => queue(`queue-${String(i).padStart(3, '0')}`)));

  test.each([
    [80, 24],
    [40, 10],
    [200, 60],
  ])('has %i columns and %i rows', (columns, rows) => {
    const lines = drawn({ ...drawing, snapshot: many }, { columns, rows }).map(stripVTControlCharacters);
    expect(lines).toHaveLength(rows);
    // Rows of a table whose columns cannot shrink any more are cut by the terminal.
    for (const line of columns >= 80 ? lines : [...lines.slice(0, 4), ...lines.slice(-2)]) {
      expect(widthOf(line)).toBeLessThanOrEqual(columns);
    }
  });

  test('keeps the selected row in sight', () => {
    const lines = drawn({ ...drawing, snapshot: many, choice: { ...choice, selected: 77 } }, { columns: 80, rows: 20 });
    expect(lines.join('\n')).toContain('queue-077');
    expect(lines.join('\n')).not.toContain('queue-000');
  });

  test('says what it costs, and what went wrong in harmless characters', () => {
    const text = drawn({ ...drawing, snapshot: many, message: 'No\u001b[2J' }, { columns: 120, rows: 20 }).join('\n');
    expect(text).toContain('12 commands each 1 s: 43,200 an hour');
    expect(text).toContain('No␛[2J');
    expect(text).toContain('3.0/s');
  });
});
