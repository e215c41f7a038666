import { type Duration, durationMs } from '../../duration.ts';
import { checkOptions, type OptionsOf } from '../../options.ts';
import type { Effect, Job, PluginHooks, ResquePlugin } from '../../types.ts';
import { errorInfo } from '../../wire/failed-entry.ts';
import { readArgs } from '../../wire/ruby/read-json.ts';
import { inspect } from '../../wire/ruby/texts.ts';
import { isOver } from './plugin.ts';

/** What `resqueStatus` takes. */
export interface ResqueStatusOptions {
  /** As `Resque::Plugins::Status::Hash.expire_in`: how long a record lives on once it has changed. @default as long as it has */
  readonly expireIn?: Duration;
}

/**
 * For a class that includes `Resque::Plugins::Status` of resque-status: its record, under the uuid that is the first argument,
 * says `working` while the job runs, then `completed` or `failed`; `queued` while it waits for another attempt. A handler that
 * is told to end by `Status::Hash.kill` goes on: that list is not looked at.
 * @throws ConfigError naming the option, the value got and what is allowed
 * @example
 * export const Import = defineJob({ class: 'Import', plugins: [resqueStatus()], async perform([uuid, options]) {} });
 */
export function resqueStatus(options: ResqueStatusOptions = {}): ResquePlugin {
  checkOptions('resqueStatus', options, OPTIONS);
  const { expireIn } = options;
  const ttl = expireIn === undefined ? undefined : Math.ceil(durationMs(expireIn, 'resqueStatus: expireIn') / 1000);
  const update = (job: Job, now: number, status: string, message?: string): Effect[] => {
    const [uuid] = job.args;
    if (typeof uuid !== 'string' || uuid === '') return [];
    const members = {
      time: `${Math.floor(now / 1000)}`,
      status: JSON.stringify(status),
      name: JSON.stringify(nameOf(job)),
    };
    const told = message === undefined ? members : { ...members, message: JSON.stringify(message) };
    return [{ kind: 'resqueStatus', uuid, members: told, ttl }];
  };
  const plugin: PluginHooks = {
    gem: 'resque-status',
    started: (job, now) => update(job, now, 'working'),
    ended(job, outcome, now) {
      if (!isOver(outcome)) return update(job, now, 'queued');
      if (outcome.kind !== 'failed') return update(job, now, 'completed', `Completed at ${rubyTime(now)}`);
      const { error } = errorInfo(outcome.error);
      return update(job, now, 'failed', `The task failed because of an error: ${error}`);
    },
  };
  return plugin;
}

const OPTIONS = { expireIn: true } satisfies OptionsOf<ResqueStatusOptions>;

/** As the gem's page shows it: the class, and the options unless there are none. */
function nameOf({ class: name, payload }: Job): string {
  const options = readArgs(payload)[1];
  return options instanceof Map && options.size > 0 ? `${name}(${inspect(options, '=>')})` : `${name}()`;
}

/** `Time#to_s` */
function rubyTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000`;
}
