import { type Command, Option } from 'commander';
import type { StatPoint } from '../../../../shared/index.ts';
import { omitUndefined } from '../../../omit-undefined.ts';
import { wholeNumber } from '../../flag-values.ts';
import type { Env } from '../../redis/install.ts';
import type { Column } from '../../table.ts';
import { type InspectFlags, type Inspection, inspect, noun } from './noun.ts';

interface SeriesFlags extends InspectFlags {
  readonly last: number;
  readonly by?: 'queue' | 'class';
}

/** `lambdesque stats`. */
export function addStats(program: Command, env: Env): void {
  const stats = noun(
    program,
    'stats',
    'totals; what was done by day or minute',
    'lambdesque stats',
    'lambdesque stats days --by class --last 7',
  );
  stats
    .verb('show', 'totals (what `stats` does by itself)', 'first')
    .action((flags: InspectFlags) => inspect(flags, env, totals));
  for (const [name, unit, last] of [
    ['days', 'day', 14],
    ['minutes', 'minute', 15],
  ] as const) {
    stats
      .verb(name, `what was done in each ${unit}; with --by, of each in all`)
      .addOption(
        new Option('--last <n>', `${name}, at most ${unit === 'day' ? 90 : 180}`).argParser(wholeNumber).default(last),
      )
      .addOption(new Option('--by <what>', 'a line for each').choices(['queue', 'class']))
      .action((flags: SeriesFlags) => inspect(flags, env, (inspection) => series(unit, flags, inspection)));
  }
}

async function totals({ client, out }: Inspection): Promise<void> {
  const found = await client.stats.totals();
  out.one(found, [
    ['processed', found.processed],
    ['failed', found.failed],
    ['queued', found.queued],
    ['scheduled', found.scheduled],
    ['retries', found.retries],
    ['running', found.running],
    ['workers', found.workers],
    ['in the failed list', found.failedList],
    ['paused', found.paused ? 'all workers: lambdesque queues resume --all' : undefined],
  ]);
}

interface Row extends StatPoint {
  readonly name: string | undefined;
}

async function series(unit: 'day' | 'minute', { last, by }: SeriesFlags, { client, out }: Inspection): Promise<void> {
  const found = await client.stats.series(omitUndefined({ unit, last, by }));
  const points = found.flatMap(({ name, points }) => points.map((point): Row => ({ name, ...point })));
  if (out.json) for (const point of points) out.object(point);
  else if (by === undefined) out.rows(points, [timeColumn(unit), ...columns], '');
  else {
    const sums = found.map(({ name, points }) => sumOf(name, points));
    out.rows(sums, [{ title: by, value: ({ name }) => name ?? '', least: 8 }, ...columns], 'Nothing was done.');
  }
}

const timeColumn = (unit: 'day' | 'minute'): Column<Row> => ({
  title: `${unit}, UTC`,
  value: ({ at }) => (unit === 'day' ? at.toISOString().slice(0, 10) : at.toISOString().slice(11, 16)),
});

const number = (title: string, value: (row: Row) => number | undefined, unit = ''): Column<Row> => ({
  title,
  value: (row) => {
    const found = value(row);
    return found === undefined || Number.isNaN(found) ? '–' : `${Math.round(found)}${unit}`;
  },
  align: 'right',
});

const columns: readonly Column<Row>[] = [
  number('processed', (row) => row.processed),
  number('succeeded', (row) => row.succeeded),
  number('failed', (row) => row.failed),
  number('retried', (row) => row.retried),
  number('discarded', (row) => row.discarded),
  number('took', ({ ms, processed }) => ms / processed, ' ms'),
  number('waited', ({ waitMs, waited }) => waitMs / waited, ' ms'),
];

function sumOf(name: string | undefined, points: readonly StatPoint[]): Row {
  const add = (key: Exclude<keyof StatPoint, 'at'>) => points.reduce((sum, point) => sum + point[key], 0);
  return {
    name,
    at: points[0]?.at ?? new Date(0),
    processed: add('processed'),
    succeeded: add('succeeded'),
    failed: add('failed'),
    retried: add('retried'),
    discarded: add('discarded'),
    ms: add('ms'),
    waitMs: add('waitMs'),
    waited: add('waited'),
  };
}
