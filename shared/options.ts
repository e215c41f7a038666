import { ConfigError } from './errors.ts';
import { didYouMean, nearest } from './nearest.ts';

/** The options of a function by name; false for those that are taken and not told of. */
export type KnownOptions = Readonly<Record<string, boolean>>;

/** For those of a type, all of them: `{ … } satisfies OptionsOf<EnqueueOptions>`. */
export type OptionsOf<T> = { readonly [option in keyof Required<T>]: boolean };

/**
 * Options are an object, and each is known: a misspelt one would else do nothing, silently.
 * @param where what was called, for messages  @param secret values may be: none is told
 * @throws ConfigError with the option, its value, what was probably meant and what there is
 */
export function checkOptions(where: string, given: unknown, known: KnownOptions, secret = false): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigError(`${where}: options must be an object; got ${secret ? kindOf(given) : shown(given)}.`);
  }
  const unknown = unknownOption(given, known);
  if (unknown !== undefined) throw noSuchOption(where, unknown, secret ? undefined : given, known);
}

/** The first option that there is not. Costs next to nothing: `enqueue` asks it for each job. */
export function unknownOption(given: object, known: KnownOptions): string | undefined {
  for (const name in given) if (!Object.hasOwn(known, name)) return name;
  return undefined;
}

export function noSuchOption(where: string, name: string, given: object | undefined, known: KnownOptions): ConfigError {
  const told = Object.keys(known).filter((one) => known[one] !== false);
  const value = given === undefined ? '' : `; got ${shown((given as Readonly<Record<string, unknown>>)[name])}`;
  return new ConfigError(
    `${where}: there is no option ${JSON.stringify(name)}${didYouMean(nearest(name, Object.keys(known)))}${value}. ` +
      `There are ${told.join(', ')}.`,
  );
}

/** A value in a message. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) {
    try {
      return JSON.stringify(value)?.slice(0, 100) ?? 'an object';
    } catch {
      return 'an object';
    }
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** What kind of value it is, where the value itself is not to be told. */
export function kindOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}
