import { float } from './float.ts';
import type { RubyJson } from './read-json.ts';

/**
 * What Ruby's methods make of values that come of JSON.
 * @see https://docs.ruby-lang.org/en/master/String.html#method-i-inspect
 */

/** How `inspect` shows a hash: Ruby 3.4 has set blanks around its arrows. */
type Arrow = '=>' | ' => ';
export const ARROWS: readonly Arrow[] = ['=>', ' => '];

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '\x1b': '\\e',
};
/** What is not printed as it is; a `#` only where it would interpolate. */
const UNPRINTABLE = /["\\]|#(?=[{$@])|[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\p{Cf}\p{Co}\x85]/gu;

/** `value.inspect` */
export function inspect(value: RubyJson, arrow: Arrow): string {
  if (typeof value === 'string')
    return value.startsWith('"') ? inspectText(JSON.parse(value) as string) : scalar(value);
  if (Array.isArray(value)) return `[${value.map((one) => inspect(one, arrow)).join(', ')}]`;
  const members = [...(value as ReadonlyMap<string, RubyJson>)];
  return `{${members.map(([key, one]) => `${inspectText(key)}${arrow}${inspect(one, arrow)}`).join(', ')}}`;
}

/** `list.join(separator)` */
export function join(list: readonly RubyJson[], separator: string, arrow: Arrow): string {
  const text = (value: RubyJson): string => {
    if (Array.isArray(value)) return join(value, separator, arrow);
    if (value === 'null') return '';
    return typeof value === 'string' && value.startsWith('"') ? (JSON.parse(value) as string) : inspect(value, arrow);
  };
  return list.map(text).join(separator);
}

function inspectText(text: string): string {
  const escaped = text.replace(UNPRINTABLE, (found) => {
    if (found === '#') return '\\#';
    const code = found.codePointAt(0) ?? 0;
    const hex = code.toString(16).toUpperCase();
    return ESCAPES[found] ?? (code > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`);
  });
  return `"${escaped}"`;
}

function scalar(source: string): string {
  if (source === 'null') return 'nil';
  if (source === 'true' || source === 'false') return source;
  return /[.eE]/.test(source) ? float(Number(source)) : source === '-0' ? '0' : source;
}
