import type { JobContext } from './context.ts';

/**
 * Wraps a handler. It calls `next` to go on; what it throws counts as the handler's own error, and if it does not call
 * `next` the attempt succeeds without the handler.
 */
export type Middleware = (ctx: JobContext, next: () => Promise<unknown>) => unknown;

/** One function out of many, the first one outermost. */
export function compose(
  middleware: readonly Middleware[],
  perform: (ctx: JobContext) => unknown,
): (ctx: JobContext) => unknown {
  return middleware.reduceRight<(ctx: JobContext) => unknown>(
    (inner, outer) => (ctx) => outer(ctx, async () => inner(ctx)),
    perform,
  );
}
