import { ConfigError } from './errors.ts';
import { shown } from './options.ts';

/**
 * Fields of a log line: JSON values, and an `Error` under `error`, which becomes `error` (name and message) and `stack`. Never
 * job arguments, unless the user asked for them.
 */
export type LogFields = Readonly<Record<string, unknown>>;

/** What the core logs through. Powertools' Logger and pino both fit behind it. */
export interface Logger {
  /** For whoever looks for a fault. */
  debug(message: string, fields?: LogFields): void;
  /** What happens as it should. */
  info(message: string, fields?: LogFields): void;
  /** What may need a look. */
  warn(message: string, fields?: LogFields): void;
  /** What needs a hand. */
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line carries `fields` too. */
  child(fields: LogFields): Logger;
}

const METHODS = ['debug', 'info', 'warn', 'error', 'child'] as const satisfies readonly (keyof Logger)[];

/** @throws ConfigError for what is no logger, with what it lacks */
export function checkLogger(value: unknown, field: string): void {
  const missing = METHODS.filter((name) => typeof (value as Partial<Logger> | null)?.[name] !== 'function');
  if (missing.length === 0) return;
  throw new ConfigError(
    `${field} must be a logger with the methods ${METHODS.join(', ')}, as pino's is; got ${shown(value)}, without ${missing.join(', ')}.`,
  );
}

/** JSON lines through `console`, for programs that bring no logger of their own. */
export const consoleLogger: Logger = consoleWith({});

function consoleWith(own: LogFields): Logger {
  const line = (level: string, message: string, fields: LogFields = {}) => {
    const { error, ...rest } = fields;
    const shown = error instanceof Error ? { error: `${error.name}: ${error.message}`, stack: error.stack } : { error };
    return JSON.stringify(
      { level, time: new Date().toISOString(), ...own, ...rest, ...shown, msg: message },
      plainBigInt,
    );
  };
  return {
    debug: () => {},
    info: (message, fields) => console.info(line('info', message, fields)),
    warn: (message, fields) => console.warn(line('warn', message, fields)),
    error: (message, fields) => console.error(line('error', message, fields)),
    child: (fields) => consoleWith({ ...own, ...fields }),
  };
}

const plainBigInt = (_key: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);

/** Logs nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
