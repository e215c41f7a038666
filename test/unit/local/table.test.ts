import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { type Column, table } from '../../../infra/local/table.ts';
import { widthOf } from '../../../infra/local/terminal-text.ts';

interface Queue {
  readonly name: string;
  readonly jobs: number;
  readonly note?: string;
}
const columns: readonly Column<Queue>[] = [
  { title: 'queue', value: ({ name }) => name, least: 6 },
  { title: 'jobs', value: ({ jobs }) => `${jobs}`, align: 'right' },
  { title: 'note', value: ({ note = '' }) => note, least: 4 },
];
const rows: readonly Queue[] = [
  { name: 'critical', jobs: 7, note: 'paused' },
  { name: 'a queue with a long name', jobs: 1_234_567 },
  { name: '日本', jobs: 0, note: 'x' },
];
const lines = (width: number, given = rows) => stripVTControlCharacters(table(given, columns, width)).split('\n');

test('columns are aligned under their titles, by what a terminal shows', () => {
  expect(lines(Infinity)).toEqual([
    'queue                        jobs  note',
    'critical                        7  paused',
    'a queue with a long name  1234567',
    '日本                            0  x',
  ]);
});

test('on a narrow terminal those that may shrink do, and numbers stay whole', () => {
  expect(lines(30)).toEqual([
    'queue             jobs  note',
    'critical             7  paused',
    'a queue with…  1234567',
    '日本                 0  x',
  ]);
  for (let width = 21; width < 60; width++) {
    for (const line of lines(width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
  }
});

test('no cell can break a row, or do anything to the terminal', () => {
  expect(lines(Infinity, [{ name: 'a\n\u001b[2Jb', jobs: 1 }])).toEqual(['queue    jobs  note', 'a ␛[2Jb     1']);
});

test('without rows it is the titles', () => {
  expect(lines(80, [])).toEqual(['queue  jobs  note']);
});
