import { type Column, table as tableOf } from '../../infra/local/table.ts';
import type { Bed } from './bed.ts';
import type { Selection } from './far/selection.ts';

/** Of what was measured, on a narrow terminal, columns. */
const LEAST_TEXT = 12;

export interface BenchOptions {
  /** Few jobs: done in seconds, to see that it works. */
  readonly quick: boolean;
  readonly bed: Bed;
  /** Which rows of `far`. @default all */
  readonly selection?: Selection;
  /** The commit to compare with, for those that compare. */
  readonly against?: string;
}

/** One line of the table; names of figures carry their units. */
export type Row = Readonly<Record<string, string | number>>;

/** What was promised, and what was measured. */
export interface Bar {
  readonly bar: string;
  readonly wanted: string;
  readonly measured: string;
  readonly met: boolean;
  /** Why not, where it is not met. */
  readonly reason?: string;
}

/** A table. */
export interface Section {
  readonly title: string;
  /** What was measured, and how. */
  readonly notes: readonly string[];
  readonly rows: readonly Row[];
}

export interface BenchReport extends Section {
  readonly bars?: readonly Bar[];
  /** More tables, of other columns. */
  readonly also?: readonly Section[];
}

export type Bench = (options: BenchOptions) => Promise<BenchReport>;

export interface BarOptions {
  /** Behind the figures. */
  readonly unit?: string;
  /** Why it is not met, if it is not; of the figure. */
  readonly reason?: (measured: number) => string;
}

export const atLeast = (bar: string, wanted: number, measured: number, options: BarOptions = {}): Bar =>
  barOf(bar, '≥', wanted, measured, measured >= wanted, options);

export const atMost = (bar: string, wanted: number, measured: number, options: BarOptions = {}): Bar =>
  barOf(bar, '≤', wanted, measured, measured <= wanted, options);

function barOf(bar: string, sign: string, wanted: number, measured: number, met: boolean, options: BarOptions): Bar {
  const { unit = '', reason } = options;
  const text = (value: number) => `${value.toLocaleString('en-US', { maximumSignificantDigits: 3 })}${unit}`;
  const why = met ? undefined : reason?.(measured);
  return {
    bar,
    wanted: `${sign} ${text(wanted)}`,
    measured: text(measured),
    met,
    ...(why === undefined ? {} : { reason: why }),
  };
}

/** The value that a share of `sorted` does not exceed. @param share 0 to 1 */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Rows under their names, numbers to the right. */
export function table(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = names.map((name): Column<Row> => {
    const isNumber = rows.some((row) => typeof row[name] === 'number');
    return { title: name, value: (row) => cell(row[name]), ...(isNumber ? { align: 'right' } : { least: LEAST_TEXT }) };
  });
  return tableOf(rows, columns);
}

const cell = (value: Row[string] | undefined) => (typeof value === 'number' ? number(value) : (value ?? ''));

/** As many digits as say something. */
function number(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 4;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}

export function barsTable(bars: readonly Bar[]): string {
  const text = table(
    bars.map(({ bar, wanted, measured, met }) => ({ bar, wanted, measured, met: met ? 'yes' : 'NO' })),
  );
  const reasons = bars.flatMap(({ bar, met, reason }) => (met ? [] : [`  ${bar}: ${reason ?? 'no reason known'}`]));
  return [text, ...reasons].join('\n');
}
