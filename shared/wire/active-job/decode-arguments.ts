import {
  GlobalId,
  type HashForm,
  RubyDate,
  RubyDecimal,
  RubyDuration,
  RubyFloat,
  RubyModule,
  RubyRange,
  RubySymbol,
  RubyTime,
  withForm,
} from './values.ts';

type Hash = Readonly<Record<string, unknown>>;

const SERIALIZER = /^ActiveJob::Serializers::(\w+)Serializer$/;

/**
 * ActiveJob's arguments with Ruby's types. What is no type that Rails has itself (a serializer of the app's own, a tag in
 * another form) stays the object that it is.
 * @param args the `arguments` of the job, as JSON has them
 */
export function decodeArguments(args: readonly unknown[]): unknown[] {
  return args.map(decodeValue);
}

function decodeValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof RubyFloat) return value;
  if (Array.isArray(value)) return value.map(decodeValue);
  const hash = value as Hash;
  const { _aj_globalid: uri, _aj_serialized: serializer } = hash;
  if (typeof uri !== 'string' && typeof serializer !== 'string') return decodeHash(hash);
  const read = typeof uri === 'string' ? globalId(hash, uri) : serialized(hash, String(serializer));
  return read === hash ? withForm(hash, { kind: 'bare' }) : read;
}

function globalId(hash: Hash, uri: string): unknown {
  if (Object.keys(hash).length > 1) return hash;
  try {
    return new GlobalId(uri);
  } catch {
    return hash;
  }
}

function serialized(hash: Hash, serializer: string): unknown {
  const { value } = hash;
  const [, type] = SERIALIZER.exec(serializer) ?? [];
  switch (type) {
    case 'Duration':
      return duration(hash);
    case 'Range':
      if (typeof hash['exclude_end'] !== 'boolean' || !hasOnly(hash, ['begin', 'end', 'exclude_end'])) return hash;
      return new RubyRange(decodeValue(hash['begin']), decodeValue(hash['end']), hash['exclude_end']);
  }
  if (typeof value !== 'string') return hash;
  if (type === 'TimeWithZone') {
    const zone = hash['time_zone'];
    if ((zone !== undefined && typeof zone !== 'string') || !hasOnly(hash, ['value', 'time_zone'])) return hash;
    return new RubyTime(value, type, zone);
  }
  if (!hasOnly(hash, ['value'])) return hash;
  switch (type) {
    case 'Symbol':
      return new RubySymbol(value);
    case 'Module':
      return new RubyModule(value);
    case 'Date':
      return new RubyDate(value);
    case 'BigDecimal':
      return new RubyDecimal(value);
    case 'Time':
    case 'DateTime':
      return new RubyTime(value, type);
  }
  return hash;
}

function hasOnly(hash: Hash, fields: readonly string[]): boolean {
  return Object.keys(hash).every((key) => key === '_aj_serialized' || fields.includes(key));
}

function duration(hash: Hash): unknown {
  const { value, parts } = hash;
  if (!isNumber(value) || !Array.isArray(parts) || !hasOnly(hash, ['value', 'parts'])) return hash;
  const read = parts.map((part) => {
    const [unit, count] = Array.isArray(part) && part.length === 2 ? part.map(decodeValue) : [];
    return unit instanceof RubySymbol && isNumber(count) ? ([unit.text, count] as const) : undefined;
  });
  return read.every((part) => part !== undefined) ? new RubyDuration(value, read) : hash;
}

function isNumber(value: unknown): value is RubyDuration['seconds'] {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof RubyFloat;
}

const MARKS = ['_aj_symbol_keys', '_aj_ruby2_keywords', '_aj_hash_with_indifferent_access'] as const;

function decodeHash(hash: Hash): Hash {
  const form = hashForm(hash);
  const marks: readonly string[] = form.kind === 'bare' ? [] : MARKS;
  // Not by assignment: a key may be __proto__.
  const entries = Object.entries(hash).filter(([key]) => !marks.includes(key));
  return withForm(Object.fromEntries(entries.map(([key, value]) => [key, decodeValue(value)])), form);
}

function hashForm(hash: Hash): HashForm {
  const marked = MARKS.filter((mark) => Object.hasOwn(hash, mark));
  const [mark] = marked;
  if (mark === undefined || marked.length > 1) return { kind: 'bare' };
  const value = hash[mark];
  if (mark === '_aj_hash_with_indifferent_access') return { kind: value === true ? 'indifferent' : 'bare' };
  if (!Array.isArray(value) || !value.every((key) => typeof key === 'string')) return { kind: 'bare' };
  return { kind: mark === '_aj_symbol_keys' ? 'plain' : 'keywords', symbols: value };
}
