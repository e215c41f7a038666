import { LogFormatter, LogItem, Logger as Powertools } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import type { LogFields, Logger } from '../../shared/index.ts';
import { errorFields } from '../../shared/internal.ts';
import type { InvocationContext } from './invocation.ts';

/** The log of a function: what it is given between two calls of `begin` is about one invocation. */
export interface FunctionLogger extends Logger {
  /** @param context Lambda's, of the invocation that begins */
  begin(context: InvocationContext): void;
}

/**
 * Lines of JSON on standard output through Powertools' Logger. Its level is Lambda's, or that of POWERTOOLS_LOG_LEVEL.
 * @param env the function's environment
 */
export function createLogger(env: Readonly<Record<string, string | undefined>>): FunctionLogger {
  const logger = new Powertools({ serviceName: 'lambdesque', logFormatter: new LineFormatter(env) });
  return {
    ...wrap(logger, {}),
    // It reads names and ids alone.
    begin: (context) => logger.addContext(context as Parameters<Powertools['addContext']>[0]),
  };
}

/**
 * The fields that Powertools writes and its users' queries name. Without those that are the same in each line of a function
 * (its ARN, its memory) or that nobody sets (a sampling rate): what logs take is most of what a busy system pays.
 */
class LineFormatter extends LogFormatter {
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    super();
    this.#env = env;
  }

  formatAttributes(attributes: UnformattedAttributes, more: LogAttributes): LogItem {
    const { lambdaContext } = attributes;
    // Lambda names a trace for each invocation; X-Ray has only those that are sampled.
    const traced = this.#env['_X_AMZN_TRACE_ID']?.includes('Sampled=1');
    return new LogItem({
      attributes: {
        level: attributes.logLevel,
        message: attributes.message,
        timestamp: this.formatTimestamp(attributes.timestamp),
        service: attributes.serviceName,
        cold_start: lambdaContext?.coldStart,
        function_name: lambdaContext?.functionName,
        function_request_id: lambdaContext?.awsRequestId,
        xray_trace_id: traced ? attributes.xRayTraceId : undefined,
      },
    }).addAttributes(more);
  }
}

type Sink = Pick<Powertools, 'debug' | 'info' | 'warn' | 'error'>;

/** A child is our own: one of Powertools' costs more than a small job does, and is made for each job that logs. */
function wrap(sink: Sink, own: LogFields): Logger {
  const merged = (fields: LogFields | undefined) => plain({ ...own, ...fields });
  return {
    debug: (message, fields) => sink.debug(message, merged(fields)),
    info: (message, fields) => sink.info(message, merged(fields)),
    warn: (message, fields) => sink.warn(message, merged(fields)),
    error: (message, fields) => sink.error(message, merged(fields)),
    child: (fields) => wrap(sink, { ...own, ...fields }),
  };
}

/** An error as its name, message and stack, and no library's fields that may hold a payload or a password. */
function plain(fields: Record<string, unknown>): Record<string, unknown> {
  return fields['error'] instanceof Error ? Object.assign(fields, errorFields(fields['error'])) : fields;
}

/**
 * What a handler may throw to the runtime, which prints an error with all that hangs on it: for a refused login that
 * would be the command with the password in it.
 */
export function publicError(thrown: unknown): Error {
  const { name, message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
  const error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
