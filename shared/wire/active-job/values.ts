/**
 * What Ruby has and JSON has not, as ActiveJob's arguments carry it. Each keeps the exact text that stands in the payload, so
 * that it is written back as it came. Plain values are these: text, booleans, null, numbers, bigints, arrays and objects.
 */

/**
 * A record of the app, by `GlobalID`: the handler looks it up. `gid://shop/User/7` is app `shop`, model `User`, id `7`.
 * @example await client.enqueue(Report, [new GlobalId('gid://shop/User/7')]);
 */
export class GlobalId {
  /** As it stands in the payload. */
  readonly uri: string;
  /** Name of the app. */
  readonly app: string;
  /** Class name, such as `Admin::User`. */
  readonly model: string;
  /** Percent-decoded. */
  readonly id: string;

  /** @param uri `gid://app/Model/id`, percent-encoded; parameters behind a `?` are kept in `uri` @throws TypeError for another text */
  constructor(uri: string) {
    const [, app, model, id] = /^gid:\/\/([^/?#]+)\/([^/?#]+)\/([^?#]+)(?:\?[^#]*)?$/.exec(uri) ?? [];
    if (app === undefined || model === undefined || id === undefined) {
      throw new TypeError(`A GlobalID looks like gid://app/Model/id; got ${JSON.stringify(uri)}.`);
    }
    this.uri = uri;
    this.app = app;
    this.model = decoded(model);
    this.id = decoded(id);
  }

  /** Its URI. */
  toString(): string {
    return this.uri;
  }

  /** Its URI, for logs: a payload has it in Rails' own form. */
  toJSON(): string {
    return this.uri;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A value that is one text. */
abstract class Text {
  /** As it stands in the payload. */
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  /** Its text. */
  toString(): string {
    return this.text;
  }

  /** Its text, for logs: a payload has it in Rails' own form. */
  toJSON(): string {
    return this.text;
  }
}

/**
 * `:name`.
 * @example await client.enqueue(Report, [new RubySymbol('pdf')]);
 */
export class RubySymbol extends Text {
  /** Tells the types of text apart. @internal */
  declare readonly _kind: 'symbol';
}

/**
 * A class or module, by its name.
 * @example await client.enqueue(Report, [new RubyModule('Admin::User')]);
 */
export class RubyModule extends Text {
  /** Tells the types of text apart. @internal */
  declare readonly _kind: 'module';
}

/**
 * A day without a zone.
 * @example await client.enqueue(Report, [new RubyDate('2026-02-28')]);
 */
export class RubyDate extends Text {
  /** Tells the types of text apart. @internal */
  declare readonly _kind: 'date';
}

/**
 * A decimal number as text, of any length; also `NaN`, `Infinity` and `-Infinity`. Rails 6.1 sends such a number as plain text.
 * @example await client.enqueue(Report, [new RubyDecimal('19.90')]);
 */
export class RubyDecimal extends Text {
  /** Tells the types of text apart. @internal */
  declare readonly _kind: 'decimal';
}

/**
 * A float whose text JavaScript would write otherwise, such as `1.0`: for writing. Read, it is a number.
 * @example await client.enqueue(Report, [new RubyFloat('1.0')]);
 */
export class RubyFloat extends Text {
  /** Tells the types of text apart. @internal */
  declare readonly _kind: 'float';
}

/**
 * An instant, with nine decimals of its second and an offset or zone that a `Date` has no room for.
 * @example await client.enqueue(Report, [new RubyTime('2026-02-28T10:00:00.123456789+01:00')]);
 */
export class RubyTime extends Text {
  /** Its class in Ruby. */
  readonly type: 'Time' | 'DateTime' | 'TimeWithZone';
  /** Of a TimeWithZone, as newer versions of Rails say it: `Europe/Paris`. */
  readonly timeZone: string | undefined;

  /** @param text ISO 8601 with an offset */
  constructor(text: string, type: RubyTime['type'] = 'Time', timeZone?: string) {
    super(text);
    this.type = type;
    this.timeZone = timeZone;
  }

  /** To the millisecond. */
  toDate(): Date {
    return new Date(this.text.replace(/(\.\d{3})\d+/, '$1'));
  }
}

/**
 * A duration, whose months and years are no number of seconds.
 * @example await client.enqueue(Report, [new RubyDuration(172_800, [['days', 2]])]);
 */
export class RubyDuration {
  /** As Rails counts it: a month as a twelfth of an average year. */
  readonly seconds: number | bigint | RubyFloat;
  /** Such as `[['months', 1], ['days', 2]]`. */
  readonly parts: readonly (readonly [unit: string, count: number | bigint | RubyFloat])[];

  constructor(seconds: RubyDuration['seconds'], parts: RubyDuration['parts']) {
    this.seconds = seconds;
    this.parts = parts;
  }
}

/**
 * `first..last`, or `first...last` where `excludeEnd`; either end may be null.
 * @example await client.enqueue(Report, [new RubyRange(1, 10)]);
 */
export class RubyRange {
  /** Its first value; null for none. */
  readonly begin: unknown;
  /** Its last value; null for none. */
  readonly end: unknown;
  /** Its end is not a part of it. */
  readonly excludeEnd: boolean;

  constructor(begin: unknown, end: unknown, excludeEnd = false) {
    this.begin = begin;
    this.end = end;
    this.excludeEnd = excludeEnd;
  }
}

/** Which of a hash's keys are symbols in Ruby, and what else it is. */
export type HashForm =
  /** @property symbols the keys that are symbols; the others are strings */
  | { readonly kind: 'plain'; readonly symbols: readonly string[] }
  /** Keyword arguments: the last of the arguments. */
  | { readonly kind: 'keywords'; readonly symbols: readonly string[] }
  /** Rails' HashWithIndifferentAccess. */
  | { readonly kind: 'indifferent' }
  /** Written as it stands: what is no type of Rails' own, and hashes of older versions, which had no word on their keys. */
  | { readonly kind: 'bare' };

/** Beside the object, so that it has no key which the handler does not expect. */
const forms = new WeakMap<object, HashForm>();

/** @returns the same object, known to have that form */
export function withForm<Hash extends object>(hash: Hash, form: HashForm): Hash {
  forms.set(hash, form);
  return hash;
}

/** What is known of an object's form in Ruby. */
export function formOf(hash: object): HashForm | undefined {
  return forms.get(hash);
}

/**
 * Keyword arguments of a job's `perform`, as its last argument.
 * @example await client.enqueue(Report, [7, keywords({ format: 'pdf' })]); // perform(7, format: 'pdf')
 */
export function keywords<Hash extends Readonly<Record<string, unknown>>>(hash: Hash): Hash {
  return withForm({ ...hash }, { kind: 'keywords', symbols: Object.keys(hash) });
}

/**
 * A hash whose keys are symbols: `{ format: 'pdf' }` as Ruby writes it. Without this, they are strings.
 * @example await client.enqueue(Report, [symbolKeys({ format: 'pdf' })]);
 */
export function symbolKeys<Hash extends Readonly<Record<string, unknown>>>(hash: Hash): Hash {
  return withForm({ ...hash }, { kind: 'plain', symbols: Object.keys(hash) });
}

/**
 * An object that a serializer of the Rails app reads. A plain object must not have such keys: whoever may choose them would
 * choose which record or class Rails looks up.
 * @param serializer its class in Ruby
 * @example await client.enqueue(Report, [serializedBy('MoneySerializer', { amount: 1990, currency: 'EUR' })]);
 */
export function serializedBy<Hash extends Readonly<Record<string, unknown>>>(
  serializer: string,
  fields: Hash,
): Readonly<Record<'_aj_serialized', string>> & Hash {
  return withForm({ _aj_serialized: serializer, ...fields }, { kind: 'bare' });
}
