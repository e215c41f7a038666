import { checkOptions, type OptionsOf } from '../../options.ts';
import type { PluginHooks, ResquePlugin } from '../../types.ts';
import { readArgs } from '../../wire/ruby/read-json.ts';
import { ARROWS, inspect } from '../../wire/ruby/texts.ts';
import { checkFunction, isOver } from './plugin.ts';

/** What `resqueLock` takes. */
export interface ResqueLockOptions {
  /**
   * What the class's own `lock` makes of the arguments, where it has one: the key without the namespace. For locks of other
   * gems and of your own as well.
   * @default resque-lock's: `lock:<Class>-<arguments>`
   */
  readonly key?: (...args: readonly unknown[]) => string;
}

/**
 * For a class that extends `Resque::Plugins::Lock` of resque-lock: the lock that its enqueuing took goes when the job has ended
 * for good here; while it waits for another attempt it stays. `client.enqueue` does not look at the lock, nor take it.
 * @throws ConfigError naming the option, the value got and what is allowed
 * @example
 * export const Sync = defineJob({ class: 'Sync', plugins: [resqueLock()], async perform([repository]) {} });
 */
export function resqueLock(options: ResqueLockOptions = {}): ResquePlugin {
  checkOptions('resqueLock', options, OPTIONS);
  checkFunction('resqueLock: key', options.key);
  const { key } = options;
  const plugin: PluginHooks = {
    gem: 'resque-lock',
    ended(job, outcome) {
      if (!isOver(outcome)) return [];
      const names = key ? [key(...job.args)] : defaultKeys(job.class, job.payload);
      return names.map((name) => ({ kind: 'clearKey', name, seconds: 0 }));
    },
  };
  return plugin;
}

const OPTIONS = { key: true } satisfies OptionsOf<ResqueLockOptions>;

/** One; or two where a hash is among the arguments, whose text Ruby 3.4 changed. */
function defaultKeys(className: string, payload: string): string[] {
  const args = readArgs(payload);
  return [...new Set(ARROWS.map((arrow) => `lock:${className}-${inspect(args, arrow)}`))];
}
