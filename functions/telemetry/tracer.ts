import type { Telemetry } from '../../shared/index.ts';
import {
  type Registry,
  type TickResult,
  traceTick,
  tracingRuns,
  tracingSyncs,
  type WorkerBroker,
} from '../../shared/internal.ts';

/** What the functions trace by: apart from them, so that a bundle that traces nothing holds nothing of it. */
export interface Tracer {
  /** Of what jobs enqueue. */
  readonly telemetry: Telemetry;
  runs(registry: Registry): Registry;
  syncs(store: WorkerBroker): WorkerBroker;
  tick(result: TickResult): void;
  /** Before the function is frozen. */
  flush(): Promise<void>;
}

export function tracerOf(telemetry: Telemetry): Tracer {
  return {
    telemetry,
    runs: (registry) => tracingRuns(registry, telemetry),
    syncs: (store) => tracingSyncs(store, telemetry),
    tick: (result) => traceTick(telemetry, result),
    flush: () => telemetry.flush(),
  };
}
