import { SHOWN_UNITS, stringify } from '../../../shared/internal.ts';
import { type Html, html } from './html.ts';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** `12,345` */
export function count(value: number): string {
  return whole.format(value);
}

/** `12,345 jobs`, `1 job` */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A rate: `0`, `0.4`, `1,200` */
export function rate(value: number | undefined): string {
  if (value === undefined) return 'unknown';
  return value >= 10 ? whole.format(value) : short.format(value);
}

export function bytes(value: number): string {
  if (value < 1_000) return `${value} bytes`;
  return value < 1_000_000 ? `${short.format(value / 1_000)} kB` : `${short.format(value / 1_000_000)} MB`;
}

/** Milliseconds as people say them: `3 min`, `2 h`, `12 d`. */
export function duration(ms: number): string {
  const [unit, name] = SHOWN_UNITS.find(([size]) => ms >= size) ?? [1, 'ms'];
  const value = ms / unit;
  return `${value < 10 && unit > 1_000 ? short.format(Math.floor(value * 10) / 10) : Math.floor(value)} ${name}`;
}

/** `3 min ago`, or `in 3 min`, with the whole time for whoever points at it and for programs. */
export function time(at: Date | undefined, now: Date): Html {
  if (at === undefined) return html`<span class="unknown">unknown</span>`;
  const text = at.toISOString();
  const ms = now.getTime() - at.getTime();
  const said = Math.abs(ms) < 1_000 ? 'now' : ms > 0 ? `${duration(ms)} ago` : `in ${duration(-ms)}`;
  return html`<time datetime="${text}" title="${utc(at)}">${said}</time>`;
}

/** `2026-11-26 17:09:29 UTC` */
export function utc(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The beginning of a text that may be long. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`;
}

/** Arguments as JSON, their integers to the last digit. */
export function argsText(args: readonly unknown[], length: number): string {
  return cut(args.map((one) => stringify(one) ?? '').join(', '), length);
}

/** JSON with line breaks; what is none stays as it is. */
export function indented(value: unknown): string {
  return stringify(value, 2) ?? '';
}
