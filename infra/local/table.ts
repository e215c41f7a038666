import { styleText } from 'node:util';
import { pad, printable, type Shrinkable, shorten, shrink, sum, terminalWidth, widthOf } from './terminal-text.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** @default 'left' */
  readonly align?: 'left' | 'right';
  /** How narrow it may become where the terminal has no room for all, in columns. @default it is never cut */
  readonly least?: number;
}

const GAP = '  ';

/**
 * Rows under the titles of their columns. On a terminal the columns that may shrink do so until a row fits, and titles are bold;
 * anywhere else nothing is cut. What strangers wrote may be in it: a terminal obeys none of it.
 * @param width columns of the terminal, `Infinity` where there is none @default that of standard output
 */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width = process.stdout.isTTY ? terminalWidth() : Infinity,
): string {
  const titles = columns.map(({ title }) => title);
  const lines = [titles, ...rows.map((row) => columns.map(({ value }) => printable(value(row))))];
  const wanted = columns.map(({ least }, i): Shrinkable => {
    const full = Math.max(...lines.map((line) => widthOf(line[i] ?? '')));
    return { width: full, least: Math.min(full, least ?? full) };
  });
  const room = width - GAP.length * (columns.length - 1);
  const full = wanted.map((one) => one.width);
  const widths = sum(full) <= room ? full : shrink(wanted, room);
  const text = lines.map((line) => {
    const cells = line.map((cell, i) => pad(shorten(cell, widths[i] ?? 1), widths[i] ?? 0, columns[i]?.align));
    return cells.join(GAP).trimEnd();
  });
  return [styleText('bold', text[0] ?? ''), ...text.slice(1)].join('\n');
}
