import { createHash } from 'node:crypto';
import { type Duration, durationMs } from '../../duration.ts';
import { checkOptions, type OptionsOf } from '../../options.ts';
import type { Job, PluginHooks, ResquePlugin } from '../../types.ts';
import { type RubyJson, readArgs } from '../../wire/ruby/read-json.ts';
import { checkFunction } from './plugin.ts';

/** What `resqueLoner` takes. */
export interface ResqueLonerOptions {
  /** What the class's own `redis_key` makes of the arguments, where it has one. @default the gem's: MD5 of class and arguments */
  readonly key?: (...args: readonly unknown[]) => string;
  /** The class's `@loner_lock_after_execution_period`: its lock stays for so long once the job is taken. @default none */
  readonly lockFor?: Duration;
}

/**
 * For a class that includes `Resque::Plugins::UniqueJob` of resque-loner: its lock, which keeps Ruby from enqueuing an equal job
 * while one waits, is given back before the handler starts, as a Ruby worker gives it back when it takes the job. That costs a
 * round trip to Redis, for all that start in one moment. `client.enqueue` does not look at the lock, nor take it.
 * @throws ConfigError naming the option, the value got and what is allowed
 * @example
 * export const Index = defineJob({ class: 'Index', plugins: [resqueLoner()], async perform([page]) {} });
 */
export function resqueLoner(options: ResqueLonerOptions = {}): ResquePlugin {
  checkOptions('resqueLoner', options, OPTIONS);
  checkFunction('resqueLoner: key', options.key);
  const { key, lockFor } = options;
  const seconds = lockFor === undefined ? 0 : Math.ceil(durationMs(lockFor, 'resqueLoner: lockFor') / 1000);
  const plugin: PluginHooks = {
    gem: 'resque-loner',
    before(job) {
      const digest = key ? key(...job.args) : defaultKey(job);
      return [{ kind: 'clearKey', name: `loners:queue:${job.raw.queue}:job:${digest}`, seconds }];
    },
  };
  return plugin;
}

const OPTIONS = { key: true, lockFor: true } satisfies OptionsOf<ResqueLonerOptions>;

/** The JSON of class and arguments, where hashes among these have become lists of their sorted pairs. */
function defaultKey({ class: name, payload }: Job): string {
  const args = readArgs(payload).map((arg) => (arg instanceof Map ? [...arg].sort(byKey).map(pair) : arg));
  const json = `{"class":${JSON.stringify(name)},"args":${encode(args)}}`;
  return createHash('md5').update(json).digest('hex');
}

function byKey([a]: [string, RubyJson], [b]: [string, RubyJson]): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function pair([key, value]: [string, RubyJson]): RubyJson {
  return [JSON.stringify(key), value];
}

function encode(value: RubyJson): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(encode).join()}]`;
  const members = [...(value as ReadonlyMap<string, RubyJson>)];
  return `{${members.map(([key, one]) => `${JSON.stringify(key)}:${encode(one)}`).join()}}`;
}
