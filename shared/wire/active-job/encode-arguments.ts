import { ArgumentsError } from '../../errors.ts';
import { argsPath } from '../../job/json-args.ts';
import { float } from '../ruby/float.ts';
import {
  formOf,
  GlobalId,
  RubyDate,
  RubyDecimal,
  RubyDuration,
  RubyFloat,
  RubyModule,
  RubyRange,
  RubySymbol,
  RubyTime,
} from './values.ts';

const RESERVED = [
  ...['_aj_globalid', '_aj_serialized', '_aj_symbol_keys', '_aj_ruby2_keywords', '_aj_hash_with_indifferent_access'],
];

/** Levels: what is deeper holds itself, or nothing reads it. */
const DEEPEST = 200;

/**
 * The JSON of ActiveJob's `arguments`, as Rails writes it: types of Ruby's as tagged objects, hashes with a word on their
 * keys, and escapes as ActiveSupport has them. A `Date` becomes a Time in UTC.
 * @param job name of the class, for messages
 * @throws ArgumentsError naming the path, for what Rails could not read back
 */
export function encodeArguments(job: string, args: readonly unknown[]): string {
  const path: (string | number)[] = [];
  let inBare = false;

  const refuse = (says: string): never => {
    throw new ArgumentsError(`The arguments of ${job} cannot be written for ActiveJob: ${argsPath(path)} ${says}`);
  };

  const inside = (key: string | number, value: unknown): string => {
    path.push(key);
    if (path.length > DEEPEST)
      refuse(`is nested deeper than ${DEEPEST} levels, or holds itself. Pass something flatter.`);
    const text = encode(value);
    path.pop();
    return text;
  };

  const tagged = (serializer: string, ...fields: readonly (readonly [string, string])[]): string =>
    object([['_aj_serialized', json(`ActiveJob::Serializers::${serializer}Serializer`)], ...fields]);

  function encode(value: unknown): string {
    switch (typeof value) {
      case 'string':
        return json(value);
      case 'boolean':
      case 'bigint':
        return String(value);
      case 'number':
        return Number.isFinite(value)
          ? number(value)
          : refuse(`is ${value}, which JSON has no word for. Pass null or text.`);
      case 'object':
        return value === null ? 'null' : encodeObject(value);
      default:
        return refuse(`is ${typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`}. Pass data, or null.`);
    }
  }

  function encodeObject(value: object): string {
    if (Array.isArray(value)) return `[${value.map((one, i) => inside(i, one)).join(',')}]`;
    if (value instanceof GlobalId) return object([['_aj_globalid', json(value.uri)]]);
    if (value instanceof RubyFloat)
      return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value.text) ? value.text : refuse('is a RubyFloat that is no number.');
    if (value instanceof RubySymbol) return tagged('Symbol', ['value', json(value.text)]);
    if (value instanceof RubyModule) return tagged('Module', ['value', json(value.text)]);
    if (value instanceof RubyDate) return tagged('Date', ['value', json(value.text)]);
    if (value instanceof RubyDecimal) return tagged('BigDecimal', ['value', json(value.text)]);
    if (value instanceof RubyTime) return time(value);
    if (value instanceof RubyDuration) return duration(value);
    if (value instanceof RubyRange) return range(value);
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) refuse('is a Date without a time.');
      return time(new RubyTime(nineDecimals(value)));
    }
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      refuse(
        `is a ${value.constructor?.name ?? 'class instance'}. Pass plain data, or one of Ruby's types, such as a GlobalId.`,
      );
    }
    return hash(value as Readonly<Record<string, unknown>>);
  }

  const time = ({ type, text, timeZone }: RubyTime): string =>
    tagged(type, ['value', json(text)], ...(timeZone === undefined ? [] : [['time_zone', json(timeZone)] as const]));

  const duration = ({ seconds, parts }: RubyDuration): string =>
    tagged(
      'Duration',
      ['value', inside('seconds', seconds)],
      [
        'parts',
        `[${parts.map(([unit, count], i) => `[${encode(new RubySymbol(unit))},${inside(i, count)}]`).join(',')}]`,
      ],
    );

  const range = ({ begin, end, excludeEnd }: RubyRange): string =>
    tagged(
      'Range',
      ['begin', inside('begin', begin)],
      ['end', inside('end', end)],
      ['exclude_end', String(excludeEnd)],
    );

  function hash(value: Readonly<Record<string, unknown>>): string {
    const form = formOf(value) ?? { kind: inBare ? 'bare' : 'plain', symbols: [] };
    if (form.kind !== 'bare') refuseReserved(value);
    const outer = inBare;
    // What is inside of an object that is written as it came is written so too.
    inBare = form.kind === 'bare';
    const fields = Object.entries(value).map(([key, one]) => [key, inside(key, one)] as const);
    inBare = outer;
    switch (form.kind) {
      case 'bare':
        return object(fields);
      case 'indifferent':
        return object([...fields, ['_aj_hash_with_indifferent_access', 'true']]);
      default: {
        const symbols = form.symbols.filter((key) => Object.hasOwn(value, key)).map(json);
        const mark = form.kind === 'keywords' ? '_aj_ruby2_keywords' : '_aj_symbol_keys';
        return object([...fields, [mark, `[${symbols.join(',')}]`]]);
      }
    }
  }

  function refuseReserved(value: object): void {
    const reserved = RESERVED.find((key) => Object.hasOwn(value, key));
    if (reserved === undefined) return;
    refuse(
      `has the key ${reserved}, which Rails reserves: it would choose what Rails makes of it. Pass a GlobalId or another ` +
        "type of Ruby's, or serializedBy('MoneySerializer', { … }) for a serializer of the app's own.",
    );
  }

  return `[${args.map((one, i) => inside(i, one)).join(',')}]`;
}

/** With the digits after the point that Rails writes. */
export function nineDecimals(time: Date): string {
  return time.toISOString().replace(/\.(\d{3})Z$/, '.$1000000Z');
}

/** As Ruby writes it. What is beyond an integer's range was none: those are bigints, and Ruby tells the two apart. */
function number(value: number): string {
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? String(value) : float(value);
}

function object(fields: readonly (readonly [key: string, value: string])[]): string {
  return `{${fields.map(([key, value]) => `${json(key)}:${value}`).join(',')}}`;
}

/** A JSON string with the escapes of ActiveSupport, which keep it safe in a page of HTML. */
export function json(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
