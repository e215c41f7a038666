import { createHash } from 'node:crypto';
import { checkOptions, type OptionsOf } from '../../options.ts';
import type { Effect, Job, PluginHooks, ResquePlugin } from '../../types.ts';
import { readArgs } from '../../wire/ruby/read-json.ts';
import { ARROWS, join } from '../../wire/ruby/texts.ts';
import { checkFunction, isOver } from './plugin.ts';

/** What `resqueRetry` takes. */
export interface ResqueRetryOptions {
  /**
   * What the class's own `retry_identifier` makes of the arguments, where it has one; undefined for what has none.
   * @default the gem's: SHA-1 of the arguments, joined by `-`
   */
  readonly identifier?: (...args: readonly unknown[]) => string | undefined;
}

/**
 * For a class that extends `Resque::Plugins::Retry`: its counter of attempts, and what its failure backend keeps of the last
 * one, go when the job has ended for good here, as they would in Ruby. A Ruby worker that gets an equal job later counts from
 * the beginning. How often the job is tried here is the definition's `retry`.
 * @throws ConfigError naming the option, the value got and what is allowed
 * @example
 * export const Charge = defineJob({ class: 'Charge', plugins: [resqueRetry()], async perform([order]) {} });
 */
export function resqueRetry(options: ResqueRetryOptions = {}): ResquePlugin {
  checkOptions('resqueRetry', options, OPTIONS);
  checkFunction('resqueRetry: identifier', options.identifier);
  const { identifier } = options;
  const identifiersOf = (job: Job) => (identifier ? [identifier(...job.args)] : defaultIdentifiers(job.payload));
  const plugin: PluginHooks = {
    gem: 'resque-retry',
    ended: (job, outcome) => (isOver(outcome) ? identifiersOf(job).flatMap((id) => clear(job.class, id)) : []),
  };
  return plugin;
}

const OPTIONS = { identifier: true } satisfies OptionsOf<ResqueRetryOptions>;

/** One; or two where a hash is among the arguments, whose text Ruby 3.4 changed. */
function defaultIdentifiers(payload: string): (string | undefined)[] {
  const args = readArgs(payload);
  const texts = new Set(ARROWS.map((arrow) => join(args, '-', arrow)));
  return [...texts].map((text) => (text === '' ? undefined : createHash('sha1').update(text).digest('hex')));
}

function clear(className: string, identifier: string | undefined): Effect[] {
  const name = ['resque-retry', className, ...(identifier === undefined ? [] : [identifier])].join(':');
  const key = name.replace(/[ \t\r\n\f\v]/g, '');
  return [key, `failure-${key}`].map((one) => ({ kind: 'clearKey', name: one, seconds: 0 }));
}
