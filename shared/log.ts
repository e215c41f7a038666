/**
 * Fields of a log line: JSON values, and an `Error` under `error`, which becomes `error` (name and message) and `stack`. Never
 * job arguments, unless the user asked for them.
 */
export type LogFields = Readonly<Record<string, unknown>>;

/** What the core logs through. Powertools' Logger and pino both fit behind it. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose every line carries `fields` too. */
  child(fields: LogFields): Logger;
}

/** Logs nothing. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
