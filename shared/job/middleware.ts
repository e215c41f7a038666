import { ConfigError, MiddlewareError } from '../errors.ts';
import { shown } from '../options.ts';
import type { JobContext } from './context.ts';

/**
 * Wraps a handler. It calls `next` to go on, once; what it throws counts as the handler's own error, and if it does not
 * call `next` the attempt succeeds without the handler.
 *
 * A second call of `next`, and one after the middleware has ended, rejects with a MiddlewareError and runs nothing; the
 * first of these makes the attempt fail, without a further one, even if the middleware takes no notice of it. To try a
 * handler again is what `retry` of its definition is for. A run ends when its handler has: also where a middleware does
 * not wait for what `next` returned, unless it throws.
 * @example
 * const timed: Middleware = async (ctx, next) => {
 *   const begun = performance.now();
 *   await next();
 *   ctx.log.info('timed', { ms: performance.now() - begun });
 * };
 */
export type Middleware = (ctx: JobContext, next: () => Promise<unknown>) => unknown;

/** @throws ConfigError for what is no list of functions */
export function checkMiddleware(value: unknown, field: string): void {
  if (!Array.isArray(value)) throw new ConfigError(`${field} must be a list of functions; got ${shown(value)}.`);
  const wrong = value.findIndex((one) => typeof one !== 'function');
  if (wrong !== -1) throw new ConfigError(`${field}[${wrong}] must be a function; got ${shown(value[wrong])}.`);
}

/** One function out of many, the first one outermost. */
export function compose(
  middleware: readonly Middleware[],
  perform: (ctx: JobContext) => unknown,
): (ctx: JobContext) => unknown {
  return middleware.reduceRight<(ctx: JobContext) => unknown>(
    (inner, outer, i) => (ctx) => around(outer, `${i + 1} of ${middleware.length}`, ctx, inner),
    perform,
  );
}

/** @param place which middleware of how many, for messages */
async function around(
  outer: Middleware,
  place: string,
  ctx: JobContext,
  inner: (ctx: JobContext) => unknown,
): Promise<unknown> {
  let running: Promise<unknown> | undefined;
  let innerEnded = false;
  let ended = false;
  let misuse: MiddlewareError | undefined;
  const refuse = (what: string) =>
    new MiddlewareError(`${ctx.job.class}: the middleware ${nameOf(outer, place)} ${what}`);

  const next = (): Promise<unknown> => {
    // Nobody waits for this one any more: it is left to be told as a rejection that nobody handled.
    if (ended)
      return Promise.reject(refuse('called next() after it had ended. Await next(), or return what it returns.'));
    if (running) {
      misuse ??= refuse(
        'called next() twice; the handler ran once. To try it again is what retry of defineJob is for.',
      );
      return rejected(misuse);
    }
    running = (async () => {
      try {
        return await inner(ctx);
      } finally {
        innerEnded = true;
      }
    })();
    return running;
  };

  try {
    const result = await outer(ctx, next);
    // The job is not done before its handler is, and what that throws must not be lost.
    if (!innerEnded) await running;
    if (!misuse) return result;
  } catch (error) {
    if (!misuse) throw error;
  } finally {
    ended = true;
  }
  throw misuse;
}

function nameOf({ name }: Middleware, place: string): string {
  return name === '' ? place : `${name} (${place})`;
}

/** A rejection that is told elsewhere, whether or not somebody looks at this one. */
function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}
