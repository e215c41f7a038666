import type { Command } from 'commander';
import type { FailedQuery } from '../../../../shared/index.ts';
import { omitUndefined } from '../../../omit-undefined.ts';
import { type TimeOrAge, timeOf } from '../../flag-values.ts';
import { options } from './noun.ts';

/** Which failed jobs, as flags say it. */
export interface FailedFilters {
  readonly class?: string;
  readonly queue?: string;
  readonly exception?: string;
  readonly group?: string;
  readonly error?: string;
  readonly since?: TimeOrAge;
  readonly until?: TimeOrAge;
  readonly retried?: boolean;
  readonly list?: string;
}

export function addFilters(command: Command): Command {
  return command
    .option('--class <name>', 'of this class')
    .option('--queue <name>', 'of this queue')
    .option('--exception <name>', "with this error's class")
    .option('--error <text>', 'with this text, anywhere in the entry')
    .option('--group <fingerprint>', 'failed in this way: see failed groups')
    .addOption(options.since('failed since then'))
    .addOption(options.until('failed before that'))
    .option('--retried', 'were run again since')
    .option('--no-retried', 'were not run again since')
    .option('--list <name>', 'of this list (failed)');
}

/** @param now Redis's, epoch ms */
export function queryOf(flags: FailedFilters, now: number): FailedQuery {
  const { class: name, queue, exception, group, error, since, until, retried, list } = flags;
  return omitUndefined({
    class: name,
    queue,
    exception,
    fingerprint: group,
    // As it stands in JSON.
    text: error === undefined ? undefined : JSON.stringify(error).slice(1, -1),
    since: timeOf(since, now),
    until: timeOf(until, now),
    retried,
    list,
  });
}

/** Whether they say which, besides in which list. */
export function isFiltered({ list: _list, ...flags }: FailedFilters): boolean {
  const { class: name, queue, exception, group, error, since, until, retried } = flags;
  return [name, queue, exception, group, error, since, until, retried].some((one) => one !== undefined);
}
