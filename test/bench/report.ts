export interface BenchOptions {
  /** Few jobs: done in seconds, to see that it works. */
  readonly quick: boolean;
}

/** One line of the table; names of figures carry their units. */
export type Row = Readonly<Record<string, string | number>>;

export interface BenchReport {
  readonly title: string;
  /** What was measured, and how. */
  readonly notes: readonly string[];
  readonly rows: readonly Row[];
}

export type Bench = (options: BenchOptions) => Promise<BenchReport>;

/** The value that a share of `sorted` does not exceed. @param share 0 to 1 */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Rows under their names, numbers to the right. */
export function table(rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value: Row[string] | undefined) =>
    typeof value === 'number' ? value.toLocaleString('en-US', { maximumFractionDigits: 1 }) : (value ?? '');
  const lines = [names, ...rows.map((row) => names.map((name) => cell(row[name])))];
  const widths = names.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const aligned = (text: string, i: number) =>
    typeof rows[0]?.[names[i] ?? ''] === 'number' ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);
  return lines.map((line) => `  ${line.map(aligned).join('   ').trimEnd()}`).join('\n');
}
