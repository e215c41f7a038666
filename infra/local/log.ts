import type { LogFields, Logger } from '../../shared/index.ts';
import { errorFields, stringify } from '../../shared/internal.ts';
import { type LineOutput, standardLines } from './output.ts';
import { type Level, terminalLine } from './terminal-line.ts';
import { terminalWidth } from './terminal-text.ts';

const LOST = 'Log lines could not be written, and are lost';

/** @param lostLine the line that tells how many were lost */
type OpenLines = (lostLine: (lines: number) => string) => LineOutput;

/**
 * Lines for people on a terminal, JSON anywhere else. What cannot be written never stops the work.
 * @param open @default on standard output
 */
export function createLogger(terminal: boolean, open: OpenLines = standardLines): Logger {
  const line = terminal
    ? // The width is asked for each time: people change the size of their windows.
      (level: Level, message: string, fields: LogFields) =>
        terminalLine(new Date(), level, message, fields, terminalWidth())
    : jsonLine;
  const output = open((lines) => line('warn', LOST, { lines }));
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

/** One for each run: by JSON.stringify, a fourth of the work that a library for log lines makes of it. */
function jsonLine(level: Level, message: string, fields: LogFields): string {
  return `${written({ level, time: isoTime(), ...fields, msg: message })}\n`;
}

/** What JSON cannot say, such as a circle, is told instead of thrown to who logs. */
function written(fields: LogFields): string {
  try {
    return stringify(fields);
  } catch {
    const each = Object.entries(fields).map(([name, value]) => {
      try {
        return [name, JSON.parse(stringify(value) ?? 'null')];
      } catch (error) {
        return [name, `(cannot be written: ${String(error).split('\n')[0]})`];
      }
    });
    return JSON.stringify(Object.fromEntries(each));
  }
}

let lastMs = Number.NaN;
let lastText = '';

/** Now. Many lines are of the same millisecond, and to write a date is a good part of a line's work. */
function isoTime(): string {
  const now = Date.now();
  if (now !== lastMs) {
    lastMs = now;
    lastText = new Date(now).toISOString();
  }
  return lastText;
}

/** An error as its name, message and stack, and no library's fields that may hold a payload or a password. */
function plain(fields: LogFields = {}): LogFields {
  return fields['error'] instanceof Error ? { ...fields, ...errorFields(fields['error']) } : fields;
}
