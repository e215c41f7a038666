import { isUtf8 } from 'node:buffer';
import { parseWithBigInts } from '../json.ts';
import { unsplice } from './attempts-record.ts';
import { fingerprint } from './fingerprint.ts';
import { membersOf, type Span } from './json-members.ts';
import { readDate } from './read-date.ts';
import { shownJob } from './shown-job.ts';

/** What a failed entry says, whoever wrote it. */
export interface FailedFields {
  /** undefined where the entry has no date that can be read. */
  readonly failedAt: Date | undefined;
  /** That it was taken from. */
  readonly queue: string | undefined;
  /** undefined, and no arguments, where the payload is no job. */
  readonly class: string | undefined;
  /** The payload's `id`. */
  readonly id: string | undefined;
  /** Decoded, integers beyond ±(2⁵³−1) as bigint. */
  readonly args: readonly unknown[];
  /** Name of the error's class; '' where the entry has none. */
  readonly exception: string;
  /** Its message; '' where the entry has none. */
  readonly error: string;
  /** Its lines; none where the entry has none. */
  readonly backtrace: readonly string[];
  /** Id of the worker that ran it. */
  readonly worker: string | undefined;
  /** When it was last run again: by `retry` here, or in resque-web. */
  readonly retriedAt: Date | undefined;
  /**
   * The payload as its producer wrote it; '' where the entry has none. What is not UTF-8 is shown with replacement
   * characters.
   */
  readonly payload: string;
  /** Of exception and message, with numbers, ids and quoted values taken out: equal for what failed in the same way. */
  readonly fingerprint: string;
}

/** How a payload is taken out of its entry, and how the entry is told that it was retried. Places are of bytes. */
export interface RetryCut {
  /** The payload in the entry; or its bytes, where the entry holds them in another form. */
  readonly payload: Span | Buffer;
  /** What is replaced by `before`, the time and `behind`. */
  readonly replaced: Span;
  readonly before: string;
  readonly behind: string;
}

/** @property cut undefined where the payload is no job */
export interface ReadEntry {
  readonly fields: FailedFields;
  readonly cut: RetryCut | undefined;
}

type Value = Readonly<Record<string, unknown>>;

/** Reads an entry of a failed list. What is none has no fields; nothing makes it throw. */
export function readFailed(bytes: Buffer): ReadEntry {
  const entry = objectOf(bytes.toString('utf8'));
  if (!entry) return { fields: fieldsOf({}, '', undefined), cut: undefined };
  // One character for each byte, so that places are those of the bytes.
  const text = bytes.toString('latin1');
  const members = membersOf(text);
  const span = withBlanks(text, members.get('payload'));
  const exact = exactBytes(entry) ?? jobInText(entry['payload']);
  const payload = exact ? exact.toString('utf8') : payloadText(entry['payload'], bytes, span);
  const { payload: original } = unsplice(payload);
  const job = typeof entry['payload'] === 'string' && !exact ? undefined : objectOf(original, true);
  const isJob = span !== undefined && typeof job?.['class'] === 'string' && job['class'] !== '';
  return {
    fields: fieldsOf(entry, original, job),
    cut: isJob ? { payload: exact ?? span, ...retriedAtPlace(text, members.get('retried_at')) } : undefined,
  };
}

function fieldsOf(entry: Value, payload: string, job: Value | undefined): FailedFields {
  const text = (name: string) => (typeof entry[name] === 'string' ? entry[name] : undefined);
  const [exception, error] = [shown(entry['exception']), shown(entry['error'])];
  const known = shownJob(job ?? {});
  const queue = text('queue') ?? (typeof job?.['queue'] === 'string' ? job['queue'] : undefined);
  return {
    failedAt: readDate(entry['failed_at']),
    queue: queue === '' ? undefined : queue,
    class: known.class,
    id: known.id,
    args: known.args,
    exception,
    error,
    backtrace: linesOf(entry['backtrace']),
    worker: text('worker'),
    retriedAt: readDate(entry['retried_at']),
    payload,
    fingerprint: fingerprint(exception, error),
  };
}

function objectOf(text: string, bigInts = false): Value | undefined {
  try {
    const value: unknown = bigInts ? parseWithBigInts(text) : JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Value;
  } catch {
    // Shown as what it is.
  }
  return undefined;
}

/** The bytes of a payload that is not UTF-8; see failed-entry.ts. */
function exactBytes(entry: Value): Buffer | undefined {
  const base64 = entry['payload_base64'];
  if (typeof base64 !== 'string' || typeof entry['payload'] !== 'string') return undefined;
  const bytes = Buffer.from(base64, 'base64');
  return bytes.length > 0 && !isUtf8(bytes) ? bytes : undefined;
}

/** A job that stands there as text, since Ruby's pages cannot show it: see ruby/can-show.ts. */
function jobInText(payload: unknown): Buffer | undefined {
  return typeof payload === 'string' && objectOf(payload) ? Buffer.from(payload) : undefined;
}

/** Whoever writes an entry without blanks has none around its payload: what stands there is the producer's. */
function withBlanks(text: string, span: Span | undefined): Span | undefined {
  if (!span || !text.startsWith('{"failed_at":"')) return span;
  let { start, end } = span;
  while (isBlank(text[start - 1])) start--;
  while (isBlank(text[end])) end++;
  return { start, end };
}

const isBlank = (character: string | undefined) => character !== undefined && ' \t\n\r'.includes(character);

function payloadText(value: unknown, bytes: Buffer, span: Span | undefined): string {
  if (typeof value === 'string') return value;
  if (!span || value === null) return '';
  return bytes.toString('utf8', span.start, span.end);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

function linesOf(value: unknown): string[] {
  if (typeof value === 'string') return value === '' ? [] : value.split('\n');
  return Array.isArray(value) ? value.map(shown) : [];
}

function retriedAtPlace(text: string, span: Span | undefined): Omit<RetryCut, 'payload'> {
  if (span) return { replaced: span, before: '"', behind: '"' };
  const end = text.lastIndexOf('}');
  return { replaced: { start: end, end }, before: ',"retried_at":"', behind: '"' };
}
