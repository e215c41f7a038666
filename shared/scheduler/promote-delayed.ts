import { isUtf8 } from 'node:buffer';
import type { DelayedMove, SchedulerBroker } from '../broker/broker.ts';
import { PayloadError, RedisTypeError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import { syntaxError } from '../wire/decode.ts';
import { buriedEntry, failedEntry } from '../wire/failed-entry.ts';

/** Payloads moved in one call: few enough that Redis is not blocked for long. */
const BATCH = 500;
/** And of so many bytes: they come here to be read, and their index keys hold them once more. */
const BATCH_BYTES = 1_048_576;

/** Where a delayed payload goes: to the queue that it names, or that its class has; else to the failed list. */
export function destinationOf(bytes: Buffer, registry: Registry | undefined, now: number): DelayedMove {
  const utf8 = isUtf8(bytes);
  const failed = (reason: string, queue = '') => ({
    failedAt: new Date(now),
    thrown: new PayloadError(`The delayed payload cannot be promoted: ${reason}.`),
    worker: '',
    queue,
  });
  let value: unknown;
  try {
    if (!utf8) throw new SyntaxError('it is not valid UTF-8');
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const reason = `it is not JSON (${syntaxError(error)})`;
    const { head, tail } = failedEntry(failed(reason));
    const entry = utf8 ? `${head}${JSON.stringify(bytes.toString('utf8'))}${tail}` : buriedEntry(failed(reason), bytes);
    return { bytes, to: 'buried', entry };
  }
  const { class: className, queue } = (typeof value === 'object' && value !== null ? value : {}) as {
    class?: unknown;
    queue?: unknown;
  };
  const named = typeof queue === 'string' && queue !== '' ? queue : undefined;
  const own = typeof className === 'string' ? registry?.handlerFor(className)?.definition.queue : undefined;
  const target = named ?? own;
  if (target !== undefined) return { bytes, to: 'queue', queue: target };
  const reason = `it names no queue, and its class ${typeof className === 'string' ? JSON.stringify(className) : `(a ${typeof className})`} has none defined`;
  return { bytes, to: 'failed', ...failedEntry(failed(reason)) };
}

/**
 * Moves every delayed job that is due, in time order. One whose queue is of another type goes to the failed list.
 * @returns how many went to their queues and how many to the failed list
 */
export async function promoteDelayed(
  store: SchedulerBroker,
  registry: Registry | undefined,
  now: number,
): Promise<{ promoted: number; failed: number }> {
  let promoted = 0;
  let failed = 0;
  let last: string | undefined;
  /** The payload that its queue did not take, and what Redis said. */
  let refused: { readonly bytes: Buffer; readonly reason: string } | undefined;
  for (;;) {
    const due = await store.dueDelayed(now, BATCH, BATCH_BYTES);
    const [earliest] = due;
    if (!earliest) return { promoted, failed };
    // An empty list is moved as well: that takes it off the schedule.
    const lists = due.map(({ time, payloads }) => ({
      time,
      moves: payloads.map((bytes) => destinationOf(bytes, registry, now)),
    }));
    // Where another scheduler moved it meanwhile, the first payload is one that nobody refused.
    const moves = lists.find((one) => one.moves.length > 0)?.moves ?? [];
    const [first] = moves;
    const refusing = first !== undefined && refused?.bytes.equals(first.bytes) === true;
    if (refusing) moves[0] = refusal(first, refused?.reason ?? '', now);
    const moved = await store.promoteDelayed(lists);
    promoted += moved.queued;
    failed += moved.failed;
    // The same lists again and nothing moved: another scheduler, or a list that cannot be moved. The next tick looks again.
    const stuck = moved.refused === undefined ? earliest.time === last : refusing;
    if (moved.queued + moved.failed === 0 && stuck) {
      if (moved.refused === undefined) return { promoted, failed };
      throw new RedisTypeError(
        `The failed list did not take a delayed payload: Redis answered "${moved.refused}". Rename or delete that key.`,
      );
    }
    const stoppedAt = due.flatMap((one) => one.payloads)[moved.queued + moved.failed];
    refused = moved.refused === undefined || !stoppedAt ? undefined : { bytes: stoppedAt, reason: moved.refused };
    last = earliest.time;
  }
}

function refusal(move: DelayedMove, reason: string, now: number): DelayedMove {
  const { bytes } = move;
  const queue = move.to === 'queue' ? move.queue : '';
  const thrown = new PayloadError(`The delayed payload cannot be promoted: Redis answered ${JSON.stringify(reason)}.`);
  return { bytes, to: 'failed', ...failedEntry({ failedAt: new Date(now), thrown, worker: '', queue }) };
}
