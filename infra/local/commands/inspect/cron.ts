import type { Command } from 'commander';
import type { BadCronInfo, CronEntry, CronInfo } from '../../../../shared/index.ts';
import { ConfigError } from '../../../../shared/index.ts';
import { parseWithBigInts } from '../../../../shared/internal.ts';
import { defaultCron } from '../../cron.ts';
import { defaultJobs } from '../../jobs.ts';
import type { Env } from '../../redis/install.ts';
import type { Column } from '../../table.ts';
import { ago, moment } from '../../times.ts';
import { type ConfirmFlags, confirm } from './confirm.ts';
import { type InspectFlags, type Inspection, inspect, noun, options, type Run } from './noun.ts';
import type { Output } from './output.ts';

type CronFlags = InspectFlags & { readonly cron?: string };
type Entry = CronInfo | BadCronInfo;

/** `lambdesque cron`. */
export function addCron(program: Command, env: Env): void {
  const cron = noun(
    program,
    'cron',
    'cron entries: ls, run, pause, set',
    'lambdesque cron',
    'lambdesque cron run nightly',
    `lambdesque cron set tidy '{"every":"1h","class":"Tidy","queue":"low"}'`,
  );
  const verb = (usage: string, description: string, first?: 'first') =>
    cron
      .verb(usage, description, first)
      .option('--jobs <module>', 'job classes, for queues of entries', defaultJobs)
      .option('--cron <module>', `static entries (${defaultCron})`);
  const run = (flags: CronFlags, what: Run) => inspect(flags, env, what, flags);

  verb('ls', 'every entry (what `cron` does by itself)', 'first').action((flags: CronFlags) => run(flags, list));
  verb('show <names...>', 'entries in full').action((names: readonly string[], flags: CronFlags) =>
    run(flags, (inspection) => each(names, inspection, async (entry, { out }) => showEntry(out, entry))),
  );
  verb('run <names...>', 'enqueue their jobs once, besides their slots').action(
    (names: readonly string[], flags: CronFlags) =>
      run(flags, (inspection) =>
        each(names, inspection, async ({ name }, { client, out }) => {
          const id = await client.cron.runNow(name);
          out.done({ name, id }, `Enqueued the job of ${name}, id ${id}.`);
        }),
      ),
  );
  for (const what of ['pause', 'resume'] as const) {
    verb(`${what} <names...>`, what === 'pause' ? 'no slots, until resume' : 'slots again, from now on').action(
      (names: readonly string[], flags: CronFlags) =>
        run(flags, (inspection) =>
          each(names, inspection, async ({ name }, { client, out }) => {
            await client.cron[what](name);
            out.done({ name, paused: what === 'pause' }, `${what === 'pause' ? 'Paused' : 'Resumed'} ${name}.`);
          }),
        ),
    );
  }
  verb('set <name> <json>', 'write an entry to Redis, also for resque-scheduler').action(
    (name: string, json: string, flags: CronFlags) =>
      run(flags, async ({ client, out }) => {
        await client.cron.upsert(name, entryOf(json));
        out.done({ name }, `Wrote the cron entry ${name}.`);
      }),
  );
  options
    .yes(verb('rm <names...>', 'remove entries from Redis'))
    .action((names: readonly string[], flags: CronFlags & ConfirmFlags) =>
      run(flags, (inspection) => remove(names, flags, inspection)),
    );
}

function entryOf(json: string): CronEntry {
  try {
    return parseWithBigInts(json) as CronEntry;
  } catch (error) {
    throw new ConfigError(
      `A cron entry is a JSON object such as {"cron":"0 3 * * *","class":"Report"}; got ${json.slice(0, 100)}.`,
      { cause: error },
    );
  }
}

const isBad = (entry: Entry): entry is BadCronInfo => 'error' in entry;

const columns = (now: number): readonly Column<Entry>[] => [
  { title: 'entry', value: ({ name }) => name, least: 8 },
  { title: 'timing', value: (entry) => (isBad(entry) ? '' : entry.timing), least: 8 },
  { title: 'class', value: (entry) => (isBad(entry) ? '' : entry.class), least: 8 },
  { title: 'queue', value: (entry) => (isBad(entry) ? '' : entry.queue), least: 6 },
  { title: 'next', value: (entry) => (isBad(entry) || entry.paused ? '–' : ago(entry.next, now) || '–') },
  { title: 'last', value: (entry) => (isBad(entry) ? '' : ago(entry.last, now) || 'never') },
  { title: '', value: (entry) => (isBad(entry) ? `cannot be used: ${entry.error}` : stateOf(entry)), least: 10 },
];

function stateOf({ source, paused, status }: CronInfo): string {
  return [paused ? 'paused' : '', source === 'static' ? 'static' : '', status?.outcome ?? '']
    .filter(Boolean)
    .join(', ');
}

async function list({ client, out }: Inspection): Promise<void> {
  out.rows(await client.cron.list(), columns(out.now), 'There are no cron entries.');
}

async function each(
  names: readonly string[],
  inspection: Inspection,
  action: (entry: Entry, inspection: Inspection) => Promise<void>,
): Promise<void> {
  const all = new Map((await inspection.client.cron.list()).map((entry) => [entry.name, entry]));
  for (const name of names) {
    const entry = all.get(name);
    if (entry) await action(entry, inspection);
    else inspection.out.missing(`There is no cron entry ${name}.`);
  }
}

async function remove(names: readonly string[], flags: ConfirmFlags, inspection: Inspection): Promise<void> {
  await confirm(`Remove the cron ${names.length === 1 ? 'entry' : 'entries'} ${names.join(', ')}`, flags);
  const { client, out } = inspection;
  for (const name of names) {
    if (await client.cron.remove(name)) out.done({ name, removed: 1 }, `Removed the cron entry ${name}.`);
    else out.missing(`There is no cron entry ${name} in Redis.`);
  }
}

function showEntry(out: Output, entry: Entry): void {
  if (isBad(entry)) {
    out.one(entry, [
      ['entry', entry.name],
      ['error', entry.error],
    ]);
    return;
  }
  out.one(entry, [
    ['entry', entry.name],
    ['from', entry.source === 'static' ? 'the cron module' : 'Redis'],
    ['timing', entry.timing],
    ['class', entry.class],
    ['queue', entry.queue],
    ['description', entry.description],
    ['paused', entry.paused ? 'yes' : undefined],
    ['next', moment(entry.next, out.now)],
    ['last', moment(entry.last, out.now)],
    ['status', entry.status && `${entry.status.outcome}, ${moment(new Date(entry.status.at), out.now)}`],
    ...(entry.status?.before ?? []).map((past): [string, string | undefined] => [
      'before',
      `${past.outcome}, ${moment(new Date(past.at), out.now)}`,
    ]),
  ]);
}
