import { isUtf8 } from 'node:buffer';
import { types } from 'node:util';
import { ConfigError, Discard, LambdesqueError, PayloadError, SkipRetry } from '../errors.ts';
import { RetryIn } from '../job/retry.ts';
import { resqueTime } from './resque-time.ts';
import { stackLines } from './stack-lines.ts';

/** An error as a failed entry shows it. */
export interface ErrorInfo {
  readonly exception: string;
  readonly error: string;
  readonly backtrace: readonly string[];
}

export interface FailedEntryFields {
  readonly failedAt: Date;
  readonly thrown: unknown;
  readonly worker: string;
  readonly queue: string;
}

/** Lines of a backtrace that are kept; the list is for people. */
const MOST_LINES = 100;
/** Bytes of an entry: Upstash takes requests of 10 MB at the most. */
const MOST_ENTRY = 8_388_608;
/** Bytes of a payload that is too large for its entry. */
const KEPT = 65_536;
/** Characters of a message, or of a line, that are kept. */
const MOST_TEXT = 10_000;

/**
 * Resque's failed entry around a payload: `head`, the payload's bytes, `tail`. Keys stand in Resque's order; `worker` is
 * always a string and `failed_at` always parses as a date, since resque-web stops at an entry where they do not.
 */
export function failedEntry(fields: FailedEntryFields): { head: string; tail: string } {
  const { exception, error, backtrace } = errorInfo(fields.thrown);
  const rest = JSON.stringify({ exception, error, backtrace, worker: fields.worker, queue: fields.queue });
  return {
    head: `{"failed_at":"${resqueTime.failedAt(fields.failedAt)}","payload":`,
    tail: `,${rest.slice(1)}`,
  };
}

/**
 * A whole failed entry for a payload that is not JSON: it stands there as a string, shortened where it would be too large to
 * pass. One that is not UTF-8 stands there as the text that it nearly is, and its exact bytes in base64 under
 * `payload_base64`.
 */
export function buriedEntry(fields: FailedEntryFields, bytes: Buffer): string {
  const utf8 = isUtf8(bytes);
  if (bytes.length <= MOST_ENTRY) {
    const entry = wholeEntry(fields, bytes, utf8);
    if (Buffer.byteLength(entry) <= MOST_ENTRY) return entry;
  }
  const reason = fields.thrown instanceof Error ? fields.thrown.message : String(fields.thrown);
  const thrown = new PayloadError(
    `${reason.replace(/\.$/, '')}; of its ${bytes.length} bytes only the first ${KEPT} are kept here, since no more would pass.`,
  );
  return wholeEntry({ ...fields, thrown }, bytes.subarray(0, KEPT), utf8);
}

function wholeEntry(fields: FailedEntryFields, bytes: Buffer, utf8: boolean): string {
  const { head, tail } = failedEntry(fields);
  const payload = JSON.stringify(bytes.toString('utf8'));
  if (utf8) return `${head}${payload}${tail}`;
  return `${head}${payload}${tail.slice(0, -1)},"payload_base64":"${bytes.toString('base64')}"}`;
}

/** Name, message and stack of whatever was thrown: an Error, an AggregateError, a string, null, anything. */
export function errorInfo(thrown: unknown): ErrorInfo {
  try {
    return describeError(thrown);
  } catch (why) {
    // A getter that throws, a proxy: whoever threw this does not want it to be read. Or a mistake here, which must show.
    const error = clean(`The handler threw something that cannot be read (${safeText(why)}).`);
    return { exception: 'UnreadableError', error, backtrace: [] };
  }
}

/** The fields of a log line for whatever was thrown: its name and message, and where it came from. */
export function errorFields(thrown: unknown): { readonly error: string; readonly stack?: string } {
  const { exception, error, backtrace } = errorInfo(thrown);
  const text = `${exception}: ${error}`;
  return backtrace.length === 0 ? { error: text } : { error: text, stack: backtrace.join('\n') };
}

function describeError(thrown: unknown): ErrorInfo {
  if (!isError(thrown)) {
    return {
      exception: 'NonErrorThrown',
      error: clean(`The handler threw ${describe(thrown)}, not an Error.`),
      backtrace: [],
    };
  }
  // The stack of an error that we raised ourselves leads into this library, not to a mistake of the reader's.
  const lines = isVerdict(thrown) ? [] : stackOf(thrown);
  for (let cause = thrown.cause, depth = 0; cause !== undefined && depth < 5; depth++) {
    const info: string = isError(cause) ? `${nameOf(cause)}: ${safeText(cause.message)}` : describe(cause);
    lines.push(`Caused by: ${info}`, ...(isError(cause) ? stackOf(cause) : []));
    cause = isError(cause) ? cause.cause : undefined;
  }
  const inner = thrown instanceof AggregateError ? [...thrown.errors].slice(0, 10).map(describe) : [];
  const message = [safeText(thrown.message), ...inner.map((one, i) => `[${i}] ${one}`)].filter(Boolean).join('; ');
  return {
    exception: clean(nameOf(thrown)),
    error: clean(message),
    backtrace: lines.slice(0, MOST_LINES).map((line) => clean(line.trim())),
  };
}

function isVerdict(error: Error): boolean {
  const thrownByHandlers = [SkipRetry, RetryIn, Discard, ConfigError];
  return error instanceof LambdesqueError && !thrownByHandlers.some((one) => error instanceof one);
}

/** An Error of this realm or another. `Error.isError` is new in Node 24. */
function isError(value: unknown): value is Error {
  return Error.isError?.(value) ?? (types.isNativeError(value) || value instanceof DOMException);
}

function nameOf(error: Error): string {
  const name: unknown = error.name;
  return typeof name === 'string' && name !== '' ? name : 'Error';
}

function stackOf(error: Error): string[] {
  const stack: unknown = error.stack;
  return typeof stack === 'string' ? stackLines(stack) : [];
}

function describe(value: unknown): string {
  if (isError(value)) return `${nameOf(value)}: ${safeText(value.message)}`;
  if (typeof value === 'string') return `the string ${JSON.stringify(value)}`;
  return safeText(value);
}

/** String(value), also where that throws: a symbol in a template, an object without prototype, a hostile toString. */
function safeText(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `an ${typeof value} that has no text`;
  }
}

/** Lone surrogates would be invalid UTF-8 in Ruby; and an entry that no server takes would hold up all others. */
function clean(text: string): string {
  const short = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}… (${text.length} characters)` : text;
  return short.toWellFormed();
}
