/** Prometheus's text format, read as strictly as its own parser does, and what `promtool check metrics` finds wrong with names. */

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly series: readonly Series[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;
const ABBREVIATED = /_(ms|millis|milliseconds|micros|minutes|hours|kb|mb|pct|percent|s|sec)(_|$)/;

/** @throws Error for what Prometheus would refuse, or its linter complain of */
export function readExposition(text: string): Map<string, Family> {
  const families = new Map<string, { type: string; help: string; series: Series[] }>();
  let current: { name: string; family: { type: string; help: string; series: Series[] } } | undefined;
  let help: [string, string] | undefined;
  const seen = new Set<string>();
  if (!text.endsWith('\n')) throw new Error('The last line has no line feed.');
  for (const line of text.slice(0, -1).split('\n')) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') help = [name, rest];
    else if (kind === 'TYPE') {
      if (help?.[0] !== name) throw new Error(`${name} has no help.`);
      if (families.has(name)) throw new Error(`${name} is there twice.`);
      const family = { type: rest, help: help[1], series: [] };
      lint(name, rest);
      families.set(name, family);
      current = { name, family };
    } else {
      const [, sample = '', labelText = '', value = ''] = SAMPLE.exec(line) ?? [];
      if (sample === '' || !current) throw new Error(`This is no line of the format: ${line}`);
      const base = ['histogram', 'summary'].includes(current.family.type)
        ? sample.replace(/_(bucket|sum|count)$/, '')
        : sample;
      if (base !== current.name) throw new Error(`${sample} stands among those of ${current.name}.`);
      const labels = Object.fromEntries(
        [...labelText.matchAll(LABEL)].map(([, key = '', text = '']) => [key, unescaped(text)]),
      );
      const key = JSON.stringify([sample, Object.entries(labels).sort()]);
      if (seen.has(key)) throw new Error(`There are two of ${line}`);
      seen.add(key);
      const number = value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value);
      if (Number.isNaN(number) && value !== 'NaN') throw new Error(`${value} is no number: ${line}`);
      current.family.series.push({ name: sample, labels, value: number });
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family.series);
  return families;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}

function lint(name: string, type: string): void {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`${name} is not in snake case.`);
  if (!['counter', 'gauge', 'histogram', 'summary'].includes(type)) throw new Error(`${name} has the type ${type}.`);
  if ((type === 'counter') !== name.endsWith('_total'))
    throw new Error(`${name}: counters end in _total, and no others.`);
  if (/_(bucket|sum|count|info)$/.test(name)) throw new Error(`${name} has an ending that others own.`);
  if (ABBREVIATED.test(name)) throw new Error(`${name} is not in a base unit.`);
}

function checkHistogram(name: string, series: readonly Series[]): void {
  const rows = new Map<string, Series[]>();
  for (const one of series) {
    const { le: _, ...labels } = one.labels;
    const key = JSON.stringify(labels);
    rows.set(key, [...(rows.get(key) ?? []), one]);
  }
  for (const [key, row] of rows) {
    const buckets = row.filter((one) => one.name.endsWith('_bucket'));
    const counts = buckets.map(({ value }) => value);
    if (buckets.at(-1)?.labels['le'] !== '+Inf') throw new Error(`${name} ${key} has no last bucket.`);
    if (counts.some((count, i) => count < (counts[i - 1] ?? 0))) throw new Error(`${name} ${key} does not grow.`);
    if (row.find((one) => one.name.endsWith('_count'))?.value !== counts.at(-1)) {
      throw new Error(`${name} ${key}: its count is not that of its last bucket.`);
    }
    if (!row.some((one) => one.name.endsWith('_sum'))) throw new Error(`${name} ${key} has no sum.`);
  }
}

/** The value of one series; undefined where there is none. */
export function sampleOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort());
  for (const { series } of families.values()) {
    const found = series.find(
      (one) => one.name === name && JSON.stringify(Object.entries(one.labels).sort()) === wanted,
    );
    if (found) return found.value;
  }
  return undefined;
}
