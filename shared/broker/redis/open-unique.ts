import type { WrongKey } from '../broker.ts';
import { readParked } from '../gate.ts';
import type { Keys } from '../keys.ts';
import { lockOfGate } from '../lock-value.ts';
import { LET_IN, OTHER_FIRST, openUnique } from '../scripts/unique.ts';
import { orNothing } from '../wrong-key.ts';
import { list, type RedisClient } from './client.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/** What came of a look at a gate. @property opened a job went to its queue */
interface OpenedGate {
  readonly opened: boolean;
  /** It is worth looking again at once: there may be more, behind what could not be used. */
  readonly again: boolean;
  readonly wrong: readonly WrongKey[];
}

/** The first of those that are parked may change while it is read, so often in a row. */
const MOST_READS = 20;

/** Pushes the first job that is parked behind the gate of a lock, `unique:<name>`, where that is free. */
export function openUniqueOf(client: Pick<RedisClient, 'command'>, script: RedisClient['script'], keys: Keys) {
  return async (gate: string): Promise<OpenedGate> => {
    const wrong: WrongKey[] = [];
    for (let reads = 0; reads < MOST_READS; reads++) {
      const first = await firstParked(client, keys, gate);
      const [code, found] = list(await script(openUnique, first.keys, first.args));
      wrong.push(...wrongKeysOf(found));
      if (code !== OTHER_FIRST) return { opened: code === LET_IN, again: false, wrong };
    }
    return { opened: false, again: true, wrong };
  };
}

/** Keys and arguments of what lets in the first that is parked: which queue that goes to, has to be known before. */
export async function firstParked(client: Pick<RedisClient, 'command'>, keys: Keys, gate: string) {
  const parked = keys.parkedAt(gate);
  const element = await elementOf(client, parked);
  const queue = (Buffer.isBuffer(element) ? readParked(element)?.queue : undefined) ?? '';
  const lock = keys.unique(lockOfGate(gate) ?? gate);
  return { keys: [lock, parked, keys.parked, keys.queues, keys.queue(queue)], args: [gate, queue] };
}

/** Of a key of another type there is none: the script tells it. */
function elementOf(client: Pick<RedisClient, 'command'>, parked: string) {
  return orNothing(client.command(['LINDEX', parked, 0]));
}
