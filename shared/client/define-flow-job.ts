import { ConfigError } from '../errors.ts';
import type { JobContext } from '../job/context.ts';
import { type Args, definition, type JobDefinition, type JobOptions, jobOptionNames } from '../job/define.ts';
import type { FlowNode } from '../job/flow.ts';
import type { FlowOptions } from '../job/flow-options.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import { startFlow } from './start-flow.ts';

/** What `defineFlowJob` takes. */
export interface FlowJobOptions<In extends Args, Out extends Args> extends Omit<JobOptions<In, Out>, 'perform'> {
  /** Makes the flow, of the job's arguments. */
  flow(args: Out, ctx: JobContext): FlowNode | PromiseLike<FlowNode>;
  /** Of the flow. Its id is the job's, its name the job's class unless it is said here. */
  readonly flowOptions?: Omit<FlowOptions, 'id'>;
}

const OPTIONS = {
  ...jobOptionNames,
  activeJob: false,
  delivery: true,
  flow: true,
  flowOptions: true,
} satisfies OptionsOf<FlowJobOptions<Args, Args>>;

/**
 * Define a job that starts a flow: what a cron entry names to start one, or a program that knows the class alone. However often the job
 * runs, its flow is started once. Of a cron entry with `overlap: 'skip'` none is started while the one before runs.
 * @throws ConfigError naming the option, the value got and what is allowed
 * @example
 * export const Nightly = defineFlowJob({
 *   class: 'Nightly',
 *   queue: 'reports',
 *   flow: () => chain(step(Fetch, []), group(step(Store, []), step(Tell, []))),
 * });
 * export const cron = { nightly: { cron: '0 3 * * *', class: 'Nightly', overlap: 'skip' } } as const;
 */
export function defineFlowJob<In extends Args = Args, Out extends Args = In>(
  options: FlowJobOptions<In, Out>,
): JobDefinition<In, Out> {
  const where = `defineFlowJob ${shown((options as { class?: unknown } | undefined)?.class)}`;
  checkOptions(where, options, OPTIONS);
  const { flow, flowOptions, ...rest } = options;
  if (typeof flow !== 'function') {
    throw new ConfigError(
      `${where}: flow must be a function that gives a flow, such as () => chain(step(Fetch, [])); got ${shown(flow)}.`,
    );
  }
  const perform: JobOptions<In, Out>['perform'] = async (args, ctx) => {
    const { class: name } = ctx.job;
    // One of each entry at a time: another entry of the class is another thing.
    const alone =
      ctx.cron?.overlap === 'skip' ? ({ overlap: 'skip', name: `${name} (${ctx.cron.name})` } as const) : {};
    const started = await startFlow(ctx, await flow(args, ctx), { name, ...alone, ...flowOptions });
    if (started.overlaps !== undefined)
      ctx.log.warn('No flow was started: the one before it still runs', { flow: started.overlaps });
    return started.id;
  };
  return definition<In, Out>({ ...rest, perform }, defineFlowJob);
}
