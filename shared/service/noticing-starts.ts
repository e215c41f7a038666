import type { JobInfo } from '../job/context.ts';
import { type Registry, wrapHandlers } from '../job/registry.ts';

/** The same handlers; each start is told. */
export function noticingStarts(registry: Registry, onStart: (job: JobInfo) => void): Registry {
  return wrapHandlers(registry, (handler) => ({
    ...handler,
    run(args, ctx) {
      onStart(ctx.job);
      return handler.run(args, ctx);
    },
  }));
}
