import { keysOf } from '../keys.ts';
import { gateOf, readHolder } from '../lock-value.ts';
import { describeLocks, freeLock } from '../scripts/unique.ts';
import { list, type RedisClient, text } from './client.ts';
import { firstParked } from './open-unique.ts';
import { scanKeys } from './scan-keys.ts';
import { type TimeSource, timedScripts } from './time.ts';

/** Whose lock it is, and how it is doing. */
export interface LockState {
  readonly name: string;
  /** Of the job that holds it. */
  readonly id: string;
  readonly queue: string;
  readonly payload: string;
  /** Milliseconds until it ends by itself; undefined for never. */
  readonly left: number | undefined;
  /** Jobs that wait until it is given back. */
  readonly parked: number;
}

/** The part of the seam that looks at the locks of unique jobs, and frees them. */
export interface LocksBroker {
  /** @param cursor '0' to begin @returns names, some of them; the cursor of the next ones, '0' at the end */
  scan(cursor: string, count: number): Promise<{ readonly names: readonly string[]; readonly cursor: string }>;
  /** @returns those that are held */
  read(names: readonly string[]): Promise<LockState[]>;
  /** @param id only where this job holds it @returns whether it was held */
  free(name: string, id?: string): Promise<boolean>;
}

/** Of a lock's value: its payload is for a look at it. */
const MOST_BYTES = 4_096;

/**
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisLocksBroker(client: RedisClient, namespace: string, time?: TimeSource): LocksBroker {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);

  return {
    async scan(cursor, count) {
      const prefix = keys.unique('');
      const { found, cursor: next } = await scanKeys(client, prefix, cursor, count);
      return { names: found.map((key) => text(key).slice(prefix.length)), cursor: next };
    },

    async read(names) {
      if (names.length === 0) return [];
      const pairs = names.flatMap((name) => [keys.unique(name), keys.parkedAt(gateOf({ name }))]);
      return list(await client.script(describeLocks, pairs, [MOST_BYTES])).flatMap((reply, i) => {
        const [value, left, parked] = list(reply);
        const holder = Buffer.isBuffer(value) ? readHolder(value) : undefined;
        if (!holder) return [];
        const { id, queue, payload } = holder;
        const ends = Number(left);
        return [
          { name: names[i] ?? '', id, queue, payload, left: ends < 0 ? undefined : ends, parked: Number(parked) },
        ];
      });
    },

    async free(name, id = '') {
      const first = await firstParked(client, keys, gateOf({ name }));
      const [freed] = list(await script(freeLock, first.keys, [...first.args, id]));
      return freed === 1;
    },
  };
}
