import type { FlowStarter } from '../broker/flow-broker.ts';
import type { RedisClient } from '../broker/redis/client.ts';
import type { Registry } from '../job/registry.ts';
import type { Telemetry } from '../telemetry.ts';

/** Where the context of a job has it: no part of what handlers see. */
export const FLOW_HOST = Symbol('flow host');

/** What `startFlow` needs of the worker that runs its job. */
export interface FlowHost {
  /** Calls what makes a starter of flows. It comes from who starts one, so that functions that start none do not hold its code. */
  open(make: (client: RedisClient, namespace: string) => FlowStarter): FlowStarter;
  /** Of the classes of steps. */
  readonly registry: Registry;
  readonly telemetry?: Telemetry | undefined;
  /** Redis's time, epoch ms. */
  readonly now: () => number;
  /** Called after one was started: see `EnqueuerDeps.onDue`. */
  readonly onDue?: ((at: number) => void) | undefined;
}
