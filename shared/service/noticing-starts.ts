import type { JobInfo } from '../job/context.ts';
import type { Handler, Registry } from '../job/registry.ts';

/** The same handlers; each start is told. */
export function noticingStarts(registry: Registry, onStart: (job: JobInfo) => void): Registry {
  const noticing = new Map<Handler, Handler>();
  return {
    definitions: registry.definitions,
    handlerFor(name) {
      const handler = registry.handlerFor(name);
      if (!handler) return undefined;
      let same = noticing.get(handler);
      if (!same) {
        same = {
          ...handler,
          run(args, ctx) {
            onStart(ctx.job);
            return handler.run(args, ctx);
          },
        };
        noticing.set(handler, same);
      }
      return same;
    },
  };
}
