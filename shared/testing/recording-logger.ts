import type { LogFields, Logger } from '../log.ts';

/** A line of a log. */
export interface LogLine {
  /** By which method it was logged. */
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Its text, without its fields. */
  readonly message: string;
  /** Those of the line, with those of its child loggers. */
  readonly fields: LogFields;
}

/** A logger that keeps its lines, and those of its children. */
export interface RecordingLogger extends Logger {
  readonly lines: readonly LogLine[];
}

export function recordingLogger(): RecordingLogger {
  const lines: LogLine[] = [];
  return { ...loggerInto(lines, {}), lines };
}

function loggerInto(lines: LogLine[], carried: LogFields): Logger {
  const keep = (level: LogLine['level']) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, fields: { ...carried, ...fields } });
  };
  return {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    child: (fields) => loggerInto(lines, { ...carried, ...fields }),
  };
}
