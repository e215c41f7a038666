import { isUtf8 } from 'node:buffer';
import type { DelayedMove } from '../broker/broker.ts';
import { PayloadError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import { syntaxError } from '../wire/decode.ts';
import { buriedEntry, type FailedEntryFields, failedEntry } from '../wire/failed-entry.ts';
import { rubyCanShow } from '../wire/ruby/can-show.ts';

/**
 * Where a delayed payload goes: to the queue that it names, or that its class has; else to the failed list.
 * @param now epoch ms
 */
export function destinationOf(bytes: Buffer, registry: Registry | undefined, now: number): DelayedMove {
  let value: unknown;
  try {
    if (!isUtf8(bytes)) throw new SyntaxError('it is not valid UTF-8');
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const fields = fieldsOf(`it is not JSON (${syntaxError(error)})`, now);
    return { bytes, to: 'buried', entry: buriedEntry(fields, bytes) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const fields = fieldsOf('it is no object with "class" and "args"', now);
    return { bytes, to: 'buried', entry: buriedEntry(fields, bytes) };
  }
  const { class: className, queue } = value as { class?: unknown; queue?: unknown };
  const named = typeof queue === 'string' && queue !== '' ? queue : undefined;
  const own = typeof className === 'string' ? registry?.handlerFor(className)?.definition.queue : undefined;
  const target = named ?? own;
  // In a text, half a character is a character of its own; in Redis it would be another queue.
  if (target?.isWellFormed()) return { bytes, to: 'queue', queue: target };
  const reason =
    target !== undefined
      ? `the name of its queue, ${JSON.stringify(target)}, is not valid Unicode`
      : `it names no queue, and its class ${typeof className === 'string' ? JSON.stringify(className) : '(no text)'} has none defined`;
  return toFailed(bytes, fieldsOf(reason, now));
}

/** To the failed list, since its queue did not take it. */
export function refusedBy(queue: string, error: string, bytes: Buffer, now: number): DelayedMove {
  return toFailed(bytes, fieldsOf(`Redis answered ${JSON.stringify(error)}`, now, queue));
}

/** @param bytes JSON of an object; as text, where Ruby's page would end at it */
function toFailed(bytes: Buffer, fields: FailedEntryFields): DelayedMove {
  if (!rubyCanShow(bytes.toString('utf8'))) return { bytes, to: 'buried', entry: buriedEntry(fields, bytes) };
  return { bytes, to: 'failed', ...failedEntry(fields) };
}

function fieldsOf(reason: string, now: number, queue = ''): FailedEntryFields {
  const thrown = new PayloadError(`The delayed payload cannot be promoted: ${reason}.`);
  return { failedAt: new Date(now), thrown, worker: '', queue };
}
