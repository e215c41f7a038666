import { redisFlowStarter } from '../broker/redis/flow-starter.ts';
import { ConfigError } from '../errors.ts';
import type { JobContext } from '../job/context.ts';
import type { FlowNode } from '../job/flow.ts';
import type { FlowOptions, StartedFlow } from '../job/flow-options.ts';
import { digestOf } from '../limit.ts';
import { FLOW_ID } from '../wire/flow.ts';
import { FLOW_HOST, type FlowHost } from '../worker/flow-host.ts';
import { flowMaker } from './flow.ts';

/** Characters that are kept of an id that a flow cannot have. */
const KEPT = 100;

/**
 * Starts a flow from a handler, on its worker's Redis. Unless the options say another, its id is the job's: another attempt of the job
 * starts nothing more.
 * @param ctx as the handler got it
 * @throws as `Flow.enqueue`
 * @example
 * export const Crawl = defineJob({
 *   class: 'Crawl',
 *   perform: ([urls], ctx) => startFlow(ctx, group((urls as string[]).map((url) => step('Fetch', [url], { queue: 'web' })))),
 * });
 */
export async function startFlow(ctx: JobContext, node: FlowNode, options?: FlowOptions): Promise<StartedFlow> {
  const host = (ctx as { readonly [FLOW_HOST]?: FlowHost } | undefined)?.[FLOW_HOST];
  if (!host)
    throw new ConfigError('startFlow: takes the context of a job, as its handler gets it: startFlow(ctx, node).');
  const { registry, telemetry, now, onDue } = host;
  const make = flowMaker({ store: host.open(redisFlowStarter), registry, telemetry, now, onDue });
  return make(node, { id: flowIdOf(ctx.job.id), ...options }).enqueue();
}

/** The job's id, or one made of it where a flow cannot have that. */
function flowIdOf(jobId: string): string {
  if (FLOW_ID.test(jobId)) return jobId;
  return `${jobId.slice(0, KEPT).replaceAll(/\W/g, '_')}-${digestOf(jobId)}`;
}
