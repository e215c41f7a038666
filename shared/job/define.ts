import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ConfigError } from '../errors.ts';
import type { JobContext } from './context.ts';
import type { Middleware } from './middleware.ts';
import { checkRetry, type RetryOptions } from './retry.ts';

/** An argument list. */
export type Args = readonly unknown[];

/** Any Standard Schema (zod, valibot, arktype, …) whose value is an argument list. @see https://standardschema.dev */
export type ArgsSchema = StandardSchemaV1<Args, Args>;

export interface JobOptions<In extends Args, Out extends Args> {
  /**
   * What stands in a payload's `class`. With a `*` at its end it stands for every class that begins so, and the longest
   * such prefix wins over shorter ones; an exact name wins over all.
   */
  readonly class: string;
  /** Where `enqueue` puts it if the caller names no queue. */
  readonly queue?: string;
  /** Checks the arguments, of `enqueue` and of payloads, and gives `perform` its types. @default arguments as they come */
  readonly args?: StandardSchemaV1<In, Out>;
  /** @default 5 attempts, with waits that grow from 16 s to 7 min */
  readonly retry?: RetryOptions;
  /** Milliseconds that one attempt may take; `Infinity` for no limit. @default 900000 (15 min, the longest that Lambda allows) */
  readonly timeout?: number;
  /**
   * `at-least-once`: a job whose worker died runs again. `at-most-once`: the start is written to Redis before the handler
   * runs, and a job that may have started is never run again. @default 'at-least-once'
   */
  readonly delivery?: 'at-least-once' | 'at-most-once';
  /** Around `perform`, inside the middleware of all jobs; outermost first. */
  readonly middleware?: readonly Middleware[];
  /**
   * The work. What it throws makes the attempt fail; `SkipRetry`, `RetryIn` and `Discard` say what to do then.
   * When `ctx.signal` aborts, it should reject soon.
   */
  perform(args: Out, ctx: JobContext): unknown;
}

/** A checked job definition. */
export interface JobDefinition<In extends Args = Args, Out extends Args = Args> extends JobOptions<In, Out> {
  /** Where `defineJob` was called, `file:line:column`; for messages. */
  readonly definedAt: string;
}

/** Any definition, whatever its arguments. */
// `perform` is declared as a method, so its parameter types do not stand in the way of this.
export type AnyJobDefinition = JobDefinition<never, never> | JobDefinition;

/**
 * Define a job class: its name, its handler and how it is tried again.
 * @throws ConfigError naming the option, the value got and what is allowed
 */
export function defineJob<In extends Args = Args, Out extends Args = In>(
  options: JobOptions<In, Out>,
): JobDefinition<In, Out> {
  const name: unknown = options.class;
  if (typeof name !== 'string' || name === '' || name.slice(0, -1).includes('*')) {
    throw new ConfigError(
      `defineJob: class must be a name, or a prefix that ends in *, such as 'Hello' or 'email:*'; got ${show(name)}.`,
    );
  }
  const where = `defineJob ${show(name)}`;
  if (typeof options.perform !== 'function') {
    throw new ConfigError(`${where}: perform must be a function; got ${show(options.perform)}.`);
  }
  if (options.queue !== undefined && (typeof options.queue !== 'string' || options.queue === '')) {
    throw new ConfigError(`${where}: queue must be a queue name; got ${show(options.queue)}.`);
  }
  if (options.timeout !== undefined && !(typeof options.timeout === 'number' && options.timeout > 0)) {
    throw new ConfigError(
      `${where}: timeout must be a number of milliseconds above 0, or Infinity; got ${show(options.timeout)}.`,
    );
  }
  if (options.args !== undefined && typeof options.args['~standard']?.validate !== 'function') {
    throw new ConfigError(
      `${where}: args must be a Standard Schema, such as z.tuple([z.string()]) of zod 3.24 or later; got ${show(options.args)}.`,
    );
  }
  checkRetry(where, options.retry);
  return { ...options, definedAt: caller() };
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : typeof value === 'function' ? 'a function' : String(value);
}

/** The place two frames up: who called `defineJob`. */
function caller(): string {
  const frame = new Error().stack?.split('\n')[3] ?? '';
  return /\(?((?:file:\/\/)?[^()\s]+:\d+:\d+)\)?$/.exec(frame)?.[1]?.replace('file://', '') ?? 'an unknown place';
}
