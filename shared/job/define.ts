import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ConfigError } from '../errors.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import type { ResquePlugin } from '../types.ts';
import type { Batch, BatchContext, BatchedJob } from './batch.ts';
import { callbackNames, checkCallbacks, type JobCallbacks } from './callbacks.ts';
import type { JobContext } from './context.ts';
import { checkDefaultOptions, type DefaultOptions, defaultOptionNames } from './default-options.ts';
import type { ActiveJobDefaults, Args, JobRef } from './enqueue.ts';
import { checkMiddleware, type Middleware } from './middleware.ts';
import { checkPlugins } from './resque-plugins/plugin.ts';
import type { RetryOn } from './retry-on.ts';

export type { Args } from './enqueue.ts';

/** What `defineJob` takes. */
export interface JobOptions<In extends Args, Out extends Args> extends JobRef<In>, DefaultOptions<In>, JobCallbacks {
  /**
   * What stands in a payload's `class`. With a `*` at its end it stands for every class that begins so, and the longest
   * such prefix wins over shorter ones; an exact name wins over all.
   */
  readonly class: string;
  /** Where `enqueue` puts it if the caller names no queue. */
  readonly queue?: string;
  /**
   * Checks the arguments, of `enqueue` and of payloads, and gives `perform` its types. A payload carries what was given to
   * `enqueue`: transforms and defaults are made by the worker, from JSON. So a schema takes a date as text and makes the
   * Date itself, such as `z.iso.datetime().transform((text) => new Date(text))`.
   * @default arguments as they come
   */
  readonly args?: StandardSchemaV1<In, Out>;
  /**
   * What holds when a worker dies. `at-least-once`: the job runs again, so that `perform` should be safe to repeat.
   * `at-most-once`: that it starts is written to Redis before `perform` is called, and a job that may have started never
   * runs again. What it throws sends it to `failed` at once; a worker that dies after the start sends it there too ("its
   * worker died after it may have started"). One that did not start yet runs as any other does.
   * @default 'at-least-once'
   */
  readonly delivery?: 'at-least-once' | 'at-most-once';
  /** Around `perform`, inside the middleware of all jobs; outermost first. */
  readonly middleware?: readonly Middleware[];
  /** Plugins of Ruby's Resque that the class has there, such as `[resqueRetry(), resqueLoner()]`. @default none */
  readonly plugins?: readonly ResquePlugin[];
  /**
   * The work. What it throws makes the attempt fail; `SkipRetry`, `RetryIn` and `Discard` say what to do then.
   * When `ctx.signal` aborts, it should reject soon.
   */
  perform(args: Out, ctx: JobContext): unknown;
}

/** A checked job definition. */
export interface JobDefinition<In extends Args = Args, Out extends Args = Args> extends JobOptions<In, Out> {
  /** Milliseconds, or `Infinity`. */
  readonly timeout?: number;
  /** Milliseconds, or `Infinity`. */
  readonly expires?: number;
  /** Milliseconds, or `Infinity`. */
  readonly deadline?: number;
  /** What `defineBatchJob` adds. @default each runs by itself */
  readonly batch?: Batch;
  /** Runs a batch. */
  performAll?(jobs: readonly BatchedJob[], ctx: BatchContext): unknown;
  /** What `defineActiveJob` adds. @default a class of Resque's own */
  readonly activeJob?: ActiveJobDefaults;
  /** What `defineActiveJob` adds. @default `retry` is for all errors */
  readonly retryOn?: readonly RetryOn[];
  /** Where `defineJob` was called, `file:line:column`; for messages. */
  readonly definedAt: string;
}

/** Any definition, whatever its arguments. */
// `perform` is declared as a method, so its parameter types do not stand in the way of this.
export type AnyJobDefinition = JobDefinition<never, never> | JobDefinition;

/**
 * Define a job class: its name, its handler and how it is tried again.
 * @throws ConfigError naming the option, the value got and what is allowed
 * @example
 * export const Welcome = defineJob({
 *   class: 'Welcome', // what stands in the payload
 *   queue: 'mailers', // where enqueue puts it
 *   args: z.tuple([z.string()]), // any Standard Schema
 *   retry: { attempts: 5, backoff: ['10s', '1m', '10m'] },
 *   timeout: '30s', // for one attempt
 *   async perform([name], ctx) {
 *     ctx.log.info(`welcome, ${name}`);
 *   },
 * });
 */
