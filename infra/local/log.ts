import type { LogFields, Logger } from 'lambdesque';
import { pino } from 'pino';
import pretty from 'pino-pretty';

/** Lines on standard output: for people on a terminal, JSON anywhere else. */
export function createLogger(terminal: boolean): Logger {
  const options = {
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  const stream = terminal
    ? pretty({ sync: true, singleLine: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'level', customPrettifiers: {} })
    : pino.destination({ dest: 1, sync: true });
  return wrap(pino(options, stream));
}

type Pino = Pick<ReturnType<typeof pino>, 'debug' | 'info' | 'warn' | 'error'> & { child(fields: LogFields): Pino };

function wrap(logger: Pino): Logger {
  return {
    debug: (message, fields) => logger.debug(plain(fields), message),
    info: (message, fields) => logger.info(plain(fields), message),
    warn: (message, fields) => logger.warn(plain(fields), message),
    error: (message, fields) => logger.error(plain(fields), message),
    child: (fields) => wrap(logger.child(fields)),
  };
}

/** An error as its name and message: one line, and no library's fields that may hold a payload or a password. */
function plain(fields: LogFields = {}): LogFields {
  const { error } = fields;
  return error instanceof Error ? { ...fields, error: `${error.name}: ${error.message}` } : fields;
}
