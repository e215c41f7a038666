import type { Command } from 'commander';
import { ConfigError, type JobAt, type JobQuery, type JobState, type JobView } from '../../../../shared/index.ts';
import { omitUndefined } from '../../../omit-undefined.ts';
import type { Env } from '../../redis/install.ts';
import { type ConfirmFlags, confirm } from './confirm.ts';
import { jobColumns, showJob } from './job-view.ts';
import { type InspectFlags, type Inspection, inspect, noun, options } from './noun.ts';
import { type PageFlags, showPages } from './paging.ts';

interface JobFilters {
  readonly id?: string;
  readonly class?: string;
  readonly queue?: string;
  readonly text?: string;
  readonly state?: string;
}

type ChangeFlags = InspectFlags & JobFilters & ConfirmFlags & { readonly in?: number; readonly at?: Date };
type Change = 'run' | 'rm' | 'move';

interface Words {
  readonly name: 'jobs' | 'scheduled';
  /** Which jobs it is about. */
  readonly states: readonly JobState[];
}

const EVERY_STATE = [
  'queued',
  'running',
  'scheduled',
  'retry',
  'parked',
  'failed',
  'done',
] as const satisfies readonly JobState[];
const PAST = { run: 'Now in its queue', rm: 'Removed', move: 'Moved' } as const;

/** `lambdesque jobs`. */
export function addJobs(program: Command, env: Env): void {
  const words: Words = { name: 'jobs', states: EVERY_STATE };
  const jobs = noun(
    program,
    'jobs',
    'jobs: find, show, run, cancel, rm',
    'lambdesque jobs find --class Report --text \'"month":7\'',
    'lambdesque jobs show 0b8e7c1e-4b1c-4d2e-9d2e-5f1c2a3b4c5d',
  );
  addCommands(jobs, words, env);
  jobs
    .verb('cancel <ids...>', 'by id: discard those that wait, abort those that run')
    .option('--reason <text>', 'kept with the job')
    .action((ids: readonly string[], flags: InspectFlags & { readonly reason?: string }) =>
      inspect(flags, env, (inspection) => cancel(ids, flags.reason, inspection)),
    );
}

/** `lambdesque scheduled`. */
export function addScheduled(program: Command, env: Env): void {
  const words: Words = { name: 'scheduled', states: ['scheduled', 'retry'] };
  const scheduled = noun(
    program,
    'scheduled',
    'delayed jobs and retries: run, move, rm',
    'lambdesque scheduled --state retry',
    'lambdesque scheduled run --class Report',
  );
  addCommands(scheduled, words, env);
}

async function cancel(ids: readonly string[], reason: string | undefined, { client, out }: Inspection): Promise<void> {
  for (const id of ids) {
    const cancelled = await client.jobs.cancel(id, reason);
    if (cancelled === undefined) out.missing(`No job with the id ${id} waits or runs.`);
    else
      out.done(
        { id, cancelled },
        cancelled === 'discarded'
          ? `Discarded: ${id}`
          : `Cancelling ${id}: it runs, and its worker hears of it within seconds.`,
      );
  }
}

function addCommands(found: ReturnType<typeof noun>, words: Words, env: Env): void {
  const { name, states } = words;
  addFilters(
    options.paged(found.verb('ls', `those that match (what \`${name}\` does by itself)`, 'first')).alias('find'),
    states,
  ).action((flags: InspectFlags & JobFilters & PageFlags) =>
    inspect(flags, env, (inspection) => list(words, flags, inspection)),
  );
  found.verb('show <ids...>', 'jobs in full').action((ids: readonly string[], flags: InspectFlags) =>
    inspect(flags, env, async ({ client, out }) => {
      for (const [i, id] of ids.entries()) {
        const job = await byId(id, words, { client, out });
        if (!job) continue;
        if (i > 0 && !out.json) console.log();
        showJob(out, job);
      }
    }),
  );
  const verbs = {
    run: options.jobs(found.verb('run [ids...]', 'to their queues now, past limits: by id, place, or all that match')),
    rm: options.yes(found.verb('rm [ids...]', 'remove them: by id, place, or all that match')),
    move: options.when(found.verb('move [ids...]', 'another time for those that wait for one')),
  };
  for (const what of ['run', 'rm', 'move'] as const) {
    addFilters(verbs[what], states).action((ids: readonly string[], flags: ChangeFlags) =>
      inspect(flags, env, (inspection) => change(what, ids, words, flags, inspection)),
    );
  }
}

function addFilters(command: Command, states: readonly JobState[]): Command {
  return command
    .option('--class <name>', 'of this class')
    .option('--queue <name>', 'of this queue')
    .option('--text <text>', 'with this in the payload, as it stands there')
    .option('--id <id>', 'with this id')
    .option('--state <list>', `of ${states.join(', ')}`);
}

