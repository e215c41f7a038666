import type { Command } from 'commander';
import { type JobView, LiveWorkerError, type WorkerInfo } from '../../../../shared/index.ts';
import type { Env } from '../../redis/install.ts';
import { type Column, table } from '../../table.ts';
import { printable } from '../../terminal-text.ts';
import { ago, moment, roughly } from '../../times.ts';
import { type ConfirmFlags, confirm } from './confirm.ts';
import { jobColumns } from './job-view.ts';
import { type InspectFlags, type Inspection, inspect, noun, options } from './noun.ts';

/** `lambdesque workers`. */
export function addWorkers(program: Command, env: Env): void {
  const workers = noun(
    program,
    'workers',
    'workers: what they run; unregister',
    'lambdesque workers',
    'lambdesque workers unregister --dead',
  );
  workers
    .verb('ls', 'every worker (what `workers` does by itself)', 'first')
    .action((flags: InspectFlags) => inspect(flags, env, list));
  workers
    .verb('show <ids...>', 'workers in full, with all that they hold')
    .action((ids: readonly string[], flags: InspectFlags) =>
      inspect(flags, env, (inspection) => show(ids, inspection)),
    );
  options
    .yes(workers.verb('unregister [ids...]', 'forget dead ones: what they held goes back'))
    .option('--dead', 'all that are dead')
    .action((ids: readonly string[], flags: InspectFlags & ConfirmFlags & { dead?: true }) =>
      inspect(flags, env, (inspection) => unregister(ids, flags, inspection)),
    );
}

/** @param now Redis's, epoch ms */
export function workerColumns(now: number): readonly Column<WorkerInfo>[] {
  return [
    { title: 'host', value: ({ host }) => host, least: 10 },
    { title: 'pid', value: ({ pid }) => pid, least: 6 },
    { title: 'queues', value: ({ queues }) => queues.join(','), least: 8 },
    { title: 'state', value: stateOf },
    { title: 'heard of', value: ({ heartbeat }) => ago(heartbeat, now) },
    { title: 'held', value: ({ held }) => String(held), align: 'right' },
    { title: 'done', value: ({ processed }) => String(processed), align: 'right' },
    { title: 'failed', value: ({ failed }) => String(failed), align: 'right' },
    { title: 'runs', value: ({ running }) => running.map((job) => runOf(job, now)).join(', '), least: 8 },
  ];
}

function runOf(job: JobView, now: number): string {
  const since = job.at === undefined ? '' : ` ${roughly(Math.max(0, now - job.at.getTime()))}`;
  return `${job.class ?? '(no job)'}${since}`;
}

function stateOf({ alive, ours }: WorkerInfo): string {
  const state = alive === undefined ? 'unknown' : alive ? 'alive' : 'dead';
  return ours ? state : `${state}, foreign`;
}

async function list({ client, out }: Inspection): Promise<void> {
  out.rows(await client.workers.list(), workerColumns(out.now), 'No worker is registered.');
}

async function show(ids: readonly string[], { client, out }: Inspection): Promise<void> {
  for (const id of ids) {
    const worker = await client.workers.get(id);
    if (!worker) {
      out.missing(`There is no worker ${id}.`);
      continue;
    }
    out.one(worker, [
      ['worker', worker.id],
      ['state', stateOf(worker)],
      ['host', worker.host],
      ['pid', worker.pid],
      ['queues', worker.queues.join(', ')],
      ['version', worker.version],
      ['started', moment(worker.started, out.now)],
      ['heartbeat', moment(worker.heartbeat, out.now)],
      ['lease ends', moment(worker.leaseEnds, out.now)],
      ['processed', worker.processed],
      ['failed', worker.failed],
      ['holds', `${worker.held} ${worker.held === 1 ? 'job' : 'jobs'}`],
    ]);
    if (!out.json && worker.running.length > 0) console.log(table(worker.running, jobColumns(out.now, true)));
  }
}

/** Of one that may live the person is asked; `--dead` means none of those. */
async function unregister(
  ids: readonly string[],
  flags: ConfirmFlags & { dead?: true },
  { client, out }: Inspection,
): Promise<void> {
  const { dead = false } = flags;
  const wanted = dead ? (await client.workers.list()).flatMap(({ id, alive }) => (alive === false ? [id] : [])) : ids;
  if (wanted.length === 0) return out.missing(dead ? 'No worker is dead.' : 'Give the ids of workers, or --dead.');
  for (const id of wanted) {
    try {
      const force = !dead && (await mayLive(id, client));
      if (force) {
        await confirm(
          `Nobody knows whether the worker ${id} lives, since it writes no heartbeat. If it does, its job is run on and in the failed list too. Forget it`,
          flags,
        );
      }
      if (await client.workers.unregister(id, { force }))
        out.done({ id, unregistered: true }, `Forgot ${id}; what it held goes back.`);
      else out.missing(`There is no worker ${id}.`);
    } catch (error) {
      // The others may be dead all the same.
      if (!(error instanceof LiveWorkerError)) throw error;
      console.error(printable(error.message));
      process.exitCode = 1;
    }
  }
}

async function mayLive(id: string, client: Inspection['client']): Promise<boolean> {
  const worker = await client.workers.get(id);
  return worker !== undefined && worker.alive === undefined;
}
