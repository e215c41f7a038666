import { Logger as Powertools } from '@aws-lambda-powertools/logger';
import type { LogFields, Logger } from '../../shared/index.ts';
import { errorFields } from '../../shared/internal.ts';

/** Lines of JSON on standard output through Powertools' Logger. Its level is Lambda's, or that of POWERTOOLS_LOG_LEVEL. */
export function createLogger(): Logger {
  return wrap(new Powertools({ serviceName: 'lambdesque', jsonReplacerFn: withoutSampling }), {});
}

/** Nothing is sampled unless somebody asks for it (POWERTOOLS_LOGGER_SAMPLE_RATE): a 0 in each line is only paid for. */
function withoutSampling(key: string, value: unknown): unknown {
  return key === 'sampling_rate' && value === 0 ? undefined : value;
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
