import { keysOf } from '../keys.ts';
import { addStarts, pendingStarts } from '../scripts/starts.ts';
import type { WrongKey } from '../wrong-key.ts';
import { type Argument, list, type RedisClient, text } from './client.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/** A start of a consumer: asked for, and not yet a worker. */
export interface Start {
  readonly consumer: string;
  /** Its own; goes with the event that starts the function. */
  readonly id: string;
}

/**
 * The part of the seam for starts that nobody sees: Lambda takes a start at once, and holds it back while the account's
 * concurrency is used up. Each is forgotten when its worker registers (see `SyncRequest.place`) or its time is over.
 */
export interface StartsBroker {
  /** How many there are of each consumer; and by queue how many µs of a worker's time one of its jobs takes. */
  pending(): Promise<{
    readonly counts: ReadonlyMap<string, number>;
    readonly paces: ReadonlyMap<string, number>;
    readonly wrong: readonly WrongKey[];
  }>;
  /** @param starts each with the ms after which nothing can come of it any more */
  add(starts: readonly (Start & { readonly within: number })[]): Promise<void>;
  /** They were not made. */
  remove(starts: readonly Start[]): Promise<void>;
}

/** @param system whose consumers they are */
export function redisStartsBroker(
  client: RedisClient,
  namespace: string,
  system: string,
  time?: TimeSource,
): StartsBroker {
  const keys = keysOf(namespace);
  const key = keys.starts(system);
  const script = timedScripts(client, time);
  return {
    async pending() {
      const [members, wrong, flat] = list(await script(pendingStarts, [key, keys.paces], []));
      const counts = new Map<string, number>();
      for (const member of list(members)) {
        const [consumer = ''] = text(member).split(':');
        counts.set(consumer, (counts.get(consumer) ?? 0) + 1);
      }
      const measured = list(flat).map(text);
      const paces = new Map<string, number>();
      for (let i = 0; i < measured.length; i += 2) {
        const micros = Number(measured[i + 1]);
        if (micros > 0) paces.set(measured[i] ?? '', micros);
      }
      return { counts, paces, wrong: wrongKeysOf(wrong) };
    },

    async add(starts) {
      const args: Argument[] = [starts.length];
      for (const one of starts) args.push(startMember(one), Math.ceil(one.within));
      await script(addStarts, [key], args);
    },

    async remove(starts) {
      if (starts.length > 0) await client.command(['ZREM', key, ...starts.map(startMember)]);
    },
  };
}

/** A member of the sorted set. No consumer's name has a colon. */
export function startMember({ consumer, id }: Start): string {
  return `${consumer}:${id}`;
}
