import { isUtf8 } from 'node:buffer';
import type { DelayedMove } from '../broker/broker.ts';
import { PayloadError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import { syntaxError } from '../wire/decode.ts';
import { buriedEntry, type FailedEntryFields, failedEntry } from '../wire/failed-entry.ts';

/** A larger failed entry might not pass in one request: Upstash takes 10 MB on most plans. */
const MOST_ENTRY = 8_388_608;
/** Of a payload whose entry would be larger, so many bytes are kept. */
const KEPT = 65_536;

/**
 * Where a delayed payload goes: to the queue that it names, or that its class has; else to the failed list.
 * @param now epoch ms
 */
export function destinationOf(bytes: Buffer, registry: Registry | undefined, now: number): DelayedMove {
  const utf8 = isUtf8(bytes);
  let value: unknown;
  try {
    if (!utf8) throw new SyntaxError('it is not valid UTF-8');
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    return { bytes, to: 'buried', entry: entryOf(bytes, utf8, `it is not JSON (${syntaxError(error)})`, now) };
  }
  const { class: className, queue } = (typeof value === 'object' && value !== null ? value : {}) as {
    class?: unknown;
    queue?: unknown;
  };
  const named = typeof queue === 'string' && queue !== '' ? queue : undefined;
  const own = typeof className === 'string' ? registry?.handlerFor(className)?.definition.queue : undefined;
  const target = named ?? own;
  // In a text, half a character is a character of its own; in Redis it would be another queue.
  if (target?.isWellFormed()) return { bytes, to: 'queue', queue: target };
  const reason =
    target !== undefined
      ? `the name of its queue, ${JSON.stringify(target)}, is not valid Unicode`
      : `it names no queue, and its class ${typeof className === 'string' ? JSON.stringify(className) : `(a ${typeof className})`} has none defined`;
  return { bytes, to: 'failed', ...failedEntry(fieldsOf(reason, now)) };
}

/** To the failed list, since its queue did not take it. */
export function refusedBy(queue: string, error: string, bytes: Buffer, now: number): DelayedMove {
  return { bytes, to: 'failed', ...failedEntry(fieldsOf(`Redis answered ${JSON.stringify(error)}`, now, queue)) };
}

function fieldsOf(reason: string, now: number, queue = ''): FailedEntryFields {
  const thrown = new PayloadError(`The delayed payload cannot be promoted: ${reason}.`);
  return { failedAt: new Date(now), thrown, worker: '', queue };
}

/** The entry of a payload that cannot stand in it as JSON: as a string, shortened if it would be too large to pass. */
function entryOf(bytes: Buffer, utf8: boolean, reason: string, now: number): string {
  if (!utf8) return buriedEntry(fieldsOf(reason, now), bytes);
  if (bytes.length <= MOST_ENTRY) {
    const entry = quoted(bytes, fieldsOf(reason, now));
    if (Buffer.byteLength(entry) <= MOST_ENTRY) return entry;
  }
  const shortened = `${reason}; of its ${bytes.length} bytes only the first ${KEPT} are kept here, since no more would pass`;
  return quoted(bytes.subarray(0, KEPT), fieldsOf(shortened, now));
}

function quoted(bytes: Buffer, fields: FailedEntryFields): string {
  const { head, tail } = failedEntry(fields);
  return `${head}${JSON.stringify(bytes.toString('utf8'))}${tail}`;
}
