import { types } from 'node:util';
import { ArgumentsError } from '../errors.ts';
import { hasHalfPair } from '../json.ts';

/**
 * Refuses arguments that would reach the handler as something else, since they travel as JSON. Accepted are text, booleans,
 * null, finite numbers, bigints (written as integers of any size), and arrays and plain objects of these. `-0` is accepted
 * too and arrives as the 0 that it equals.
 *
 * One walk over the values, without allocations unless something is wrong: this runs for every job that is enqueued.
 * @throws ArgumentsError naming the class, the path (as messages of schemas do: `args.1.when`), the value and what to pass
 */
export function checkJsonArgs(className: string, args: readonly unknown[]): void {
  let problem = problemOf(args, 0, undefined);
  if (problem === DEEP) problem = problemOf(args, 0, new Set());
  if (problem === undefined) return;
  throw new ArgumentsError(
    `The arguments of ${className} would not arrive as they are: ${argsPath(problem.path.reverse())} ${problem.says}`,
  );
}

/**
 * @param payload of a job of these arguments, as JSON.stringify writes it
 * @throws ArgumentsError naming the path
 */
export function checkWellFormed(className: string, args: readonly unknown[], payload: string): void {
  if (!hasHalfPair(payload)) return;
  const path = halfPairIn(args);
  throw new ArgumentsError(
    `${path ? `The arguments of ${className} cannot be written as UTF-8: ${argsPath(path)}` : `The payload of ${JSON.stringify(className)} cannot be written as UTF-8: a name in it`} ` +
      'has half of a surrogate pair, at which Ruby ends. Cut text between characters, or pass text.toWellFormed().',
  );
}

function halfPairIn(value: unknown): (string | number)[] | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : [];
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, one] of Object.entries(value)) {
    const path = key.isWellFormed() ? halfPairIn(one) : [];
    if (path) return [key, ...path];
  }
  return undefined;
}

/** Where in the arguments: `args.1.when`. A key that would make that ambiguous stands in quotes; long paths are cut. */
export function argsPath(keys: readonly PropertyKey[]): string {
  const shown = keys.length > 40 ? [...keys.slice(0, 10), '…', ...keys.slice(-5)] : keys;
  return ['args', ...shown.map(String).map((key) => (/[\s."]|^$/.test(key) ? JSON.stringify(key) : key))].join('.');
}

interface Problem {
  readonly says: string;
  /** Innermost first. */
  readonly path: (string | number)[];
}

/** So deep, the values above are kept in mind from there on: one of them may hold itself. */
const SHALLOW = 64;
const DEEP: Problem = { says: 'is nested deeply', path: [] };
/** Levels of an argument. Ruby's JSON reads 100, and around it are the list, the payload and a record: a worker of Ruby ends at more. */
const DEEPEST = 97;

/** @param above the objects that hold the value; undefined while there are few */
function problemOf(value: unknown, depth: number, above: Set<object> | undefined): Problem | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return undefined;
    case 'number':
      return Number.isFinite(value)
        ? undefined
        : problem(`is ${value}, which JSON writes as null. Pass a finite number, null or text.`);
    case 'object':
      return value === null ? undefined : problemOfObject(value, depth, above);
    case 'function':
      return problem('is a function, which JSON leaves out. Pass the data that the handler needs.');
    case 'symbol':
      return problem('is a symbol, which JSON leaves out. Pass text.');
    default:
      return problem('is undefined, which JSON leaves out, or writes as null in a list. Leave it out, or pass null.');
  }
}

function problemOfObject(value: object, depth: number, above: Set<object> | undefined): Problem | undefined {
  if (above === undefined) {
    if (depth === SHALLOW) return DEEP;
  } else {
    if (above.has(value)) return problem('holds itself (is circular), which JSON cannot write. Pass a part of it.');
    if (depth > DEEPEST)
      return problem(
        `is nested deeper than ${DEEPEST} levels, at which Ruby ends, or holds itself. Pass something flatter.`,
      );
    above.add(value);
  }
  const own = Array.isArray(value) ? problemOfArray(value, depth, above) : problemOfFields(value, depth, above);
  above?.delete(value);
  return own;
}

function problemOfArray(value: readonly unknown[], depth: number, above: Set<object> | undefined): Problem | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  // The prototype of arrays, of this realm or another, is an array itself.
  if ((prototype !== Array.prototype && !Array.isArray(prototype)) || hasToJson(value)) return problem(unlike(value));
  for (let i = 0; i < value.length; i++) {
    const found = problemOf(value[i], depth + 1, above);
    if (found) return at(i, found);
  }
  const keys = Object.keys(value);
  if (keys.length === value.length) return undefined;
  return problem(
    `has a key ${JSON.stringify(keys.at(-1))}, which JSON leaves out of a list. Pass [...list], or an object.`,
  );
}

function problemOfFields(value: object, depth: number, above: Set<object> | undefined): Problem | undefined {
  if (!isPlain(value) || hasToJson(value)) return problem(unlike(value));
  for (const key in value) {
    const found = problemOf((value as Record<string, unknown>)[key], depth + 1, above);
    // What Object.prototype was given by others is no part of the value.
    if (found && Object.hasOwn(value, key)) return at(key, found);
  }
  const symbols = Object.getOwnPropertySymbols(value);
  const symbol =
    symbols.length === 0 ? undefined : symbols.find((one) => Object.prototype.propertyIsEnumerable.call(value, one));
  if (symbol === undefined) return undefined;
  return problem(`has a key ${String(symbol)}, and JSON leaves out keys that are symbols. Use text.`);
}

function problem(says: string): Problem {
  return { says, path: [] };
}

function at(key: string | number, found: Problem): Problem {
  if (found !== DEEP) found.path.push(key);
  return found;
}

/** An object as a literal makes it, in this realm or another, or one without a prototype. */
function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

function hasToJson(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

/** What is wrong with an object that is no plain one, and what to pass instead. */
function unlike(value: object): string {
  const name = nameOf(value);
  if (types.isDate(value)) {
    return 'is a Date, which JSON turns into text. Pass date.toISOString(), and read that in the handler.';
  }
  if (types.isMap(value)) return 'is a Map, which JSON writes as {}. Pass Object.fromEntries(map), or [...map].';
  if (types.isSet(value)) return 'is a Set, which JSON writes as {}. Pass [...set].';
  if (types.isPromise(value)) return 'is a promise, which JSON writes as {}. Await it first.';
  if (types.isRegExp(value)) return 'is a RegExp, which JSON writes as {}. Pass its source.';
  if (types.isNativeError(value)) return `is an error (${name}), which JSON writes as {}. Pass its message.`;
  if (types.isBoxedPrimitive(value)) return `is a ${name} object, which JSON unwraps. Pass the value itself.`;
  if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) {
    return `holds bytes (${name}), which JSON turns into an object. Pass text: Buffer.from(bytes).toString('base64').`;
  }
  if (hasToJson(value)) return `is replaced by what its toJSON() returns (${name}). Pass that instead.`;
  return `is an instance of ${name}, of which JSON keeps only the fields. Pass a plain object, such as { ...value }.`;
}

function nameOf(value: object): string {
  const { constructor: Class } = value as { constructor?: unknown };
  return typeof Class === 'function' && Class.name !== '' ? Class.name : 'a class without a name';
}
