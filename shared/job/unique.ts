import { ArgumentsError } from '../errors.ts';
import { parseWithBigInts, stringify } from '../json.ts';
import { digestOf } from '../limit.ts';
import { shown } from '../options.ts';
import { encodeArguments } from '../wire/active-job/encode-arguments.ts';
import type { ArgsToText, Unique } from './unique-options.ts';

/** Characters of a class in the name of its locks. */
const LONGEST_CLASS = 80;

/**
 * The name of a job's lock: its class, as far as that can stand in a key, and a digest of class and arguments.
 * @param activeJob `class` is that of an ActiveJob, and the arguments are as Ruby's types
 * @throws ArgumentsError where `by` throws, or gives no text
 */
export function uniqueName(
  className: string,
  { by }: Pick<Unique, 'by'>,
  args: readonly unknown[],
  activeJob = false,
): string {
  return lockName(
    className,
    by === 'args' ? sameJson(activeJob ? encoded(className, args) : args) : textBy(className, by, args),
  );
}

/** @param text what else the lock is of */
export function lockName(name: string, text: string): string {
  const digest = digestOf(`${name}\n${text}`);
  return `${name.replace(/[^A-Za-z0-9_.:-]+/g, '-').slice(0, LONGEST_CLASS)}:${digest}`;
}

/** The lock of a cron entry whose jobs must not overlap. */
export function cronLockName(entry: string): string {
  return lockName(`cron:${entry}`, '');
}

function textBy(className: string, by: ArgsToText<readonly unknown[]>, args: readonly unknown[]): string {
  let text: unknown;
  try {
    text = by(args);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new ArgumentsError(
      `unique.by of ${className} failed, so that nobody knows what the job is equal to: ${said}`,
      {
        cause: error,
      },
    );
  }
  if (typeof text === 'string' && text !== '') return text;
  throw new ArgumentsError(
    `unique.by of ${className} must return a text that is not empty, such as ([order]) => String(order); got ${text instanceof Promise ? 'a promise' : shown(text)}.`,
  );
}

function encoded(className: string, args: readonly unknown[]): unknown {
  return parseWithBigInts(encodeArguments(className, args));
}

/** JSON that is the same for equal values: keys in order. */
function sameJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(sameJson).join()}]`;
  const fields = value as Readonly<Record<string, unknown>>;
  const keys = Object.keys(fields).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${sameJson(fields[key])}`).join()}}`;
}
