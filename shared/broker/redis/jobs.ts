import { keysOf } from '../keys.ts';
import { searchHeld, searchRetries } from '../scripts/jobs.ts';
import { orNothing } from '../wrong-key.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { type ScoredMember, scoredMembers } from './scored-members.ts';
import { nameOf, numberOf } from './wrong-keys.ts';

interface PayloadSearch {
  /** Each of them is somewhere in the payload, byte by byte. */
  readonly texts: readonly string[];
  /** Most payloads to look at. */
  readonly most: number;
  /** Most bytes of them. */
  readonly bytes: number;
  /** Most to find. */
  readonly limit: number;
}

/** A job in flight. @property field `<number>:<queue>`, behind a `!` once an at-most-once job may have started */
interface FoundHeld {
  readonly worker: string;
  readonly field: string;
  readonly bytes: Buffer;
}

/** @property at when it is due, epoch ms */
interface FoundRetry {
  readonly member: string;
  readonly at: number;
  readonly bytes: Buffer;
}

/** What a worker shows that it works on, as JSON. */
interface WorkingOn {
  readonly worker: string;
  readonly record: string;
}

/** The part of the seam that looks for jobs where they are no lists; see `ListsBroker` for those. */
export interface JobsBroker {
  /** All workers that are registered or hold a lease, sorted. */
  workers(): Promise<string[]>;
  queueNames(): Promise<string[]>;
  /** Gates with parked jobs, by the time at which the scheduler looks at them. */
  parkedGates(behind: ScoredMember | undefined, limit: number): Promise<ScoredMember[]>;
  workingOn(workers: readonly string[]): Promise<WorkingOn[]>;
  /**
   * @param behind number of the first worker's job behind which to begin; -1 for its first
   * @returns the jobs of each in the order of their numbers; where it ended, and behind which number there; undefined where it
   * is everything
   */
  searchHeld(
    workers: readonly string[],
    behind: number,
    search: PayloadSearch,
  ): Promise<{
    readonly found: readonly FoundHeld[];
    readonly scanned: number;
    readonly end: { readonly worker: number; readonly last: number } | undefined;
  }>;
  /** @param behind the last one that was looked at */
  searchRetries(
    behind: { readonly member: string; readonly score: string } | undefined,
    search: PayloadSearch,
  ): Promise<{
    readonly found: readonly FoundRetry[];
    readonly scanned: number;
    readonly end: { readonly member: string; readonly score: string } | undefined;
  }>;
  /** @returns undefined if it does not wait any more */
  retryPayload(member: string): Promise<Buffer | undefined>;
  /** php-resque's status record of a job. */
  status(id: string): Promise<string | undefined>;
}

/** Of what is found in one call; one is found even if it is larger. */
const MOST_FOUND = 4_194_304;

/** @param namespace prefix of every key, `resque:` in Resque's own default */
export function redisJobsBroker(client: RedisClient, namespace: string): JobsBroker {
  const keys = keysOf(namespace);
  const names = async (command: readonly (string | number)[]) => {
    const members = list(await orNothing(client.command(command)));
    return members.map(nameOf).filter((name) => name !== undefined);
  };
  const limitsOf = ({ most, bytes, limit, texts }: PayloadSearch) => [
    most,
    bytes,
    limit,
    MOST_FOUND,
    texts.length,
    ...texts,
  ];
  return {
    async workers() {
      const [registered, leased] = [
        await names(['SMEMBERS', keys.workers]),
        await names(['ZRANGE', keys.leases, 0, -1]),
      ];
      return [...new Set([...registered, ...leased])].sort();
    },

    queueNames: async () => (await names(['SMEMBERS', keys.queues])).sort(),

    parkedGates: (behind, limit) => scoredMembers(client, keys.parked, behind, limit),

    async workingOn(workers) {
      if (workers.length === 0) return [];
      const records = list(await client.command(['MGET', ...workers.map(keys.worker)]));
      return workers.flatMap((worker, i) => (records[i] ? [{ worker, record: text(records[i]) }] : []));
    },

    async searchHeld(workers, behind, search) {
      const reply = list(await client.script(searchHeld, workers.map(keys.inflight), [behind, ...limitsOf(search)]));
      const [place, last, scanned, flat] = reply;
      const found = triples(flat).map(([worker, field, bytes]) => ({
        worker: workers[Number(worker)] ?? '',
        field: text(field),
        bytes: bytes as Buffer,
      }));
      const ended = place === workers.length;
      return {
        found,
        scanned: Number(scanned),
        end: ended ? undefined : { worker: Number(place), last: Number(last) },
      };
    },

    async searchRetries(behind, search) {
      const args = [behind?.score ?? '', behind?.member ?? '', ...limitsOf(search)];
      const [all, score, member, scanned, flat] = list(
        await client.script(searchRetries, [keys.retry, keys.retryPayloads], args),
      );
      const found = triples(flat).map(([name, at, bytes]) => ({
        member: text(name),
        at: numberOf(text(at)),
        bytes: bytes as Buffer,
      }));
      return {
        found,
        scanned: Number(scanned),
        end: all === 1 ? undefined : { score: text(score), member: text(member) },
      };
    },

    async retryPayload(member) {
      const payload = await orNothing(client.command(['HGET', keys.retryPayloads, member]));
      return Buffer.isBuffer(payload) ? payload : undefined;
    },

    async status(id) {
      const record = await orNothing(client.command(['GET', keys.jobStatus(id)]));
      return Buffer.isBuffer(record) ? text(record) : undefined;
    },
  };
}

function triples(reply: Reply | undefined): (readonly [Reply, Reply, Reply])[] {
  const flat = list(reply);
  const found: (readonly [Reply, Reply, Reply])[] = [];
  for (let i = 0; i + 2 < flat.length; i += 3) {
    found.push([flat[i] as Reply, flat[i + 1] as Reply, flat[i + 2] as Reply]);
  }
  return found;
}
