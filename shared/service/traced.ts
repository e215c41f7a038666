import type { Broker } from '../broker/broker.ts';
import type { JobContext } from '../job/context.ts';
import { type Registry, wrapHandlers } from '../job/registry.ts';
import type { TickResult } from '../scheduler/tick.ts';
import type { Telemetry } from '../telemetry.ts';

/** The same handlers, whose runs are traced. */
export function tracingRuns(registry: Registry, telemetry: Telemetry): Registry {
  return wrapHandlers(registry, (handler) => ({
    ...handler,
    run: (args, ctx: JobContext) => telemetry.run(ctx.job, ctx.signal, () => handler.run(args, ctx)),
  }));
}

/** The same broker, whose syncs are traced where they settled or reserved something: a worker that waits has many others. */
export function tracingSyncs<Store extends Pick<Broker, 'sync'>>(store: Store, telemetry: Telemetry): Store {
  return {
    ...store,
    async sync(request) {
      const startedAt = Date.now();
      const result = await store.sync(request);
      const reserved = result.kind === 'held' ? result.jobs.length : 0;
      const settled = request.settle.length;
      if (reserved + settled > 0) telemetry.did({ name: 'sync', startedAt, counts: { reserved, settled } });
      return result;
    },
  };
}

/** Traces a tick, if it did something. */
export function traceTick(telemetry: Telemetry, result: TickResult): void {
  const { promoted, retried, reclaimed, cron, failed, ms } = result;
  const counts = { promoted, retried, reclaimed, cron, failed };
  if (Object.values(counts).every((count) => count === 0)) return;
  telemetry.did({ name: 'tick', startedAt: Date.now() - ms, counts });
}
