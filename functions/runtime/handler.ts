import type { Logger } from '../../shared/index.ts';
import { publicError } from './logger.ts';

/** What the handlers use of Lambda's context. */
export interface InvocationContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** The stream of a streamed response. */
export interface ResponseStream {
  write(chunk: string): unknown;
  end(): unknown;
  setContentType(type: string): void;
}

/** The global object that Lambda's Node.js runtime provides. */
export interface LambdaRuntime {
  streamifyResponse<Handler>(handler: Handler): Handler;
  readonly HttpResponseStream: {
    from(
      stream: ResponseStream,
      head: { readonly statusCode: number; readonly headers: Readonly<Record<string, string>> },
    ): ResponseStream;
  };
}

/** One invocation's work. @returns the answer */
export type Work = (event: unknown, context: InvocationContext) => Promise<object>;

const ACCEPTED = {
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
 * A handler whose answer is what the work returns. An HTTP call gets 202, but only when the work is over: without a
 * streamed response Lambda freezes a function as soon as it has answered.
 */
export function bufferedHandler(work: Work, log: Logger) {
  return async (event: unknown, context: InvocationContext): Promise<object> => {
    try {
      const answer = await work(event, context);
      return isHttpEvent(event) ? ACCEPTED : answer;
    } catch (error) {
      throw reported(error, log, context);
    }
  };
}

/** A call of a Function URL, the only one of which the head of a response is streamed. */
function isUrlEvent(event: unknown): boolean {
  if (!isHttpEvent(event)) return false;
  const { domainName } = (event as { requestContext: { domainName?: unknown } }).requestContext;
  return typeof domainName === 'string' && domainName.includes('.lambda-url.');
}

/**
 * A handler that streams its response. A Function URL's caller gets 202 at once: the response ends with the stream, while
 * the invocation goes on until the handler's promise is settled. Any other event gets what the work returns, as JSON.
 * @see https://aws.amazon.com/blogs/compute/running-code-after-returning-a-response-from-an-aws-lambda-function/
 * @see https://github.com/aws/aws-lambda-nodejs-runtime-interface-client src/runtime/streaming-invoke-processor.ts: the
 *   runtime awaits the handler, and asks for the next event only then
 */
export function streamingHandler(work: Work, log: Logger, runtime: LambdaRuntime) {
  return runtime.streamifyResponse(async (event: unknown, stream: ResponseStream, context: InvocationContext) => {
    const url = isUrlEvent(event);
    if (url) {
      const response = runtime.HttpResponseStream.from(stream, ACCEPTED);
      response.write(ACCEPTED.body);
      response.end();
    }
    try {
      const answer = await work(event, context);
      if (url) return;
      stream.setContentType('application/json');
      stream.write(JSON.stringify(isHttpEvent(event) ? ACCEPTED : answer));
      stream.end();
    } catch (error) {
      const shown = reported(error, log, context);
      // Once the response has ended, the runtime has no way to tell an error: the log line is it.
      if (!url) throw shown;
    }
  });
}

function reported(thrown: unknown, log: Logger, context: InvocationContext): Error {
  const error = publicError(thrown);
  log.error('The invocation failed', { requestId: context.awsRequestId, error });
  return error;
}
