/** Flows on the brokers of a test: made, looked at and changed as by a client, on the test's time. */
import { redisFlowBroker } from '../../shared/broker/redis/flows.ts';
import { flowMaker } from '../../shared/client/flow.ts';
import type { Flows, FlowTree, MakeFlow } from '../../shared/index.ts';
import { createFlows } from '../../shared/inspect/flows.ts';
import type { AnyJobDefinition } from '../../shared/job/define.ts';
import { createRegistry } from '../../shared/job/registry.ts';
import { NAMESPACE } from './backends.ts';
import type { Brokers } from './brokers.ts';
import { redisTime } from './redis-time.ts';

export interface TestFlows {
  readonly flow: MakeFlow;
  readonly flows: Flows;
}

export function flowsOn(stores: Brokers, jobs: readonly AnyJobDefinition[] = []): TestFlows {
  const broker = redisFlowBroker(stores.client(), NAMESPACE, redisTime.now);
  const flow = flowMaker({ store: broker, registry: createRegistry(jobs), now: async () => Number(redisTime.now()) });
  return { flow, flows: createFlows(broker) };
}

/** Every node's state, by its path. */
export function statesOf(tree: FlowTree | undefined): Record<string, string> {
  if (!tree) return {};
  return Object.assign({ [tree.path]: tree.state }, ...tree.nodes.map(statesOf));
}
