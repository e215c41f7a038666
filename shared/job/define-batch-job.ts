import { ConfigError } from '../errors.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import { type BatchContext, type BatchedJob, type BatchOptions, batchOf } from './batch.ts';
import { type Args, definition, type JobDefinition, type JobOptions, jobOptionNames } from './define.ts';

/** What `defineBatchJob` takes. */
export interface BatchJobOptions<In extends Args, Out extends Args>
  extends Omit<JobOptions<In, Out>, 'perform' | 'delivery'> {
  /** Which jobs run together. */
  readonly batch: BatchOptions<In>;
  /**
   * The work, of all of them. What it throws fails them all; `jobs[i].fail(error)` fails one. Each has its own attempts, and comes
   * back in another batch.
   */
  performAll(jobs: readonly BatchedJob<Out>[], ctx: BatchContext): unknown;
}

const OPTIONS = {
  ...jobOptionNames,
  activeJob: false,
  batch: true,
  performAll: true,
} satisfies OptionsOf<BatchJobOptions<Args, Args>>;

/**
 * Define a job class whose waiting jobs run together: one statement for a hundred rows. Each is a job by itself for all that lies
 * around that: its outcome, attempts, limits, `unique`, middleware, plugins. A batch takes one place of a worker's `concurrency`.
 * @throws ConfigError naming the option, the value got and what is allowed
 * @example
 * export const Store = defineBatchJob({
 *   class: 'Store',
 *   queue: 'rows',
 *   batch: { size: 100, wait: '2s' },
 *   async performAll(jobs) {
 *     for (const job of jobs) if (typeof job.args[0] !== 'string') job.fail(new Error('no text'));
 *   },
 * });
 */
export function defineBatchJob<In extends Args = Args, Out extends Args = In>(
  options: BatchJobOptions<In, Out>,
): JobDefinition<In, Out> {
  const where = `defineBatchJob ${shown((options as { class?: unknown } | undefined)?.class)}`;
  if ((options as { delivery?: unknown } | undefined)?.delivery === 'at-most-once') {
    throw new ConfigError(
      `${where}: delivery "at-most-once" is for jobs that run by themselves: what a batch has done of each when its worker dies, nobody knows. ` +
        'Leave it out, or use defineJob.',
    );
  }
  checkOptions(where, options, OPTIONS);
  const { batch, performAll, ...rest } = options;
  if (typeof performAll !== 'function') {
    throw new ConfigError(`${where}: performAll must be a function; got ${shown(performAll)}.`);
  }
  const perform: JobOptions<In, Out>['perform'] = async (args, ctx) => {
    let failure: { readonly error: unknown } | undefined;
    const job: BatchedJob<Out> = {
      args,
      job: ctx.job,
      result: undefined,
      fail(error) {
        failure = { error };
      },
    };
    await performAll([job], ctx);
    if (failure) throw failure.error;
    return job.result;
  };
  return {
    ...definition<In, Out>({ ...rest, perform }, defineBatchJob),
    batch: batchOf(where, batch as BatchOptions<never>),
    performAll: performAll as NonNullable<JobDefinition['performAll']>,
  };
}