function queryOf({ state, id, class: name, queue, text }: JobFilters, { states }: Words): JobQuery {
  const wanted = state?.split(',').map((one) => one.trim() as JobState);
  const wrong = wanted?.find((one) => !states.includes(one));
  if (wrong !== undefined)
    throw new ConfigError(`--state is a list of ${states.join(', ')}; got ${JSON.stringify(wrong)}.`);
  const query = { id, class: name, queue, text };
  if (wanted === undefined && states === EVERY_STATE) return omitUndefined(query);
  return omitUndefined({ ...query, states: wanted ?? states });
}

const isFiltered = ({ id, class: name, queue, text, state }: JobFilters) =>
  [id, name, queue, text, state].some((one) => one !== undefined);

async function list(words: Words, flags: JobFilters & PageFlags, { client, out }: Inspection): Promise<void> {
  const query = queryOf(flags, words);
  const count = await showPages(out, flags, jobColumns(out.now, true), (page) =>
    client.jobs.find({ ...query, ...page }),
  );
  if (count > 0) return;
  if (isFiltered(flags)) out.missing('No job matches.');
  else out.hint(words.name === 'jobs' ? 'There are no jobs.' : 'Nothing waits for its time.');
}

/** All that a change needs, and what its report says. */
type JobRef = JobAt & Partial<JobView>;

const PLACE = /^(queue|delayed|retry|parked|failed)~/;

/** The job with this id; where it is gone, that is told. */
async function byId(
  id: string,
  { states }: Words,
  { client, out }: Pick<Inspection, 'client' | 'out'>,
): Promise<JobView | undefined> {
  const job = await client.jobs.get(id);
  if (job && states.includes(job.state)) return job;
  if (job) out.missing(`The job ${id} is ${job.state}: lambdesque jobs shows it.`);
  else out.missing(`There is no job with the id ${id}.`);
  return undefined;
}

/** What ids and places stand for. */
async function named(ids: readonly string[], words: Words, inspection: Inspection): Promise<JobRef[]> {
  const found: JobRef[] = [];
  for (const id of ids) {
    const job = PLACE.test(id) ? { place: id } : await byId(id, words, inspection);
    if (job) found.push(job);
  }
  return found;
}

async function change(
  what: Change,
  ids: readonly string[],
  words: Words,
  flags: ChangeFlags,
  inspection: Inspection,
): Promise<void> {
  const { client, out } = inspection;
  if (ids.length > 0 === isFiltered(flags)) {
    throw new ConfigError(`${words.name} ${what} takes ids, or filters such as --class. Give one or the other.`);
  }
  const at = flags.at ?? (flags.in === undefined ? undefined : new Date(out.now + flags.in));
  if (what === 'move' && at === undefined)
    throw new ConfigError(`${words.name} move needs the new time: --in 1h, or --at.`);
  const jobs = ids.length > 0 ? await named(ids, words, inspection) : await matching(what, words, flags, inspection);
  if (jobs.length === 0) return ids.length > 0 ? undefined : out.missing('No job matches.');
  if (what === 'rm')
    await confirm(`Remove ${jobs.length === 1 ? `the job ${nameOf(jobs[0])}` : `${jobs.length} jobs`}`, flags);
  let done = 0;
  for (const job of jobs) {
    const there = await (what === 'run'
      ? client.jobs.run(job)
      : what === 'rm'
        ? client.jobs.remove(job)
        : client.jobs.reschedule(job, at ?? new Date(out.now)));
    if (!there) {
      out.missing(`${nameOf(job)} has moved on meanwhile: it is no longer there.`);
      continue;
    }
    done++;
    const { id, class: name, queue, place } = job;
    if (out.json) out.object({ done: what, id, class: name, queue, place, at: what === 'move' ? at : undefined });
  }
  const when = what === 'move' && at ? ` to ${at.toISOString()}` : '';
  if (!out.json && done > 0) out.done({}, `${PAST[what]}: ${done === 1 ? nameOf(jobs[0]) : `${done} jobs`}${when}.`);
}

/** All that match, as far as it can be done with them at all. */
async function matching(what: Change, words: Words, flags: ChangeFlags, { client }: Inspection): Promise<JobView[]> {
  const able: readonly JobState[] =
    what === 'move' ? ['scheduled', 'retry'] : ['queued', 'scheduled', 'retry', 'parked', 'failed'];
  const query = queryOf(flags, words);
  const states = (query.states ?? words.states).filter((state) => able.includes(state));
  const found: JobView[] = [];
  let cursor: string | undefined;
  do {
    const page: Awaited<ReturnType<typeof client.jobs.find>> = await client.jobs.find({
      ...query,
      states,
      limit: 1_000,
      ...omitUndefined({ cursor }),
    });
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

function nameOf(job: JobRef | undefined): string {
  return `${job?.class ?? 'the job'}${job?.id === undefined ? '' : ` ${job.id}`}`;
}
