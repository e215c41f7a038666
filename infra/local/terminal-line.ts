import { styleText } from 'node:util';
import type { LogFields } from '../../shared/index.ts';
import { printable, shorten, shrink, sum, widthOf, wrap } from './terminal-text.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';
type Style = Parameters<typeof styleText>[0];

const OUTCOMES: Readonly<Record<string, Style>> = {
  succeeded: 'green',
  retried: 'yellow',
  failed: 'red',
  discarded: 'dim',
  released: 'dim',
};
/** By word as well, for who sees no colours. */
const LEVELS: Readonly<Record<Level, { readonly word: string; readonly style?: Style }>> = {
  debug: { word: '', style: 'dim' },
  info: { word: '' },
  warn: { word: 'warning', style: 'yellow' },
  error: { word: 'error', style: 'red' },
};
/** Clock, a blank, and the longest word with its gap. */
const WORD = 9;
const GAP = '  ';
const START = 'hh:mm:ss '.length + WORD + GAP.length;
/** Of what stands below a line. */
const INDENT = '    ';
/** A terminal that is narrower breaks the lines by itself. */
const NARROWEST = 48;
/** How much is left at least of an error, which then stands below as a whole; and of class and queue. */
const LEAST_ERROR = 'Error…'.length;
const LEAST_NAME = 6;
const MOST_EXPENDABLE = 3;
/** Of an error's text below the line. */
const MOST_ERROR_LINES = 20;

interface Part {
  readonly text: string;
  readonly style?: Style | undefined;
  /** How narrow it may become. @default it is never cut */
  readonly least?: number;
  /** It only tells more: the first to go where there is no room. */
  readonly extra?: true;
  /** It goes where the line is too long even when all is cut that may be: the lowest first. */
  readonly expendable?: number;
}

/**
 * A log line for people: one line a run, `11:27:48 failed     Mail  mailers  8d84404e  attempt 3/3  12 ms  Error: SMTP 550`, within
 * the columns of the terminal, and below it what did not fit and the stack. Nothing in it is obeyed by the terminal.
 * @param columns of the terminal
 */
export function terminalLine(time: Date, level: Level, message: string, fields: LogFields, columns: number): string {
  const { outcome, ...rest } = fields;
  const room = Math.max(columns, NARROWEST) - START;
  const isRun = typeof outcome === 'string' && Object.hasOwn(OUTCOMES, outcome);
  const { word, style } = isRun ? { word: outcome, style: OUTCOMES[outcome] } : LEVELS[level];
  const start = `${styleText('dim', time.toTimeString().slice(0, 8))} ${styled(style, word.padEnd(WORD))}${GAP}`;
  const lines = isRun ? runLines(style, rest, room) : messageLines(style, message, rest, room);
  return `${`${start}${lines.join('\n')}`.trimEnd()}\n`;
}

/** Shortened in this order: fields, extras, the error, class and queue, numbers. Of fields and error, nothing is lost. */
function runLines(style: Style | undefined, fields: LogFields, room: number): string[] {
  const { class: name, queue, id, attempt, attempts, ms, retryIn, waitMs, error, stack, ...rest } = fields;
  const [firstLine = '', ...otherLines] = error === undefined ? [] : text(error).split(/\r?\n/);
  const inError = error === undefined ? [] : [{ text: printable(firstLine), style, least: LEAST_ERROR }];
  const others = pairs(rest);
  const all: Part[] = [
    { text: printable(text(name ?? '(no class)')), least: LEAST_NAME },
    { text: printable(text(queue)), least: LEAST_NAME },
    ...(typeof id === 'string' ? [{ text: shortId(id), style: 'dim', expendable: 2 } as const] : []),
    ...(typeof attempt === 'number' ? attemptPart(attempt, attempts) : []),
    ...(typeof ms === 'number' ? [{ text: took(ms), expendable: 1 }] : []),
    ...(typeof retryIn === 'number' ? [{ text: `again in ${took(retryIn)}`, extra: true } as const] : []),
    ...(typeof waitMs === 'number' ? [{ text: `waited ${took(waitMs)}`, style: 'dim', extra: true } as const] : []),
  ];
  const whole = [...all, ...others, ...inError];
  if (otherLines.length === 0 && lineWidth(whole) <= room) return [inked(whole), ...stackLines(stack)];

  const kept = [...all, ...inError];
  while (lineWidth(kept) > room) if (!dropLast(kept, ({ extra }) => extra === true)) break;
  for (let rank = 1; lineWidth(kept, leastOf) > room && rank <= MOST_EXPENDABLE; rank++) {
    dropLast(kept, ({ expendable }) => expendable === rank);
  }
  if (lineWidth(kept, leastOf) > room) kept.splice(kept.length - inError.length);
  const cut = shortened(kept, room);
  const isWhole = otherLines.length === 0 && (error === undefined || cut.at(-1)?.text === inError[0]?.text);
  return [
    inked(cut),
    ...(isWhole ? [] : below(errorLines(text(error), room + START - INDENT.length), style)),
    ...packed(others, room).map((line) => `${INDENT}${line}`),
    ...stackLines(stack),
  ];
}

