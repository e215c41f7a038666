import { styleText } from 'node:util';
import type { FailedEntry, QueueInfo } from '../../../../../shared/index.ts';
import { failedRef } from '../../../../../shared/internal.ts';
import { type Column, table } from '../../../table.ts';
import { printable, shorten } from '../../../terminal-text.ts';
import { ago } from '../../../times.ts';
import { shortArgs } from '../job-view.ts';
import { queueColumns } from '../queues.ts';
import { workerColumns } from '../workers.ts';
import type { Size } from './screen.ts';
import type { Snapshot } from './snapshot.ts';

export const VIEWS = ['queues', 'workers', 'failures'] as const;
type View = (typeof VIEWS)[number];
/** What queues are sorted by. */
export const SORTS = ['trouble', 'jobs', 'rate', 'name'] as const;
type Sort = (typeof SORTS)[number];

/** What the person at the terminal has chosen. */
export interface Choice {
  readonly view: View;
  readonly sort: Sort;
  /** Row of the view, from 0. */
  readonly selected: number;
}

interface Drawing {
  readonly snapshot: Snapshot | undefined;
  readonly choice: Choice;
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Of Redis, in a message. */
  readonly address: string;
  /** What went wrong last, or was done. */
  readonly message: string | undefined;
}

/** Lines above the rows of a table, its title included, and below them. */
const ABOVE = 5;
const BELOW = 2;

/** The whole screen. */
export function drawn({ snapshot, choice, interval, address, message }: Drawing, { columns, rows }: Size): string[] {
  const plain = (text: string) => shorten(printable(text), columns);
  const keys = { queues: 'p pause/resume  s sort  ', workers: '', failures: 'r retry  ' }[choice.view];
  const last = plain(message ?? `q quit  1 2 3 or tab views  ↑↓ select  ${keys}`);
  if (!snapshot) return [styleText('bold', plain(`lambdesque top  ${address}`)), '', last];
  const room = Math.max(1, rows - ABOVE - BELOW);
  const all = rowsOf(snapshot, choice, columns);
  const [titles = '', ...body] = all;
  // The selected row stays in sight.
  const from = Math.max(0, Math.min(choice.selected - room + 1, body.length - room));
  const marked = idsOf(snapshot, choice).length > 0 ? choice.selected : -1;
  const shown = body
    .slice(from, from + room)
    .map((line, i) => (i + from === marked ? styleText('inverse', line) : line));
  const filler = Array.from({ length: Math.max(0, room - shown.length) }, () => '');
  return [
    styleText(
      'bold',
      plain(`lambdesque top  ${address}  ${time(snapshot)}${snapshot.totals.paused ? '  ALL WORKERS PAUSED' : ''}`),
    ),
    plain(totalsLine(snapshot)),
    plain(
      VIEWS.map((view, i) => `${i + 1} ${view === choice.view ? view.toUpperCase() : view}`).join('   ') +
        (choice.view === 'queues' ? `   by ${choice.sort}` : ''),
    ),
    '',
    titles,
    ...shown,
    ...filler,
    styleText('dim', plain(costLine(snapshot, interval))),
    message === undefined ? last : styleText('yellow', last),
  ];
}

/** All views one behind the other, for who has no terminal. */
export function plainText(snapshot: Snapshot): string {
  const parts = VIEWS.map((view) => {
    const lines = rowsOf(snapshot, { view, sort: 'trouble', selected: -1 }, Infinity, false);
    return `${view}:\n${lines.join('\n')}`;
  });
  return [totalsLine(snapshot), ...parts].join('\n\n');
}

/** What the rows of a view stand for, in their order. */
export function idsOf({ queues, workers, failures }: Snapshot, { view, sort }: Choice): string[] {
  if (view === 'queues') return sorted(queues, sort).map(({ name }) => name);
  return view === 'workers' ? workers.map(({ id }) => id) : failures.map(({ place }) => place);
}

/** The choice when there is another snapshot: the same thing is selected, wherever its row is now. */
export function carriedOver(choice: Choice, before: Snapshot, after: Snapshot): Choice {
  const row = idsOf(after, choice).indexOf(idsOf(before, choice)[choice.selected] ?? '');
  return row === -1 ? choice : { ...choice, selected: row };
}

export function sorted(queues: readonly QueueInfo[], sort: Sort): QueueInfo[] {
  const rank = {
    trouble: (one: QueueInfo) => trouble(one),
    jobs: (one: QueueInfo) => one.size,
    rate: (one: QueueInfo) => one.rates.out,
    name: () => 0,
  }[sort];
  return [...queues].sort((a, b) => rank(b) - rank(a) || (a.name < b.name ? -1 : 1));
}

/** What fails comes first, then what waits and nobody drains, then what waits. */
function trouble({ rates, size, workers, paused }: QueueInfo): number {
  const idle = size > 0 && workers.length === 0 && !paused ? 1e9 : 0;
  return rates.failed * 1e12 + idle + size;
}

function rowsOf(
  { queues, workers, failures, totals }: Snapshot,
  { view, sort }: Choice,
  columns: number,
  hint = true,
): string[] {
  const now = totals.now.getTime();
  const text = {
    queues: () => table(sorted(queues, sort), queueColumns(now), columns),
    workers: () => table(workers, workerColumns(now), columns),
    failures: () => table(failures, failureColumns(now), columns),
  }[view]();
  const none = { queues: 'no queue', workers: 'no worker is registered', failures: 'nothing has failed' }[view];
  const lines = text.split('\n');
  return lines.length > 1 ? lines : [...(hint ? ['', none] : [none])];
}

const failureColumns = (now: number): readonly Column<FailedEntry>[] => [
  { title: 'ref', value: failedRef },
  { title: 'failed', value: ({ failedAt }) => ago(failedAt, now) },
  { title: 'queue', value: ({ queue }) => queue ?? '–', least: 6 },
  { title: 'class', value: (entry) => entry.class ?? '(no job)', least: 8 },
  { title: 'args', value: shortArgs, least: 6 },
  { title: 'error', value: ({ exception, error }) => [exception, error].filter(Boolean).join(': '), least: 12 },
  { title: '', value: ({ retriedAt }) => (retriedAt ? 'retried' : '') },
];

function totalsLine({ totals, rate, paused }: Snapshot): string {
  const { queued, running, scheduled, retries, parked, failedList, workers, processed, failed } = totals;
  const speed = rate === undefined ? '' : `  ${rate.toFixed(rate < 10 ? 1 : 0)}/s`;
  return `queued ${queued}  running ${running}  scheduled ${scheduled}  retries ${retries}${parked > 0 ? `  parked ${parked}` : ''}  failed list ${failedList}  workers ${workers}  processed ${processed}${speed}  failed ${failed}${
    paused.length > 0 ? `  paused ${paused.join(', ')}` : ''
  }`;
}

function costLine({ commands }: Snapshot, interval: number): string {
  const anHour = Math.round((commands * 3_600_000) / interval);
  return `${commands} commands each ${interval / 1_000} s: ${anHour.toLocaleString('en')} an hour while this is open; --interval sets it`;
}

function time({ totals }: Snapshot): string {
  return totals.now.toISOString().slice(11, 19);
}
