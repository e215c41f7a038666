import { styleText } from 'node:util';
import type { LogFields } from '../../shared/index.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';
type Colour = Parameters<typeof styleText>[0];

const OUTCOMES: Readonly<Record<string, Colour>> = {
  succeeded: 'green',
  retried: 'yellow',
  failed: 'red',
  discarded: 'dim',
  released: 'dim',
};
const LEVELS: Readonly<Record<Level, Colour | undefined>> = {
  debug: 'dim',
  info: undefined,
  warn: 'yellow',
  error: 'red',
};

/** A log line for people: `11:27:48 failed    Mail  mailers  8d84404e  attempt 3  0 ms  Error: SMTP 550`, the stack below. */
export function terminalLine(time: Date, level: Level, message: string, fields: LogFields): string {
  const { outcome, error, stack, ...rest } = fields;
  const clock = styleText('dim', time.toTimeString().slice(0, 8));
  const isRun = typeof outcome === 'string' && outcome in OUTCOMES;
  const head = isRun ? run(outcome, rest) : [colour(LEVELS[level], message), ...pairs(rest)];
  if (error !== undefined) head.push(colour(isRun ? OUTCOMES[outcome] : 'red', text(error)));
  const below = typeof stack === 'string' ? stack.split('\n').map((line) => `\n    ${styleText('dim', line)}`) : [];
  return `${[clock, ...head].join('  ')}${below.join('')}\n`;
}

function run(outcome: string, { class: name, queue, id, attempt, ms, retryIn, wait, ...rest }: LogFields): string[] {
  return [
    colour(OUTCOMES[outcome], outcome.padEnd(9)),
    text(name ?? '(no class)'),
    text(queue),
    ...(typeof id === 'string' ? [styleText('dim', id.slice(0, 8))] : []),
    ...(typeof attempt === 'number' && attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(typeof ms === 'number' ? [`${ms >= 10 ? Math.round(ms) : ms} ms`] : []),
    ...(typeof wait === 'number' ? [styleText('dim', `waited ${duration(wait)}`)] : []),
    ...(typeof retryIn === 'number' ? [`again in ${duration(retryIn)}`] : []),
    ...pairs(rest),
  ];
}

function pairs(fields: LogFields): string[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => styleText('dim', `${name}=${text(value)}`));
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? `${one}` : one)) ?? String(value);
  } catch {
    return String(value);
  }
}

function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

function colour(name: Colour | undefined, value: string): string {
  return name === undefined ? value : styleText(name, value);
}
