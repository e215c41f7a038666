import type { Reclaimed } from '../broker.ts';
import { keysOf } from '../keys.ts';
import { unregister } from '../scripts/unregister.ts';
import { CHANGED, describeWorkers, NOT_THERE, surveyWorkers, unregisterForeign } from '../scripts/workers.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { reclaimWorker } from './reclaim.ts';
import { type TimeSource, timedScripts, timeOf } from './time.ts';
import { nameOf } from './wrong-keys.ts';

/** The part of the seam that looks at workers, and ends dead ones. */
export interface WorkersBroker {
  /** Everyone who has registered or has a lease, at one moment. One call. */
  survey(): Promise<Survey>;
  /** What is known of each. One call for about 100 of them. @param jobs most jobs of each  @param bytes most of a payload */
  describe(workers: readonly string[], jobs: number, bytes: number): Promise<WorkerRecord[]>;
  /**
   * Gives back what a worker of ours holds, if its lease has ended or it has none, and forgets it.
   * @returns undefined where its lease runs; `gone` where nothing is known of it any more: another was first
   */
  reclaim(worker: string): Promise<Reclaimed | 'gone' | undefined>;
  /**
   * Forgets another Resque's worker.
   * @param seen what it was when it was looked at  @param entry for the failed list, '' for none
   * @returns undefined where that has changed meanwhile
   */
  unregisterForeign(worker: string, seen: SeenWorker, entry: string): Promise<boolean | undefined>;
}

/** Heartbeat and record as they stand in Redis; '' for none. */
interface SeenWorker {
  readonly heartbeat: string;
  readonly record: string;
}

export interface Survey {
  /** Redis's time, epoch ms. */
  readonly now: number;
  readonly ids: readonly string[];
  /** By id: epoch ms. */
  readonly leases: ReadonlyMap<string, number>;
  /** By id, as it stands there: ISO 8601. */
  readonly heartbeats: ReadonlyMap<string, string>;
  readonly serialQueues: ReadonlySet<string>;
}

export interface WorkerRecord {
  readonly id: string;
  /** What it says it works on, JSON; '' for nothing. */
  readonly record: string;
  readonly started: string;
  readonly processed: number;
  readonly failed: number;
  readonly version: string;
  /** Jobs that it holds. */
  readonly held: number;
  /** The first of them, in the order of their reservation. */
  readonly jobs: readonly HeldPayload[];
}

export interface HeldPayload {
  /** Of the worker's record of jobs in flight. */
  readonly field: string;
  readonly queue: string;
  /** The payload, or its beginning. */
  readonly bytes: Buffer;
  /** Of the whole payload. */
  readonly length: number;
}

/** Workers in one call. */
const WORKERS_AT_ONCE = 100;

/**
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisWorkersBroker(client: RedisClient, namespace: string, time?: TimeSource): WorkersBroker {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);
  const now = () => timeOf(client, time);
  return {
    async survey() {
      const scriptKeys = [keys.workers, keys.leases, keys.heartbeats, keys.serial];
      const [now, known, leases, heartbeats, serial] = list(await script(surveyWorkers, scriptKeys, []));
      const ends = pairsOf(leases);
      return {
        now: Number(now),
        ids: [...new Set([...namesOf(known), ...ends.keys()])].sort(),
        leases: new Map([...ends].map(([id, end]) => [id, Number(end)])),
        heartbeats: pairsOf(heartbeats),
        serialQueues: new Set(namesOf(serial)),
      };
    },

    async describe(workers, jobs, bytes) {
      const records: WorkerRecord[] = [];
      while (records.length < workers.length) {
        const some = workers.slice(records.length, records.length + WORKERS_AT_ONCE);
        const scriptKeys = some.flatMap((id) => [
          keys.inflight(id),
          keys.worker(id),
          keys.workerStarted(id),
          keys.stat('processed', id),
          keys.stat('failed', id),
        ]);
        const [answer] = list(await client.script(describeWorkers, scriptKeys, [jobs, bytes]));
        for (const [i, reply] of list(answer).entries()) records.push(recordOf(some[i] ?? '', reply));
      }
      return records;
    },

    async reclaim(worker) {
      const done = await reclaimWorker(client, script, keys, worker, now);
      if (done) return done;
      // It has a lease that runs; or none at all, in which case nobody but us gives back what it holds.
      const [score, own] = [
        await client.command(['ZSCORE', keys.leases, worker]),
        await client.command(['HGET', keys.inflight(worker), 'lease']),
      ];
      if (score !== null || own !== null) return undefined;
      const [held, known] = list(await client.script(unregister, keys.ofWorker(worker), [worker]));
      if (known === 0) return 'gone';
      if (held === 0) return { worker, jobs: 0, failed: 0, each: [], wrong: [] };
      await client.command(['ZADD', keys.leases, 'NX', 0, worker]);
      return reclaimWorker(client, script, keys, worker, now);
    },

    async unregisterForeign(worker, { heartbeat, record }, entry) {
      const [, , , heartbeats, ...own] = keys.ofWorker(worker);
      const scriptKeys = [keys.workers, heartbeats ?? '', ...own.slice(0, 4), keys.failed];
      const answer = await client.script(unregisterForeign, scriptKeys, [worker, heartbeat, record, entry]);
      return answer === CHANGED ? undefined : answer !== NOT_THERE;
    },
  };
}

/** A field of a worker's jobs. */
const JOB = /^!?\d+:([\s\S]*)$/;

function recordOf(id: string, reply: Reply): WorkerRecord {
  const [record, started, processed, failed, version, held, jobs] = list(reply);
  return {
    id,
    record: text(record),
    started: text(started),
    processed: Number(text(processed)) || 0,
    failed: Number(text(failed)) || 0,
    version: text(version),
    held: Number(held),
    jobs: list(jobs).map((job) => {
      const [field, bytes, length] = list(job);
      return {
        field: text(field),
        queue: JOB.exec(text(field))?.[1] ?? '',
        bytes: bytes as Buffer,
        length: Number(length),
      };
    }),
  };
}

function namesOf(reply: Reply | undefined): string[] {
  return list(reply).flatMap((member) => nameOf(member) ?? []);
}

function pairsOf(reply: Reply | undefined): Map<string, string> {
  const flat = list(reply);
  const pairs = new Map<string, string>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = nameOf(flat[i]);
    if (name !== undefined) pairs.set(name, text(flat[i + 1]));
  }
  return pairs;
}