function messageLines(style: Style | undefined, message: string, fields: LogFields, room: number): string[] {
  const { error, stack, ...rest } = ofJob(fields);
  const said = message.split(/\r?\n/).map(printable);
  const [errorLine = '', ...otherLines] = error === undefined ? [] : text(error).split(/\r?\n/);
  const ends = [...pairs(rest), ...(error === undefined ? [] : [{ text: printable(errorLine), style }])];
  const parts: Part[] = [{ text: said[0] ?? '', style }, ...ends];
  if (said.length === 1 && otherLines.length === 0 && lineWidth(parts) <= room) {
    return [inked(parts), ...stackLines(stack)];
  }
  const [first = '', ...more] = said.flatMap((line) => wrap(line, room)).map((line) => styled(style, line));
  const start = ' '.repeat(START);
  return [
    first,
    ...more.map((line) => `${start}${line}`),
    ...packed(pairs(rest), room).map((line) => `${start}${line}`),
    ...(error === undefined ? [] : errorLines(text(error), room).map((line) => `${start}${styled(style, line)}`)),
    ...stackLines(stack),
  ];
}

/** A handler's own line says which job it is of in few words. */
function ofJob(fields: LogFields): LogFields {
  const { class: name, queue, id, attempt, attempts, ...rest } = fields;
  if (typeof name !== 'string' || typeof queue !== 'string' || typeof id !== 'string' || typeof attempt !== 'number') {
    return fields;
  }
  return { ...rest, job: `${name} ${shortId(id)}`, ...(attempt > 1 ? { attempt } : {}) };
}

/** As much of an id as tells one from the others at hand: of those that are numbered by their worker, the end. */
function shortId(id: string): string {
  return printable(/^[\da-f]{12}-\d+$/.test(id) ? id.slice(-8) : id.slice(0, 8));
}

function attemptPart(attempt: number, attempts: unknown): Part[] {
  const inAll = typeof attempts === 'number' ? attempts : undefined;
  if (attempt === 1 && (inAll ?? 1) === 1) return [];
  return [{ text: `attempt ${attempt}${inAll === undefined ? '' : `/${inAll}`}`, expendable: MOST_EXPENDABLE }];
}

function pairs(fields: LogFields): Part[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ({ text: printable(`${name}=${text(value)}`), style: 'dim' }));
}

/** The error, which is last, gives way before class and queue do. */
function shortened(parts: readonly Part[], room: number): Part[] {
  const over = Math.max(0, lineWidth(parts) - room);
  const natural = parts.map((part) => ({ width: widthOf(part.text), least: leastOf(part) }));
  const last = natural.at(-1);
  const first = last ? natural.with(-1, { ...last, width: Math.max(last.least, last.width - over) }) : natural;
  const widths = shrink(first, room - GAP.length * (parts.length - 1));
  return parts.map((part, i) => ({ ...part, text: shorten(part.text, widths[i] ?? 1) }));
}

/** @returns whether there was one */
function dropLast(parts: Part[], may: (part: Part) => boolean): boolean {
  const at = parts.findLastIndex(may);
  if (at !== -1) parts.splice(at, 1);
  return at !== -1;
}

function leastOf({ text: whole, least }: Part): number {
  const width = widthOf(whole);
  return Math.min(width, least ?? width);
}

function lineWidth(parts: readonly Part[], width: (part: Part) => number = (part) => widthOf(part.text)): number {
  return sum(parts.map(width)) + GAP.length * (parts.length - 1);
}

function inked(parts: readonly Part[]): string {
  return parts.map((part) => styled(part.style, part.text)).join(GAP);
}

/** As many in a line as fit; a longer one has lines of its own. */
function packed(parts: readonly Part[], room: number): string[] {
  const lines: Part[][] = [];
  for (const part of parts.flatMap((one) => wrap(one.text, room).map((line) => ({ ...one, text: line })))) {
    const last = lines.at(-1);
    if (last && lineWidth([...last, part]) <= room) last.push(part);
    else lines.push([part]);
  }
  return lines.map(inked);
}

function errorLines(error: string, room: number): string[] {
  const lines = error.split(/\r?\n/).flatMap((line) => wrap(printable(line), room));
  return lines.length > MOST_ERROR_LINES ? [...lines.slice(0, MOST_ERROR_LINES), '…'] : lines;
}

/** Its lines are left whole: a path that is cut leads nowhere. Files of this folder are named from here. */
function stackLines(stack: unknown): string[] {
  if (typeof stack !== 'string') return [];
  const here = `${process.cwd()}/`;
  return below(
    stack.split('\n').map((line) => printable(line).replace(`file://${here}`, '').replace(here, '')),
    'dim',
  );
}

function below(lines: readonly string[], style: Style | undefined): string[] {
  return lines.map((line) => `${INDENT}${styled(style, line)}`);
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? `${one}` : one)) ?? String(value);
  } catch {
    // Circular, or whoever made it does not want it to be read.
    return Object.prototype.toString.call(value);
  }
}

function took(ms: number): string {
  if (ms < 1_000) return `${ms >= 10 ? Math.round(ms) : Math.round(ms * 100) / 100} ms`;
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

function styled(style: Style | undefined, value: string): string {
  return style === undefined || value.trim() === '' ? value : styleText(style, value);
}
