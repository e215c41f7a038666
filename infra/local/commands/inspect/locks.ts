import type { Command } from 'commander';
import type { LockInfo } from '../../../../shared/index.ts';
import type { Env } from '../../redis/install.ts';
import type { Column } from '../../table.ts';
import { ago } from '../../times.ts';
import { type InspectFlags, inspect, noun, options } from './noun.ts';
import { type PageFlags, showPages } from './paging.ts';

/** `lambdesque locks`. */
export function addLocks(program: Command, env: Env): void {
  const locks = noun(
    program,
    'locks',
    'locks of unique jobs: ls, free',
    'lambdesque locks',
    'lambdesque locks free Report:0f343b0931126a20f133d67c2b018a3b',
  );
  options
    .paged(locks.verb('ls', 'every one that is held (what `locks` does by itself)', 'first').alias('list'))
    .action((flags: InspectFlags & PageFlags) =>
      inspect(flags, env, async ({ client, out }) => {
        const count = await showPages(out, flags, lockColumns(out.now), (page) => client.locks.list(page));
        if (count === 0) out.hint('No lock is held, as far as this page has looked.');
      }),
    );
  locks
    .verb('free <names...>', 'give a lock back, whoever holds it: its job goes on')
    .action((names: readonly string[], flags: InspectFlags) =>
      inspect(flags, env, async ({ client, out }) => {
        for (const name of names) {
          if (await client.locks.free(name)) out.done({ name, freed: true }, `Freed ${name}.`);
          else out.missing(`No job holds ${name}.`);
        }
      }),
    );
}

/** @param now Redis's, epoch ms */
function lockColumns(now: number): readonly Column<LockInfo>[] {
  return [
    { title: 'lock', value: ({ name }) => name, least: 12 },
    { title: 'held by', value: ({ id }) => id },
    { title: 'class', value: ({ class: name }) => name ?? '?' },
    { title: 'queue', value: ({ queue }) => queue },
    { title: 'until', value: ({ until }) => (until ? ago(until, now) : 'never') },
    { title: 'parked', value: ({ parked }) => String(parked), align: 'right' },
  ];
}
