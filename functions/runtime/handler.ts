import type { InvocationContext } from './invocation.ts';
import { type FunctionLogger, publicError } from './logger.ts';

/** One invocation's work. @returns the answer */
type Work = (event: unknown, context: InvocationContext) => Promise<object>;

/** The answer to a call that starts a drain. */
export const ACCEPTED = {
  statusCode: 202,
  headers: { 'content-type': 'application/json' },
  body: '{"status":"draining"}',
} as const;

/** A call over HTTP: a Function URL, or API Gateway in payload format 2.0. */
export function isHttpEvent(event: unknown): boolean {
  const { version, requestContext } = (event ?? {}) as { version?: unknown; requestContext?: { http?: unknown } };
  return version === '2.0' && typeof requestContext?.http === 'object';
}

/**
 * A handler whose answer is what the work returns. An HTTP call gets 202 when the work is over: Lambda freezes a function
 * as soon as it has answered, and what a streamed answer hides is no error to anybody (doorbell.ts answers at once).
 */
export function bufferedHandler(work: Work, log: FunctionLogger) {
  return async (event: unknown, context: InvocationContext): Promise<object> => {
    log.begin(context);
    try {
      const answer = await work(event, context);
      return isHttpEvent(event) ? ACCEPTED : answer;
    } catch (error) {
      throw reported(error, log);
    }
  };
}

function reported(thrown: unknown, log: FunctionLogger): Error {
  const error = publicError(thrown);
  log.error('The invocation failed', { error });
  return error;
}
