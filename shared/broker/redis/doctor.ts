import { LambdesqueError, RedisUnavailableError } from '../../errors.ts';
import { type Keys, keysOf } from '../keys.ts';
import { indexedLists, inflightStates, keyTypes, retryGaps, scoresOf } from '../scripts/doctor-look.ts';
import { mendDelayed, mendIndexes, mendLeases, mendQueues, mendRecords, mendRetries } from '../scripts/doctor-mend.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { scanKeys } from './scan-keys.ts';
import { nameOf } from './wrong-keys.ts';

/** The part of the seam that looks for what is wrong in Redis, and mends what can be mended safely. Every look is bounded. */
export interface DoctorBroker {
  readonly keys: Keys;
  /** What INFO says, by its names; none where Redis does not say it. */
  info(): Promise<ReadonlyMap<string, string>>;
  /** When Redis writes snapshots, '' for never; undefined where it does not say. */
  snapshots(): Promise<string | undefined>;
  /** Names of keys in the namespace, without it. One call for each 1,000 keys of the database. @param most keys of the database */
  names(most: number): Promise<FoundNames>;
  /** Redis's name for the type of each key; `none` where there is none. */
  types(keys: readonly string[]): Promise<string[]>;
  /** undefined where there is no record. */
  inflight(workers: readonly string[]): Promise<(InflightState | undefined)[]>;
  /** Serial queues that are held, each with its worker. */
  serialHolders(): Promise<ReadonlyMap<string, string>>;
  /** Which of these times of delayed jobs are not on the schedule. */
  unscheduled(times: readonly string[]): Promise<string[]>;
  /** Of each payload's index, the times that it names. */
  indexedTimes(payloads: readonly string[]): Promise<string[][]>;
  /** Retries without payload, and payloads without retry. */
  retryGaps(): Promise<{ readonly bare: readonly string[]; readonly stray: readonly string[] }>;
  /** Each mends what is still as it was found, and answers how many that were. */
  readonly mend: DoctorMends;
}

interface DoctorMends {
  queues(names: readonly string[]): Promise<number>;
  delayed(times: readonly string[]): Promise<number>;
  indexes(pairs: readonly { readonly payload: string; readonly time: string }[]): Promise<number>;
  retries(members: readonly string[]): Promise<number>;
  leases(workers: readonly string[], serial?: ReadonlyMap<string, string>): Promise<number>;
  records(workers: readonly string[]): Promise<number>;
}

export interface FoundNames {
  readonly names: readonly string[];
  /** Every key of the database was looked at. */
  readonly complete: boolean;
}

interface InflightState {
  readonly jobs: number;
  /** Epoch ms. */
  readonly leaseEnds: number | undefined;
}

/** Keys that SCAN looks at in one call, and keys or members in one script. */
const SCANNED = 1_000;
const AT_ONCE = 500;

