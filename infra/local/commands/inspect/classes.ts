import type { Command } from 'commander';
import type { Env } from '../../redis/install.ts';
import { type InspectFlags, type Inspection, inspect, noun } from './noun.ts';

/** `lambdesque classes`. */
export function addClasses(program: Command, env: Env): void {
  const classes = noun(
    program,
    'classes',
    'job classes: ls, pause, resume',
    'lambdesque classes pause Report',
    'lambdesque classes resume Report',
  );
  classes
    .verb('ls', 'those that are paused (what `classes` does by itself)', 'first')
    .alias('list')
    .action((flags: InspectFlags) => inspect(flags, env, list));
  classes
    .verb('pause <classes...>', 'no job of them starts, in whatever queue')
    .action((names: readonly string[], flags: InspectFlags) =>
      inspect(flags, env, async ({ client, out }) => {
        for (const name of names) {
          await client.classes.pause(name);
          out.done({ class: name, paused: true }, `Paused: ${name}`);
        }
      }),
    );
  classes
    .verb('resume <classes...>', 'they start again; what was parked goes first')
    .action((names: readonly string[], flags: InspectFlags) =>
      inspect(flags, env, async ({ client, out }) => {
        for (const name of names) {
          const released = await client.classes.resume(name);
          const parked =
            released === 0 ? '' : `; ${released} parked ${released === 1 ? 'job' : 'jobs'} back in the queue`;
          out.done({ class: name, paused: false, released }, `Resumed: ${name}${parked}`);
        }
      }),
    );
}

async function list({ client, out }: Inspection): Promise<void> {
  const paused = (await client.classes.paused()).map((name) => ({ class: name, paused: true }));
  out.rows(
    paused,
    [
      { title: 'class', value: (one) => one.class },
      { title: '', value: () => 'paused' },
    ],
    'No class is paused.',
  );
}
