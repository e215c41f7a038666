import { type Command, Option } from 'commander';
import type { Client } from '../../../../../shared/index.ts';
import { clientOver, type RedisClient, stringify, systemClock } from '../../../../../shared/internal.ts';
import { connect } from '../../../backend.ts';
import { duration } from '../../../flag-values.ts';
import type { Env } from '../../../redis/install.ts';
import { examples, redisOptions } from '../../../redis-options.ts';
import type { InspectFlags } from '../noun.ts';
import { openScreen, type Screen } from './screen.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';
import { type Choice, carriedOver, drawn, idsOf, plainText, SORTS, sorted, VIEWS } from './view.ts';

interface TopFlags extends InspectFlags {
  /** Milliseconds. */
  readonly interval: number;
  readonly once?: true;
}

/** `lambdesque top`. */
export function addTop(program: Command, env: Env): void {
  redisOptions(program.command('top'))
    .alias('dash')
    .description('queues, workers and failures, live')
    .addOption(new Option('--interval <time>', 'between looks').argParser(duration(200)).default(1_000, '1s'))
    .option('--once', 'print it once; so where there is no terminal')
    .option('--json', 'one JSON object, once')
    .addHelpText(
      'after',
      `${examples('lambdesque top', 'lambdesque top --interval 5s')}
Each look costs some 12 commands of Redis: 43,000 an hour with one each second.`,
    )
    .action((flags: TopFlags) => top(flags, env));
}

async function top(flags: TopFlags, env: Env): Promise<void> {
  const { redis, store, namespace } = connect(flags, env);
  const counter = counting(redis);
  const client = clientOver(counter.redis, { namespace });
  try {
    if (flags.once || flags.json || !process.stdout.isTTY || !process.stdin.isTTY) {
      const snapshot = await takeSnapshot(client, counter.commands);
      console.log(flags.json ? stringify(snapshot) : plainText(snapshot));
    } else {
      // What cannot be reached at all is told before the screen is taken.
      const first = await takeSnapshot(client, counter.commands);
      process.exitCode = await live(client, counter.commands, first, flags.interval, redis.address);
    }
  } finally {
    await store.close();
  }
}

/** @returns the exit code */
async function live(
  client: Client,
  commands: () => number,
  first: Snapshot,
  interval: number,
  address: string,
): Promise<number> {
  let choice: Choice = { view: 'queues', sort: 'trouble', selected: 0 };
  let snapshot = first;
  let message: string | undefined;
  let wake = () => {};
  let code: number | undefined;

  const draw = (screen: Screen) => {
    choice = { ...choice, selected: Math.max(0, Math.min(choice.selected, idsOf(snapshot, choice).length - 1)) };
    screen.draw(drawn({ snapshot, choice, interval, address, message }, screen.size));
  };
  const end = (exitCode: number) => {
    code ??= exitCode;
    wake();
  };
  /** A change that somebody asked for; then all is read anew. */
  const change = (what: () => Promise<string>) => {
    what().then(
      (done) => {
        message = done;
        wake();
      },
      (error: Error) => {
        message = error.message;
        draw(screen);
      },
    );
  };
  const key = (pressed: string) => {
    message = undefined;
    if (pressed === 'q') return end(0);
    if (pressed === 'p' && choice.view === 'queues') {
      const queue = sorted(snapshot.queues, choice.sort)[choice.selected];
      if (queue) change(() => toggle(client, queue));
    } else if (pressed === 'r' && choice.view === 'failures') {
      const entry = snapshot.failures[choice.selected];
      if (entry) {
        change(async () =>
          (await client.failed.retry(entry)) ? `Retried ${entry.class}.` : 'It has changed meanwhile.',
        );
      }
    } else {
      choice = chosen(choice, pressed);
    }
    draw(screen);
  };
  const screen = openScreen({ key, resize: () => draw(screen), end });
  try {
    draw(screen);
    while (code === undefined) {
      await new Promise<void>((resolve) => {
        const cancel = systemClock.after(interval, resolve);
        wake = () => {
          cancel();
          resolve();
        };
      });
      if (code !== undefined) break;
      try {
        const next = await takeSnapshot(client, commands, snapshot);
        choice = carriedOver(choice, snapshot, next);
        snapshot = next;
        if (message?.startsWith(AWAY)) message = undefined;
      } catch (error) {
        message = `${AWAY}${error instanceof Error ? error.message : String(error)}`;
      }
      draw(screen);
    }
    return code ?? 0;
  } finally {
    screen.close();
  }
}

/** What stands here is as old as the last look that went well. */
const AWAY = 'No answer: ';

async function toggle(
  client: Client,
  { name, paused }: { readonly name: string; readonly paused: boolean },
): Promise<string> {
  await (paused ? client.queues.resume(name) : client.queues.pause(name));
  return `${paused ? 'Resumed' : 'Paused'} ${name}.`;
}

/** What a key changes of what is shown. */
export function chosen(choice: Choice, key: string): Choice {
  const view = VIEWS[Number(key) - 1];
  if (view) return { ...choice, view, selected: 0 };
  const step = { right: 1, left: VIEWS.length - 1 }[key];
  if (step !== undefined) {
    return { ...choice, view: VIEWS[(VIEWS.indexOf(choice.view) + step) % VIEWS.length] ?? 'queues', selected: 0 };
  }
  if (key === 's' && choice.view === 'queues') {
    return { ...choice, sort: SORTS[(SORTS.indexOf(choice.sort) + 1) % SORTS.length] ?? 'trouble', selected: 0 };
  }
  if (key === 'up' || key === 'k') return { ...choice, selected: choice.selected - 1 };
  if (key === 'down' || key === 'j') return { ...choice, selected: choice.selected + 1 };
  return choice;
}

/** A client that counts what is sent. */
function counting(redis: RedisClient): { readonly redis: RedisClient; commands(): number } {
  let count = 0;
  return {
    commands: () => count,
    redis: {
      ...redis,
      command(args) {
        count++;
        return redis.command(args);
      },
      script(script, keys, args) {
        count++;
        return redis.script(script, keys, args);
      },
    },
  };
}
