import type { JobView } from '../../../../shared/index.ts';
import { stringify } from '../../../../shared/internal.ts';
import type { Column } from '../../table.ts';
import { ago, moment } from '../../times.ts';
import type { Field, Output } from './output.ts';

/** Of a payload, characters; `--json` has all. */
const MOST_TEXT = 4_000;

/** @param now Redis's, epoch ms */
export function jobColumns(now: number, withState = false): readonly Column<JobView>[] {
  const columns: readonly Column<JobView>[] = [
    { title: 'class', value: (job) => job.class ?? '(no job)', least: 8 },
    { title: 'args', value: (job) => shortArgs(job), least: 8 },
    { title: 'id', value: (job) => job.id ?? '–', least: 8 },
    { title: 'enqueued', value: (job) => ago(job.enqueuedAt, now) },
    {
      title: 'attempts',
      value: ({ attempts, deaths }) => `${attempts || ''}${deaths > 0 ? ` ${deaths}†` : ''}`,
      align: 'right',
    },
  ];
  if (!withState) return columns;
  return [
    { title: 'state', value: (job) => job.state },
    { title: 'queue', value: (job) => job.queue ?? '–', least: 6 },
    ...columns.slice(0, 3),
    { title: 'when', value: (job) => ago(job.at ?? job.enqueuedAt, now) },
    ...columns.slice(4),
  ];
}

/** A job in full. @property args is left out where the payload says the same */
export function showJob(out: Output, job: JobView): void {
  const at = {
    scheduled: 'due',
    retry: 'due',
    failed: 'failed',
    running: 'started',
    queued: 'at',
    parked: 'at',
    done: 'done',
  } as const;
  const fields: Field[] = [
    ['state', job.state],
    ['queue', job.queue],
    ['class', job.class ?? '(the payload is no job)'],
    ['id', job.id],
    [at[job.state], moment(job.at, out.now)],
    ['enqueued', moment(job.enqueuedAt, out.now)],
    ['trace', job.traceId],
    ['worker', job.worker],
    ['attempts', job.attempts || undefined],
    ['deaths', job.deaths > 0 ? `${job.deaths} (workers that died while they held it)` : undefined],
    ...job.errors.map((one): Field => ['error', errorLine(one, out.now)]),
    ['args', job.class === undefined ? undefined : cut(stringify(job.args))],
    ['payload', `${cut(job.payload)}${job.exact ? '' : '\n(not UTF-8: shown with replacement characters)'}`],
    ['place', job.place],
  ];
  out.one(job, fields);
}

function errorLine({ attempt, at, error }: JobView['errors'][number], now: number): string {
  const when = [attempt > 0 ? `attempt ${attempt}` : '', moment(at, now)].filter(Boolean).join(', ');
  return when === '' ? error : `${error} (${when})`;
}

export function cut(text: string): string {
  return text.length <= MOST_TEXT
    ? text
    : `${text.slice(0, MOST_TEXT).toWellFormed()}… (${text.length} characters: --json has all)`;
}

/** Long ones are cut before they are measured. */
export function shortArgs(job: Pick<JobView, 'class' | 'args' | 'payload'>): string {
  const text = job.class === undefined ? job.payload : stringify(job.args).slice(1, -1);
  return text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text;
}