/** @param namespace prefix of every key, `resque:` in Resque's own default */
export function redisDoctorBroker(client: RedisClient, namespace: string): DoctorBroker {
  const keys = keysOf(namespace);
  const prefix = keys.queues.slice(0, -'queues'.length);

  return {
    keys,

    async info() {
      const answer = await orRefused(client.command(['INFO']));
      return new Map(
        [...text(answer).matchAll(/^([a-z_]\w*):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]),
      );
    },

    async snapshots() {
      const answer = list(await orRefused(client.command(['CONFIG', 'GET', 'save'])));
      return answer.length < 2 ? undefined : text(answer[1]);
    },

    async names(most) {
      const names = new Set<string>();
      let cursor = '0';
      for (let looked = 0; looked < most; looked += SCANNED) {
        const some = await scanKeys(client, prefix, cursor, SCANNED);
        for (const reply of some.found) {
          const name = nameOf(reply);
          if (name !== undefined) names.add(name.slice(prefix.length));
        }
        cursor = some.cursor;
        if (cursor === '0') return { names: [...names], complete: true };
      }
      return { names: [...names], complete: false };
    },

    async types(names) {
      return inPieces(names, async (some) => list(await client.script(keyTypes, some, [])).map(text));
    },

    async inflight(workers) {
      return inPieces(workers, async (some) => {
        const states = list(await client.script(inflightStates, some.map(keys.inflight), []));
        return states.map((reply) => {
          const [jobs, lease] = list(reply);
          if (Number(jobs) < 0) return undefined;
          return { jobs: Number(jobs), leaseEnds: text(lease) === '' ? undefined : Number(text(lease)) };
        });
      });
    },

    async serialHolders() {
      const flat = list(await orRefused(client.command(['HGETALL', keys.serial]))).map(nameOf);
      const holders = new Map<string, string>();
      for (let i = 0; i + 1 < flat.length; i += 2) {
        const [queue, worker] = [flat[i], flat[i + 1]];
        if (queue !== undefined && worker) holders.set(queue, worker);
      }
      return holders;
    },

    async unscheduled(times) {
      return inPieces(times, async (some) => {
        const scores = list(await client.script(scoresOf, [keys.delayedSchedule], some)).map(text);
        return some.filter((_, i) => scores[i] === '');
      });
    },

    async indexedTimes(payloads) {
      return inPieces(payloads, async (some) => {
        const found = list(await client.script(indexedLists, some.map(keys.timestamps), []));
        return found.map((members) =>
          list(members).flatMap((member) => /^delayed:([\s\S]+)$/.exec(nameOf(member) ?? '')?.[1] ?? []),
        );
      });
    },

    async retryGaps() {
      const [bare, stray] = list(await client.script(retryGaps, [keys.retry, keys.retryPayloads], []));
      const names = (reply: Reply | undefined) => list(reply).flatMap((member) => nameOf(member) ?? []);
      return { bare: names(bare), stray: names(stray) };
    },

    mend: mendsOf(client, keys),
  };
}

function mendsOf(client: RedisClient, keys: Keys): DoctorMends {
  return {
    queues: (names) =>
      counted(names, (some) => client.script(mendQueues, [keys.queues, ...some.map(keys.queue)], some)),
    delayed: (times) =>
      counted(times, (some) => client.script(mendDelayed, [keys.delayedSchedule, ...some.map(keys.delayed)], some)),
    indexes: (pairs) =>
      counted(pairs, (some) =>
        client.script(
          mendIndexes,
          some.flatMap(({ payload, time }) => [keys.timestamps(payload), keys.delayed(time)]),
          some.map(({ time }) => `delayed:${time}`),
        ),
      ),
    retries: (members) =>
      counted(members, (some) => client.script(mendRetries, [keys.retry, keys.retryPayloads], some)),
    leases: (workers, serial = new Map()) =>
      counted(workers, (some) => {
        const held = [...serial].filter(([, worker]) => some.includes(worker)).flat();
        const scriptKeys = [keys.leases, keys.serial, ...some.map(keys.inflight)];
        return client.script(mendLeases, scriptKeys, [some.length, ...some, ...held]);
      }),
    records: (workers) =>
      counted(workers, (some) => {
        const records = some.flatMap((id) => [
          keys.worker(id),
          keys.workerStarted(id),
          keys.stat('processed', id),
          keys.stat('failed', id),
        ]);
        return client.script(mendRecords, [keys.workers, keys.leases, keys.heartbeats, ...records], some);
      }),
  };
}

async function inPieces<One, Answer>(
  all: readonly One[],
  ask: (some: readonly One[]) => Promise<readonly Answer[]>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < all.length; from += AT_ONCE) answers.push(...(await ask(all.slice(from, from + AT_ONCE))));
  return answers;
}

async function counted<One>(all: readonly One[], mend: (some: readonly One[]) => Promise<Reply>): Promise<number> {
  const counts = await inPieces(all, async (some) => [Number(await mend(some))]);
  return counts.reduce((sum, count) => sum + count, 0);
}

/** null where Redis does not allow or know the command, or the key is of another type: there is nothing to be seen. */
async function orRefused(answer: Promise<Reply>): Promise<Reply> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof LambdesqueError && !(error instanceof RedisUnavailableError)) return null;
    throw error;
  }
}
