import { type Command, Option } from 'commander';
import type { FailedDay, FailedEntry, FailedGroup } from '../../../../shared/index.ts';
import { failedRef, findFailed, stringify } from '../../../../shared/internal.ts';
import { omitUndefined } from '../../../omit-undefined.ts';
import { wholeNumber } from '../../flag-values.ts';
import type { Env } from '../../redis/install.ts';
import type { Column } from '../../table.ts';
import { ago, moment } from '../../times.ts';
import { type ConfirmFlags, confirm } from './confirm.ts';
import { addFailedChanges } from './failed-changes.ts';
import { addFilters, type FailedFilters, isFiltered, queryOf } from './failed-filters.ts';
import { cut, shortArgs } from './job-view.ts';
import { type InspectFlags, type Inspection, inspect, noun, options } from './noun.ts';
import type { Output } from './output.ts';
import { type PageFlags, showPages } from './paging.ts';

/** `lambdesque failed`. */
export function addFailed(program: Command, env: Env): void {
  const failed = noun(
    program,
    'failed',
    'what failed: groups, find, retry, export',
    'lambdesque failed groups',
    'lambdesque failed --class Report --since 2h',
    'lambdesque failed retry 412-9f3a2c',
    "lambdesque failed retry --error 'timed out'",
  );
  addFilters(
    options.paged(failed.verb('ls', 'newest first (what `failed` does by itself)', 'first')).alias('find'),
  ).action((flags: InspectFlags & PageFlags & FailedFilters) =>
    inspect(flags, env, (inspection) => list(flags, inspection)),
  );
  failed
    .verb('show <refs...>', 'entries in full, by REF or job id')
    .option('--list <name>', 'where ids are looked for (failed)')
    .action((refs: readonly string[], flags: InspectFlags & { list?: string }) =>
      inspect(flags, env, (inspection) => show(refs, flags.list, inspection)),
    );
  failed
    .verb('groups', 'what failed in the same way, most first')
    .option('--list <name>', 'of this list (failed)')
    .action((flags: InspectFlags & { list?: string }) =>
      inspect(flags, env, (inspection) => groups(flags.list, inspection)),
    );
  failed
    .verb('days', 'how many on each day, UTC')
    .option('--list <name>', 'of this list (failed)')
    .addOption(new Option('--days <n>', 'the last ones').argParser(wholeNumber).default(30))
    .action((flags: InspectFlags & { list?: string; days: number }) =>
      inspect(flags, env, (inspection) => days(flags, inspection)),
    );
  failed
    .verb('lists', "the lists there are: also those of Ruby's multi-queue backend")
    .action((flags: InspectFlags) => inspect(flags, env, lists));
  addFailedChanges(failed, env);
  options
    .yes(failed.verb('clear', 'remove a whole list'))
    .option('--list <name>', 'this one (failed)')
    .action((flags: InspectFlags & ConfirmFlags & { list?: string }) =>
      inspect(flags, env, (inspection) => clear(flags, inspection)),
    );
}

const entryColumns = (now: number): readonly Column<FailedEntry>[] => [
  { title: 'ref', value: (entry) => failedRef(entry) },
  { title: 'failed', value: ({ failedAt }) => ago(failedAt, now) },
  { title: 'queue', value: ({ queue }) => queue ?? '–', least: 6 },
  { title: 'class', value: (entry) => entry.class ?? '(no job)', least: 8 },
  { title: 'args', value: shortArgs, least: 6 },
  { title: 'error', value: ({ exception, error }) => errorLine(exception, error), least: 12 },
  { title: '', value: ({ retriedAt }) => (retriedAt ? 'retried' : '') },
];

const groupColumns = (now: number): readonly Column<FailedGroup>[] => [
  { title: 'jobs', value: ({ count }) => String(count), align: 'right' },
  { title: 'class', value: (group) => group.class ?? '(no job)', least: 8 },
  { title: 'error', value: ({ exception, sample }) => errorLine(exception, sample), least: 12 },
  { title: 'first', value: ({ first }) => ago(first, now) },
  { title: 'last', value: ({ last }) => ago(last, now) },
  { title: 'queues', value: ({ queues }) => queues.join(', '), least: 6 },
  { title: 'fingerprint', value: ({ fingerprint }) => fingerprint },
];

