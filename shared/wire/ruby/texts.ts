import type { RubyJson } from './read-json.ts';

/**
 * What Ruby's methods make of values that come of JSON.
 * @see https://docs.ruby-lang.org/en/master/String.html#method-i-inspect
 */

/** How `inspect` shows a hash: Ruby 3.4 has set blanks around its arrows. */
export type Arrow = '=>' | ' => ';
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

/** `Float#to_s`: `1.0`, `1.0e+15`, `1.0e-05`. */
function float(value: number): string {
  const [digits = '', power = '0'] = value.toExponential().split('e');
  const exponent = Number(power);
  if (value !== 0 && (exponent < -4 || exponent >= 15)) {
    const sign = exponent < 0 ? '-' : '+';
    return `${digits.includes('.') ? digits : `${digits}.0`}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  if (Object.is(value, -0)) return '-0.0';
  // JavaScript writes an exponent only for what is smaller than 1e-6, or 1e21 and more.
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}
