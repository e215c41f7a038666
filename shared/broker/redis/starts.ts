import { glimpse } from '../../wire/job-glimpse.ts';
import { keysOf } from '../keys.ts';
import { addStarts, MOST_BYTES_OF_EACH, pendingStarts } from '../scripts/starts.ts';
import type { WrongKey } from '../wrong-key.ts';
import { type Argument, list, type RedisClient, type Reply, text } from './client.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/** A start of a consumer: asked for, and not yet a worker. */
export interface Start {
  readonly consumer: string;
  /** Its own; goes with the event that starts the function. */
  readonly id: string;
}

interface Pending {
  /** Starts by consumer. */
  readonly counts: ReadonlyMap<string, number>;
  readonly load: Load;
  readonly wrong: readonly WrongKey[];
}

/** How long what waits and runs takes. */
export interface Load {
  /** By class. */
  readonly paces: ReadonlyMap<string, Pace>;
  /** By queue, of some of its jobs: which class each is; undefined where that cannot be told. */
  readonly waiting: ReadonlyMap<string, readonly Sampled[]>;
  /** By worker. */
  readonly held: ReadonlyMap<string, { readonly jobs: number; readonly some: readonly Sampled[] }>;
}

export type Sampled = string | undefined;

/** Of one job. @property share ms of a worker's time @property took ms from its start to its end */
export interface Pace {
  readonly share: number;
  readonly took: number;
}

/** The queues and workers that are looked into. */
const MOST_SAMPLED = 20;

/**
 * The part of the seam for starts that nobody sees: Lambda takes a start at once, and holds it back while the account's
 * concurrency is used up. Each is forgotten when its worker registers (see `SyncRequest.place`) or its time is over.
 */
export interface StartsBroker {
  /**
   * @param queues that have jobs: the first 20 are looked into
   * @param workers that live: so are the first 20 of these
   */
  pending(queues: readonly string[], workers: readonly string[]): Promise<Pending>;
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
    async pending(queues, workers) {
      const looked = queues.slice(0, MOST_SAMPLED);
      const lives = workers.slice(0, MOST_SAMPLED);
      const scriptKeys = [key, keys.paces, ...looked.map(keys.queue), ...lives.map(keys.inflight)];
      const [members, wrong, flat, payloads, holds] = list(await script(pendingStarts, scriptKeys, [looked.length]));
      const counts = new Map<string, number>();
      for (const member of list(members)) {
        const [consumer = ''] = text(member).split(':');
        counts.set(consumer, (counts.get(consumer) ?? 0) + 1);
      }
      const waiting = new Map(looked.map((queue, i) => [queue, list(list(payloads)[i]).map(classOf)]));
      const held = new Map(
        lives.map((worker, i) => {
          const [jobs, ...some] = list(list(holds)[i]);
          return [worker, { jobs: Number(jobs), some: some.map(classOf) }];
        }),
      );
      return { counts, load: { paces: pacesOf(flat), waiting, held }, wrong: wrongKeysOf(wrong) };
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

function pacesOf(flat: Reply | undefined): Map<string, Pace> {
  const measured = list(flat).map(text);
  const paces = new Map<string, Pace>();
  for (let i = 0; i < measured.length; i += 2) {
    const [share = 0, took = 0] = (measured[i + 1] ?? '').split(':').map((micros) => Number(micros) / 1_000);
    // Anything may stand there. What is endless would start no worker at all.
    if (share > 0 && took > 0 && Number.isFinite(share + took)) paces.set(measured[i] ?? '', { share, took });
  }
  return paces;
}

/** @param reply the beginning of a payload; one that a worker holds may have a mark before it */
function classOf(reply: Reply | undefined): Sampled {
  const beginning = text(reply).replace(/^!/, '');
  const isCut = Buffer.byteLength(beginning) >= MOST_BYTES_OF_EACH - 4;
  return glimpse(beginning, isCut ? '…' : '').class;
}

/** A member of the sorted set. No consumer's name has a colon. */
export function startMember({ consumer, id }: Start): string {
  return `${consumer}:${id}`;
}
