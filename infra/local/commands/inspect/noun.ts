import { type Command, Option } from 'commander';
import type { Client } from '../../../../shared/index.ts';
import { clientOver } from '../../../../shared/internal.ts';
import { omitUndefined } from '../../../omit-undefined.ts';
import type { Backend } from '../../backend.ts';
import { type CronEntries, loadCron } from '../../cron.ts';
import { duration, isoTime, timeOrAge, wholeNumber } from '../../flag-values.ts';
import { loadJobs, loadJobsIfAny } from '../../jobs.ts';
import type { Env } from '../../redis/install.ts';
import { examples, redisOptions } from '../../redis-options.ts';
import { connectAll, type ShardFlags, shardOption } from '../../shards.ts';
import { tellError } from '../../tell-error.ts';
import { Output } from './output.ts';

/** The flags that every command of the inspector has. */
export interface InspectFlags extends ShardFlags {
  readonly json?: true;
  /** Path of a jobs module. */
  readonly jobs?: string;
}

export interface Inspection {
  readonly client: Client;
  readonly out: Output;
  readonly backend: Backend;
}

export type Run = (inspection: Inspection) => Promise<void>;

/**
 * Runs it with a client of the Redis that the flags name; of several, with each in turn: one that is away does not keep it from
 * the others.
 * @param cron flags of the cron module, where entries are needed
 */
export async function inspect(
  flags: InspectFlags,
  env: Env,
  run: Run,
  cron?: { readonly cron?: string },
): Promise<void> {
  const { jobs, cronEntries } = await definitions(flags, cron);
  const backends = connectAll(flags, env);
  for (const backend of backends) {
    const { redis, store, namespace, name } = backend;
    try {
      const client = clientOver(redis, { namespace, ...omitUndefined({ jobs, cronEntries }) });
      if (name !== undefined && !flags.json) console.log(`${name}: ${store.address}`);
      const out = new Output(flags.json ?? false, await store.time(), name);
      await run({ client, out, backend });
    } catch (error) {
      if (backends.length === 1) throw error;
      if (name !== undefined && flags.json) console.error(`${name}: ${store.address}`);
      process.exitCode = tellError(error);
    } finally {
      await store.close();
    }
  }
}

async function definitions({ jobs }: InspectFlags, cron: { readonly cron?: string } | undefined) {
  if (jobs === undefined) return {};
  const registry = cron ? await loadJobsIfAny(jobs) : await loadJobs(jobs);
  const cronEntries: CronEntries | undefined = cron && (await loadCron({ ...cron, jobs }, registry));
  return { jobs: registry.definitions, cronEntries };
}

/** A noun of the command line; `verb` adds what can be done with it. */
export interface Noun {
  /** @param usage its name and arguments, `show <queue>`  @param first what the noun does by itself */
  verb(usage: string, description: string, first?: 'first'): Command;
}

export function noun(program: Command, name: string, description: string, ...lines: readonly string[]): Noun {
  const command = program
    .command(name)
    .description(description)
    .addHelpText('after', examples(...lines));
  return {
    verb(usage, what, first) {
      const verb = command.command(usage, { isDefault: first !== undefined }).description(what);
      return shardOption(redisOptions(verb)).option('--json', 'one JSON object a line');
    },
  };
}

export const options = {
  /** Of what comes in pages. */
  paged: (command: Command) =>
    command
      .addOption(new Option('--limit <n>', 'most to show, up to 1000').argParser(wholeNumber).default(25))
      .option('--cursor <text>', 'go on behind the page before')
      .addOption(new Option('--all', 'every page').conflicts('cursor')),
  yes: (command: Command) => command.option('--yes', 'do not ask'),
  jobs: (command: Command) => command.option('--jobs <module>', 'job classes, for queues of jobs that name none'),
  when: (command: Command) =>
    command
      .addOption(new Option('--in <time>', 'after this time').argParser(duration()))
      .addOption(new Option('--at <time>', 'at this time, ISO 8601 with zone').argParser(isoTime).conflicts('in')),
  since: (what: string) => new Option('--since <time>', `${what}: 2h (ago), or ISO 8601`).argParser(timeOrAge),
  until: (what: string) => new Option('--until <time>', `${what}: 2h (ago), or ISO 8601`).argParser(timeOrAge),
};
