import { ConfigError } from '../../shared/index.ts';
import { parseWithBigInts } from '../../shared/internal.ts';
import { printable, shorten } from './terminal-text.ts';

/** Of an argument in a message, columns. */
const SHOWN = 60;

/** The arguments that `--json` takes, each as JSON. @throws ConfigError that names the one that is none, and how shells quote it */
export function parseArguments(texts: readonly string[]): unknown[] {
  return texts.map((text, i) => {
    try {
      return parseWithBigInts(text);
    } catch (cause) {
      const which = texts.length === 1 ? 'the argument' : `argument ${i + 1} of ${texts.length},`;
      throw new ConfigError(`--json: ${which} ${shown(text)} is not JSON. ${remedy(text)}`, { cause });
    }
  });
}

function remedy(text: string): string {
  if (/^'[\s\S]*'$/.test(text)) {
    return `This shell hands single quotes on; here it is written ${JSON.stringify(text.slice(1, -1))}.`;
  }
  if (/^[{[]/.test(text)) {
    return `A shell takes double quotes away where no single quotes are around them: write '{"month":7}', '["hi"]'.`;
  }
  return `A string needs quotes of its own inside those of the shell: ${quoted(JSON.stringify(text))}.`;
}

/**
 * For arguments that look like JSON and are sent as text: what was perhaps meant.
 * @param name of the class
 * @returns undefined where nothing looks like it
 */
export function jsonHint(name: string, texts: readonly string[]): string | undefined {
  const suspects = texts.filter(looksLikeJson);
  const [first] = suspects;
  if (first === undefined) return undefined;
  const which = suspects.length === 1 ? shown(first) : `${shown(first)} and ${suspects.length - 1} more`;
  const asJson = texts.map((text) => quoted(looksLikeJson(text) ? text : JSON.stringify(text)));
  return (
    `hint: ${which} went as text, since --json was not given. As JSON it is:\n` +
    `  lambdesque enqueue ${[quoted(name), '--json', ...asJson].map(printable).join(' ')}`
  );
}

/** An object, a list, a number, true, false or null; a string in double quotes as well. */
function looksLikeJson(text: string): boolean {
  // A number with a leading zero or plus is none in JSON: it is a code, such as a phone number.
  if (!/^\s*(?:[{["]|-?\d|true\s*$|false\s*$|null\s*$)/.test(text)) return false;
  try {
    parseWithBigInts(text);
    return true;
  } catch {
    return false;
  }
}

function shown(text: string): string {
  return shorten(printable(text), SHOWN);
}

/** As one word of a shell. */
function quoted(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
