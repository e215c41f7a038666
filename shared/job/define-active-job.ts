import { ConfigError, Discard } from '../errors.ts';
import { checkOptions, type OptionsOf } from '../options.ts';
import { callbackNames } from './callbacks.ts';
import type { JobContext } from './context.ts';
import { defaultOptionNames } from './default-options.ts';
import { definition, type JobDefinition, type JobOptions } from './define.ts';
import type { ActiveJobDefaults, Args } from './enqueue.ts';
import { checkRetryOn, type Errors, errorRule, type RetryOn } from './retry-on.ts';

/** What `defineActiveJob` takes: what `defineJob` does, but for the class. */
export interface ActiveJobOptions<In extends Args, Out extends Args>
  extends Omit<JobOptions<In, Out>, 'class' | 'activeJob' | 'plugins'>,
    ActiveJobDefaults {
  /** Name of the class in Ruby, such as `WelcomeJob`; with a `*` at its end every one that begins so. */
  readonly job: string;
  /** What Rails calls `discard_on`: an error of one of these classes, or for which it is true, drops the job. @default none */
  readonly discard?: Errors;
  /**
   * What Rails calls `retry_on`, each with a count of its own, in the payload, where Ruby counts it too. `retry` is for the
   * errors that none of these is for. @default none
   * @example retryOn: [{ errors: [RangeError], exceptions: '[Api::RateLimited]', attempts: 10, backoff: '1m' }]
   */
  readonly retryOn?: readonly RetryOn[];
}

/**
 * Define the handler of a job of Rails' ActiveJob: it is found by its name inside of the wrapper that Rails pushes.
 *
 * Arguments arrive as Ruby's types: see `GlobalId`, `RubySymbol`, `RubyTime` and the others; numbers, text, arrays and hashes
 * are plain values, keyword arguments the last object. `ctx.activeJob` has the rest. `retry` is what `retry_on` is: attempts
 * count together with those that Ruby workers made, and one that follows says so in the payload, so that they may take it.
 * `client.enqueue` writes such a job as Rails does.
 * @throws ConfigError naming the option, the value got and what is allowed
 * @example
 * export const Welcome = defineActiveJob({
 *   job: 'WelcomeJob',
 *   queue: 'mailers',
 *   async perform([user]: [GlobalId], ctx) {
 *     ctx.log.info(`welcome, user ${user.id}`, { locale: ctx.activeJob?.locale });
 *   },
 * });
 */
export function defineActiveJob<In extends Args = Args, Out extends Args = In>(
  options: ActiveJobOptions<In, Out>,
): JobDefinition<In, Out> {
  checkOptions(`defineActiveJob ${JSON.stringify(options?.job)}`, options, OPTIONS);
  const { job, discard, retryOn, priority, locale, timeZone, ...rest } = options;
  const where = `defineActiveJob ${JSON.stringify(job)}`;
  if (typeof job !== 'string' || job === '') {
    throw new ConfigError(
      `defineActiveJob: job must be the name of a class in Ruby, such as 'WelcomeJob'; got ${String(job)}.`,
    );
  }
  if (priority !== undefined && !Number.isSafeInteger(priority)) {
    throw new ConfigError(`${where}: priority must be a whole number; got ${String(priority)}.`);
  }
  for (const [name, value] of Object.entries({ locale, timeZone })) {
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw new ConfigError(`${where}: ${name} must be a name; got ${String(value)}.`);
    }
  }
  checkRetryOn(where, retryOn);
  const isDiscarded = discard === undefined ? undefined : errorRule(`${where}: discard`, discard);
  const perform = isDiscarded ? discarding(options, isDiscarded) : rest.perform;
  return {
    ...definition<In, Out>({ ...rest, class: job, perform }, defineActiveJob),
    ...(retryOn === undefined ? {} : { retryOn }),
    activeJob: {
      ...(priority === undefined ? {} : { priority }),
      ...(locale === undefined ? {} : { locale }),
      ...(timeZone === undefined ? {} : { timeZone }),
    },
  };
}

const OPTIONS = {
  job: true,
  queue: true,
  args: true,
  ...defaultOptionNames,
  retryOn: true,
  discard: true,
  delivery: true,
  middleware: true,
  priority: true,
  locale: true,
  timeZone: true,
  perform: true,
  ...callbackNames,
} satisfies OptionsOf<ActiveJobOptions<Args, Args>>;

function discarding<In extends Args, Out extends Args>(
  options: ActiveJobOptions<In, Out>,
  isDiscarded: (error: unknown) => boolean,
): (args: Out, ctx: JobContext) => unknown {
  return async (args, ctx) => {
    try {
      return await options.perform(args, ctx);
    } catch (error) {
      if (!isDiscarded(error)) throw error;
      throw new Discard(`The job was discarded: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  };
}
