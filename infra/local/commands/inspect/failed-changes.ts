import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { FailedQuery } from '../../../../shared/index.ts';
import { ConfigError } from '../../../../shared/index.ts';
import { findFailed } from '../../../../shared/internal.ts';
import { omitUndefined } from '../../../omit-undefined.ts';
import { linesOf } from '../../lines.ts';
import type { Env } from '../../redis/install.ts';
import { type ConfirmFlags, confirm } from './confirm.ts';
import { addFilters, type FailedFilters, isFiltered, queryOf } from './failed-filters.ts';
import { type InspectFlags, type Inspection, inspect, type Noun, options } from './noun.ts';

type Change = 'retry' | 'rm';
type ChangeFlags = InspectFlags & FailedFilters & ConfirmFlags & { readonly all?: true };

const PAST = { retry: 'Retried', rm: 'Removed' } as const;

/** What changes failed lists: `failed retry`, `rm`, `export` and `import`. */
export function addFailedChanges(failed: Noun, env: Env): void {
  const retry = options.jobs(failed.verb('retry [refs...]', 'run them again: by REF, job id, or all that match'));
  const remove = options.yes(failed.verb('rm [refs...]', 'remove them: by REF, job id, or all that match'));
  for (const [what, command] of [
    ['retry', retry],
    ['rm', remove],
  ] as const) {
    addFilters(command)
      .option('--all', 'the whole list')
      .action((refs: readonly string[], flags: ChangeFlags) =>
        inspect(flags, env, (inspection) => change(what, refs, flags, inspection)),
      );
  }
  addFilters(failed.verb('export', 'entries as lines of JSON, oldest first, byte for byte')).action(
    (flags: InspectFlags & FailedFilters) => inspect(flags, env, (inspection) => exportAll(flags, inspection)),
  );
  failed
    .verb('import [file]', 'append what export wrote; - or nothing for standard input')
    .option('--list <name>', 'to this list (failed)')
    .action((file: string | undefined, flags: InspectFlags & { list?: string }) =>
      inspect(flags, env, (inspection) => importAll(file, flags.list, inspection)),
    );
}

async function change(
  what: Change,
  refs: readonly string[],
  flags: ChangeFlags,
  inspection: Inspection,
): Promise<void> {
  const filtered = isFiltered(flags);
  if ([refs.length > 0, filtered, flags.all === true].filter(Boolean).length !== 1) {
    throw new ConfigError(
      `failed ${what} takes REFs or ids, or filters such as --class, or --all. Give one of them; lambdesque failed shows them.`,
    );
  }
  if (refs.length > 0) return changeSome(what, refs, flags, inspection);
  const { client, out } = inspection;
  const query: FailedQuery = queryOf(flags, out.now);
  if (what === 'rm') {
    const list = flags.list ?? 'failed';
    await confirm(filtered ? `Remove all that match from the list ${list}` : `Remove all of the list ${list}`, flags);
  }
  const count = what === 'retry' ? await client.failed.retryAll(query) : await client.failed.removeAll(query);
  if (count === 0) {
    const passed =
      what === 'retry' && flags.retried === undefined ? ' Those that were retried before need --retried.' : '';
    return out.missing(`No failed job matches.${passed}`);
  }
  out.done(
    { [PAST[what].toLowerCase()]: count },
    `${PAST[what]} ${count === 1 ? '1 failed job' : `${count} failed jobs`}.`,
  );
}

async function changeSome(
  what: Change,
  refs: readonly string[],
  flags: ChangeFlags,
  { client, out }: Inspection,
): Promise<void> {
  const found = [];
  for (const ref of refs) {
    const entry = await findFailed(client.failed, ref, flags.list);
    if (entry) found.push({ ref, entry });
    else out.missing(`There is no failed job ${ref}: it may have been removed.`);
  }
  if (what === 'rm' && found.length > 0) {
    await confirm(`Remove ${found.map(({ ref, entry }) => `${entry.class ?? 'no job'} (${ref})`).join(', ')}`, flags);
  }
  for (const { ref, entry } of found) {
    const done = what === 'retry' ? await client.failed.retry(entry) : await client.failed.remove(entry);
    if (!done) out.missing(`${ref} was changed or removed meanwhile.`);
    else if (what === 'retry') {
      out.done({ ref, retried: 1 }, `Retried ${entry.class}, in the queue ${entry.queue ?? 'of its class'}.`);
    } else out.done({ ref, removed: 1 }, `Removed ${entry.class ?? 'what was no job'} (${ref}).`);
  }
}

async function exportAll(flags: FailedFilters, { client, out }: Inspection): Promise<void> {
  let count = 0;
  for await (const line of client.failed.export(queryOf(flags, out.now))) {
    count++;
    // Whoever reads more slowly than Redis answers is waited for.
    if (!process.stdout.write(`${line}\n`) && !process.stdout.destroyed)
      await once(process.stdout, 'drain').catch(() => {});
    if (process.stdout.destroyed) break;
  }
  if (count === 0) out.missing('No failed job matches.');
}

async function importAll(
  file: string | undefined,
  list: string | undefined,
  { client, out }: Inspection,
): Promise<void> {
  const fromInput = file === undefined || file === '-';
  if (fromInput && process.stdin.isTTY)
    throw new ConfigError('failed import needs a file, or lines on standard input.');
  const input = fromInput ? process.stdin : createReadStream(file);
  try {
    if (!fromInput) await once(input, 'open');
  } catch (error) {
    throw new ConfigError(`The file ${file} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  const added = await client.failed.import(linesOf(input), omitUndefined({ list }));
  out.done({ list: list ?? 'failed', added }, `Added ${added} entries to the list ${list ?? 'failed'}.`);
  if (added === 0) process.exitCode = 1;
}
