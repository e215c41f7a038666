import { pino } from 'pino';
import type { LogFields, Logger } from '../../shared/index.ts';
import { errorFields } from '../../shared/internal.ts';
import { LineOutput, type Sink, standardOutput } from './output.ts';
import { type Level, terminalLine } from './terminal-line.ts';
import { terminalWidth } from './terminal-text.ts';

const LOST = 'Log lines could not be written, and are lost';

/** Lines on standard output: for people on a terminal, JSON anywhere else. What cannot be written never stops the work. */
export function createLogger(terminal: boolean, sink: Sink = standardOutput()): Logger {
  return terminal ? forTerminal(sink) : asJson(sink);
}

function asJson(sink: Sink): Logger {
  const lost = (lines: number) =>
    `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), lines, msg: LOST })}\n`;
  const options = {
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  return wrap(pino(options, new LineOutput(sink, lost)));
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

function forTerminal(sink: Sink): Logger {
  const line = (level: Level, message: string, fields: LogFields) =>
    // Asked each time: people change the size of their windows.
    terminalLine(new Date(), level, message, fields, terminalWidth());
  const output = new LineOutput(sink, (lines) => line('warn', LOST, { lines }));
  const logger = (own: LogFields): Logger => {
    const write = (level: Level) => (message: string, fields?: LogFields) =>
      output.write(line(level, message, { ...own, ...plain(fields) }));
    return {
      debug: () => {},
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: (fields) => logger({ ...own, ...fields }),
    };
  };
  return logger({});
}

/** An error as its name, message and stack, and no library's fields that may hold a payload or a password. */
function plain(fields: LogFields = {}): LogFields {
  return fields['error'] instanceof Error ? { ...fields, ...errorFields(fields['error']) } : fields;
}