export function defineJob<In extends Args = Args, Out extends Args = In>(
  options: JobOptions<In, Out>,
): JobDefinition<In, Out> {
  checkOptions(`defineJob ${shown((options as { class?: unknown } | undefined)?.class)}`, options, OPTIONS);
  return definition(options, defineJob);
}

/** Those of every kind of definition, in the order of messages. */
export const jobOptionNames = {
  class: true,
  queue: true,
  args: true,
  ...defaultOptionNames,
  middleware: true,
  plugins: true,
  ...callbackNames,
} as const;

/** What a definition has besides is allowed too: a new one may be made of it, `defineJob({ ...Hello, queue: 'other' })`. */
const OPTIONS = {
  ...jobOptionNames,
  delivery: true,
  perform: true,
  batch: false,
  performAll: false,
  activeJob: false,
  retryOn: false,
  definedAt: false,
} satisfies OptionsOf<JobDefinition>;

/** @param calledAs the function that the user called, for the place that messages name */
export function definition<In extends Args, Out extends Args>(
  options: JobOptions<In, Out>,
  calledAs: (...args: never[]) => unknown,
): JobDefinition<In, Out> {
  const name: unknown = options.class;
  if (typeof name !== 'string' || name === '' || name.slice(0, -1).includes('*')) {
    throw new ConfigError(
      `defineJob: class must be a name, or a prefix that ends in *, such as 'Hello' or 'email:*'; got ${shown(name)}.`,
    );
  }
  const where = `defineJob ${shown(name)}`;
  if (typeof options.perform !== 'function') {
    throw new ConfigError(`${where}: perform must be a function; got ${shown(options.perform)}.`);
  }
  if (options.queue !== undefined && (typeof options.queue !== 'string' || options.queue === '')) {
    throw new ConfigError(`${where}: queue must be a queue name; got ${shown(options.queue)}.`);
  }
  if (options.args !== undefined && typeof options.args['~standard']?.validate !== 'function') {
    throw new ConfigError(
      `${where}: args must be a Standard Schema, such as z.tuple([z.string()]) of zod 3.24 or later; got ${shown(options.args)}.`,
    );
  }
  if (options.middleware !== undefined) checkMiddleware(options.middleware, `${where}: middleware`);
  checkCallbacks(where, options);
  checkPlugins(`${where}: plugins`, options.plugins);
  const { timeout, expires, deadline, ...rest } = options;
  return {
    ...rest,
    ...checkDefaultOptions(where, options),
    ...(isAtMostOnce(where, options) ? { retry: { attempts: 1 } } : {}),
    definedAt: caller(calledAs),
  };
}

/** @throws ConfigError */
function isAtMostOnce(where: string, { delivery, retry }: Pick<JobOptions<Args, Args>, 'delivery' | 'retry'>): boolean {
  if (delivery === undefined || delivery === 'at-least-once') return false;
  if (delivery !== 'at-most-once') {
    throw new ConfigError(`${where}: delivery must be "at-least-once" or "at-most-once"; got ${shown(delivery)}.`);
  }
  if ((retry?.attempts ?? 1) !== 1) {
    throw new ConfigError(
      `${where}: a job with delivery "at-most-once" has one attempt; got retry.attempts ${shown(retry?.attempts)}. ` +
        'Leave retry out, or use "at-least-once".',
    );
  }
  if (retry?.backoff !== undefined) {
    throw new ConfigError(
      `${where}: a job with delivery "at-most-once" is never tried again, so that retry.backoff means nothing. ` +
        'Leave it out, or use "at-least-once".',
    );
  }
  return true;
}

/** Who called this function. */
function caller(calledAs: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, calledAs);
  const frame = holder.stack?.split('\n')[1] ?? '';
  return /\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(frame)?.[1]?.replace('file://', '') ?? 'an unknown place';
}