const dayColumns: readonly Column<FailedDay>[] = [
  { title: 'day', value: ({ day }) => day },
  { title: 'failed', value: ({ count }) => String(count), align: 'right' },
];

async function list(flags: PageFlags & FailedFilters, { client, out }: Inspection): Promise<void> {
  const query = queryOf(flags, out.now);
  const count = await showPages(
    out,
    flags,
    entryColumns(out.now),
    (page) => client.failed.page({ ...query, ...page }),
    withRef,
  );
  if (count > 0) return;
  if (isFiltered(flags)) out.missing('No failed job matches.');
  else out.hint('Nothing has failed.');
}

/** What `retry` and the others take, for programs too. */
const withRef = (entry: FailedEntry) => ({ ref: failedRef(entry), ...entry });

async function show(refs: readonly string[], inList: string | undefined, { client, out }: Inspection): Promise<void> {
  for (const [i, ref] of refs.entries()) {
    const entry = await findFailed(client.failed, ref, inList);
    if (!entry) {
      out.missing(`There is no failed job ${ref} in ${inList ?? 'the failed list'}: it may have been removed.`);
      continue;
    }
    if (i > 0 && !out.json) console.log();
    showEntry(out, entry);
  }
}

function showEntry(out: Output, entry: FailedEntry): void {
  out.one(withRef(entry), [
    ['ref', failedRef(entry)],
    ['failed', moment(entry.failedAt, out.now)],
    ['retried', moment(entry.retriedAt, out.now)],
    ['queue', entry.queue],
    ['class', entry.class ?? '(the payload is no job)'],
    ['id', entry.id],
    ['worker', entry.worker],
    ['error', errorLine(entry.exception, entry.error)],
    ['', entry.backtrace.join('\n')],
    ['args', entry.class === undefined ? undefined : cut(stringify(entry.args))],
    ['payload', cut(entry.payload === '' ? entry.raw : entry.payload)],
    ['group', entry.fingerprint],
  ]);
}

async function groups(inList: string | undefined, { client, out }: Inspection): Promise<void> {
  const found = await countAll(() => client.failed.groups(omitUndefined({ list: inList })));
  out.rows(found.groups, groupColumns(out.now), 'Nothing has failed.');
  hintAtRest(found, out);
}

async function days(
  { days, list: inList }: { days: number; list?: string },
  { client, out }: Inspection,
): Promise<void> {
  const found = await countAll(() => client.failed.byDay({ days, ...omitUndefined({ list: inList }) }));
  out.rows(found.days, dayColumns, '');
  hintAtRest(found, out);
}

interface Counted {
  readonly scanned: number;
  readonly total: number;
}

/** Each call counts on: all is counted when no more comes. */
async function countAll<Found extends Counted>(count: () => Promise<Found>): Promise<Found> {
  let found = await count();
  for (let before = -1; found.scanned < found.total && found.scanned > before; ) {
    before = found.scanned;
    found = await count();
  }
  return found;
}

function hintAtRest({ scanned, total }: Counted, out: Output): void {
  if (scanned < total) out.hint(`Of the newest ${scanned} of ${total}.`);
}

async function lists({ client, out }: Inspection): Promise<void> {
  out.rows(
    await client.failed.lists(),
    [
      { title: 'list', value: ({ name }) => name, least: 8 },
      { title: 'entries', value: ({ size }) => String(size), align: 'right' },
    ],
    'Nothing has failed.',
  );
}

async function clear(flags: ConfirmFlags & { list?: string }, { client, out }: Inspection): Promise<void> {
  const name = flags.list ?? 'failed';
  const size = (await client.failed.lists()).find((one) => one.name === name)?.size ?? 0;
  await confirm(`Remove all ${size} entries of the list ${name}`, flags);
  const removed = await client.failed.clear(name);
  out.done({ list: name, removed }, `Removed ${removed} entries of the list ${name}.`);
}

function errorLine(exception: string, error: string): string {
  return [exception, error].filter(Boolean).join(': ');
}
