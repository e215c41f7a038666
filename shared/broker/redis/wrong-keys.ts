import { isUtf8 } from 'node:buffer';
import type { WrongKey } from '../broker.ts';
import { list, type Reply, text } from './client.ts';

/** @param reply of a script: {{key, problem}…} */
export function wrongKeysOf(reply: Reply | undefined): WrongKey[] {
  return list(reply).map((pair) => {
    const [key, error] = list(pair);
    return { key: text(key), error: text(error) };
  });
}

/** A longer name is nobody's, and a request with it might not pass, bytes. */
const LONGEST_NAME = 65_536;

/** The text of a member or field; undefined where it cannot be named in a command, which takes text only. */
export function nameOf(reply: Reply | undefined): string | undefined {
  if (!Buffer.isBuffer(reply)) return text(reply);
  return reply.length <= LONGEST_NAME && isUtf8(reply) ? reply.toString('utf8') : undefined;
}

/** A member or field as an error shows it: short, and in one line. */
export function shown(reply: Reply | string | undefined): string {
  const whole = Buffer.isBuffer(reply) ? reply.toString('utf8', 0, 400) : String(reply).slice(0, 400);
  const short = whole.length > 80 ? `${whole.slice(0, 80)}…` : whole;
  return JSON.stringify(short.toWellFormed());
}

/** A number or score as Redis writes it, `-inf` too; NaN for what is none, such as an empty text. */
export function numberOf(text: string): number {
  if (/^\s*$/.test(text)) return Number.NaN;
  if (/^[+-]?inf(inity)?$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}
