import type { Command } from 'commander';
import { ConfigError, type QueueInfo } from '../../../../shared/index.ts';
import type { Env } from '../../redis/install.ts';
import type { Column } from '../../table.ts';
import { ago } from '../../times.ts';
import { type ConfirmFlags, confirm } from './confirm.ts';
import { jobColumns } from './job-view.ts';
import { limitFrom, limitText } from './limit-text.ts';
import { type InspectFlags, type Inspection, inspect, noun, options } from './noun.ts';
import { type PageFlags, showPages } from './paging.ts';

type ConfirmedFlags = InspectFlags & ConfirmFlags;

/** `lambdesque queues`. */
export function addQueues(program: Command, env: Env): void {
  const queues = noun(
    program,
    'queues',
    'queues: ls, show, pause, limit, move',
    'lambdesque queues',
    'lambdesque queues pause mailers',
    'lambdesque queues limit reports 2,100/1m',
  );
  queues
    .verb('ls', 'every queue (what `queues` does by itself)', 'first')
    .action((flags: InspectFlags) => inspect(flags, env, list));
  options
    .paged(queues.verb('show <queue>', 'what waits in it, from its head'))
    .action((name: string, flags: InspectFlags & PageFlags) =>
      inspect(flags, env, (inspection) => show(name, flags, inspection)),
    );
  for (const what of ['pause', 'resume'] as const) {
    const description = what === 'pause' ? 'they give no more jobs, to workers of ours' : 'they give jobs again';
    queues
      .verb(`${what} [queues...]`, description)
      .option('--all', `all workers${what === 'pause' ? ', of Ruby too' : ''}: Resque's pause-all-workers`)
      .action((names: readonly string[], flags: InspectFlags & { all?: true }) =>
        inspect(flags, env, (inspection) => pauseOrResume(what, names, flags.all ?? false, inspection)),
      );
  }
  queues
    .verb('limit <queue> <limit>', 'at once (2), in a time (100/1m), both (2,100/1m), or none')
    .action((name: string, text: string, flags: InspectFlags) =>
      inspect(flags, env, async ({ client, out }) => {
        const limit = limitFrom('queues limit', text);
        await client.queues.limit(name, limit);
        out.done({ queue: name, limit }, `Limit of ${name}: ${limitText(limit)}`);
      }),
    );
  for (const what of ['clear', 'rm'] as const) {
    const description = what === 'clear' ? 'remove its jobs' : 'remove it with its jobs';
    options
      .yes(queues.verb(`${what} <queue>`, description))
      .action((name: string, flags: ConfirmedFlags) =>
        inspect(flags, env, (inspection) => remove(what, name, flags, inspection)),
      );
  }
  options
    .yes(queues.verb('move <from> <to>', 'append all its jobs to another queue, in order'))
    .action((from: string, to: string, flags: ConfirmedFlags) =>
      inspect(flags, env, (inspection) => move(from, to, flags, inspection)),
    );
}

async function list({ client, out }: Inspection): Promise<void> {
  const all = await client.queues.list();
  const { paused } = await client.stats.totals();
  out.rows(all, queueColumns(out.now), 'Redis knows no queue here. The first job that is enqueued makes one.');
  if (paused) out.hint('All workers are paused: lambdesque queues resume --all lets them go on.');
}

async function show(name: string, flags: PageFlags, { client, out }: Inspection): Promise<void> {
  const read = (page: { limit: number; cursor?: string }) => client.queues.peek(name, page);
  const count = await showPages(out, flags, jobColumns(out.now), read);
  if (count === 0) out.missing(`No job waits in the queue ${name}.`);
}

async function pauseOrResume(
  what: 'pause' | 'resume',
  names: readonly string[],
  all: boolean,
  { client, out }: Inspection,
): Promise<void> {
  if (all === names.length > 0) {
    throw new ConfigError(`queues ${what} takes the names of queues, or --all. Give one or the other.`);
  }
  if (all) await (what === 'pause' ? client.queues.pauseAll() : client.queues.resumeAll());
  for (const name of names) await client.queues[what](name);
  for (const queue of all ? [null] : names) {
    out.done(
      { queue, paused: what === 'pause' },
      `${what}d: ${queue ?? 'all workers'}`.replace(/^p/, 'P').replace(/^r/, 'R'),
    );
  }
}

async function remove(
  what: 'clear' | 'rm',
  name: string,
  flags: ConfirmFlags,
  { client, out }: Inspection,
): Promise<void> {
  const { size } = await client.queues.get(name);
  await confirm(
    `Remove ${what === 'rm' ? `the queue ${name} and its ` : ''}${jobs(size)}${what === 'rm' ? '' : ` of the queue ${name}`}`,
    flags,
  );
  const removed = what === 'rm' ? await client.queues.remove(name) : await client.queues.clear(name);
  out.done({ queue: name, removed }, `Removed ${jobs(removed)} of the queue ${name}.`);
}

async function move(from: string, to: string, flags: ConfirmFlags, { client, out }: Inspection): Promise<void> {
  const { size } = await client.queues.get(from);
  if (size === 0) return out.missing(`No job waits in the queue ${from}.`);
  await confirm(`Move ${jobs(size)} of the queue ${from} to the end of ${to}`, flags);
  const moved = await client.queues.move(from, to);
  out.done({ from, to, moved }, `Moved ${jobs(moved)} from ${from} to ${to}.`);
}

function jobs(count: number): string {
  return count === 1 ? '1 job' : `${count} jobs`;
}

/** @param now Redis's, epoch ms */
export function queueColumns(now: number): readonly Column<QueueInfo>[] {
  const rate = (value: number | undefined) =>
    value === undefined ? '–' : value.toFixed(value < 10 && value > 0 ? 1 : 0);
  return [
    { title: 'queue', value: ({ name }) => name, least: 8 },
    { title: 'jobs', value: ({ size }) => String(size), align: 'right' },
    { title: 'oldest', value: ({ oldest }) => ago(oldest, now), align: 'right' },
    { title: 'running', value: ({ running }) => String(running), align: 'right' },
    { title: 'in/min', value: ({ rates }) => rate(rates.in), align: 'right' },
    { title: 'out/min', value: ({ rates }) => rate(rates.out), align: 'right' },
    { title: 'failed/min', value: ({ rates }) => rate(rates.failed), align: 'right' },
    { title: 'workers', value: ({ workers }) => String(workers.length), align: 'right' },
    {
      title: '',
      value: ({ paused, serial, limit }) =>
        [paused ? 'paused' : '', serial ? 'serial' : '', limit ? `limit ${limitText(limit)}` : '']
          .filter(Boolean)
          .join(', '),
    },
  ];
}
