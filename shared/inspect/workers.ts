import type { HeldPayload, Survey, WorkerRecord, WorkersBroker } from '../broker/redis/workers.ts';
import { LiveWorkerError, RedisTypeError } from '../errors.ts';
import { unsplice } from '../wire/attempts-record.ts';
import { failedEntry } from '../wire/failed-entry.ts';
import { membersOf } from '../wire/json-members.ts';
import { readDate } from '../wire/read-date.ts';
import { rubyCanShow } from '../wire/ruby/can-show.ts';
import { isOurs, partsOfWorkerId } from '../wire/worker-id.ts';
import { writePlace } from './job-places.ts';
import { dateOf, type JobView } from './job-view.ts';
import { isAlive, SILENT_MS } from './liveness.ts';
import { viewOfBeginning } from './view-of-beginning.ts';

/** A worker, of ours or another Resque's. */
export interface WorkerInfo {
  /** As Resque has it: `host:pid:queues`. */
  readonly id: string;
  /** Machine; of a function, the consumer's name. */
  readonly host: string;
  /** Process id; of a function, the request id. Other Resques may add a thread to it. */
  readonly pid: string;
  /** Names and patterns. */
  readonly queues: readonly string[];
  /** A worker of Lambdesque. */
  readonly ours: boolean;
  /** undefined where it has not said so. */
  readonly started: Date | undefined;
  /** Written every minute. */
  readonly heartbeat: Date | undefined;
  /** When its jobs are given to others, unless it says something before; undefined for others than ours. */
  readonly leaseEnds: Date | undefined;
  /**
   * Of ours by its lease; of others by a heartbeat in the last 5 minutes, or by having started, or begun its job, in the last
   * 5 minutes. undefined where that is longer ago and it writes no heartbeat, as PHP's and others do not.
   */
  readonly alive: boolean | undefined;
  /** Of this package; undefined for others than ours. */
  readonly version: string | undefined;
  /** Jobs that it holds: running, and reserved to be run next. */
  readonly held: number;
  /** Since it started; failures are among the processed, except for Go's and Node's. */
  readonly processed: number;
  /** Since it started. */
  readonly failed: number;
  /**
   * What it works on: first the job that it says it works on, if any, then others that it holds, the earliest reserved
   * first. Which of those have started is not known to Redis. At most 10 in `list`, 100 in `get`; long payloads are cut.
   */
  readonly running: readonly JobView[];
}

/** Workers, of ours and of other Resques. */
export interface Workers {
  /** Every worker that has registered and not ended, by id. 2 commands, and 1 more for each further 100 workers. */
  list(): Promise<WorkerInfo[]>;
  /** undefined where there is none. 2 commands. */
  get(id: string): Promise<WorkerInfo | undefined>;
  /**
   * Forgets a dead worker. The jobs of one of ours go back, as they do anyhow when a scheduler runs: with one death more. For
   * the job that another Resque's worker was on, a failed entry is written, as Ruby's prune does: nobody knows how far it
   * came. 3 commands; more where it held more than 500 jobs.
   * @param options.force also one of which nobody knows whether it lives, `alive` being undefined: make sure that its
   * process has ended, else the job that it still runs is in the failed list as well. It forgets none that lives.
   * @example await client.workers.unregister('php.example:4711:mail', { force: true })
   * @returns whether there was one; of two who unregister it at once, one is told false
   * @throws LiveWorkerError where it lives (see `alive`), or may live, without `force`
   */
  unregister(id: string, options?: { readonly force?: boolean }): Promise<boolean>;
}

/** Jobs shown, and bytes of a payload: of each in a list, and of one by itself. */
const LISTED = { jobs: 10, bytes: 4_096 };
const SHOWN = { jobs: 100, bytes: 16_384 };
/** Of the record of a worker that is to be forgotten. */
const WHOLE = { jobs: 0, bytes: 4_194_304 };
const TRIES = 5;

export function createWorkers(store: WorkersBroker): Workers {
  return {
    async list() {
      const survey = await store.survey();
      const records = await store.describe(survey.ids, LISTED.jobs, LISTED.bytes);
      return records.map((record) => infoOf(record, survey));
    },

    async get(id) {
      const survey = await store.survey();
      if (!survey.ids.includes(id)) return undefined;
      const [record] = await store.describe([id], SHOWN.jobs, SHOWN.bytes);
      return record && infoOf(record, survey);
    },

    async unregister(id, { force = false } = {}) {
      const survey = await store.survey();
      if (!survey.ids.includes(id)) return false;
      return isOurs(id) ? unregisterOurs(id, survey) : unregisterOther(id, survey, force);
    },
  };

  async function unregisterOurs(id: string, { leases }: Survey): Promise<boolean> {
    const done = await store.reclaim(id);
    if (!done) {
      const end = dateOf(leases.get(id) ?? Number.NaN)?.toISOString() ?? 'a time that its own record has';
      throw new LiveWorkerError(
        `The worker ${id} lives: its lease runs until ${end}. Stop its process; a killed one can be forgotten when its lease has ended.`,
      );
    }
    if (done === 'gone') return false;
    const [wrong] = done.wrong;
    if (!wrong) return true;
    throw new RedisTypeError(
      `The worker ${id} still holds jobs, since the key ${wrong.key} does not take them: Redis said ${wrong.error}. Look at that key ` +
        'with TYPE, RENAME or DEL it, and try again.',
    );
  }

  async function unregisterOther(id: string, first: Survey, force: boolean): Promise<boolean> {
    let survey = first;
    for (let tries = 0; tries < TRIES; tries++) {
      if (isAlive(id, survey)) break;
      const [found] = await store.describe([id], WHOLE.jobs, WHOLE.bytes);
      const alive = found && aliveOf(found, survey);
      if (alive === true) break;
      if (alive === undefined && !force) {
        throw new LiveWorkerError(
          `The worker ${id} may live: it writes no heartbeat, so that nobody knows. Make sure that its process has ended, and ` +
            'unregister it with { force: true }: the job that it is on goes to the failed list.',
        );
      }
      const record = found?.record ?? '';
      const seen = { heartbeat: survey.heartbeats.get(id) ?? '', record };
      const done = await store.unregisterForeign(id, seen, entryOf(id, record, survey.now));
      if (done !== undefined) return done;
      survey = await store.survey();
    }
    throw new LiveWorkerError(
      `The worker ${id} lives: it has said so, has started or has begun a job within the last 5 minutes. Stop its process, or wait until it has been silent for so long.`,
    );
  }
}

/** As `WorkerInfo.alive` has it. What has begun just now is a sign of life, whatever else there is. */
function aliveOf({ id, started, record }: WorkerRecord, survey: Survey): boolean | undefined {
  const alive = isAlive(id, survey);
  if (alive || isOurs(id)) return alive;
  // A clock that is somewhat ahead is no reason to take it for dead; one that is a zone ahead would be one for ever.
  const isRecent = (time: Date | undefined) => time !== undefined && Math.abs(survey.now - time.getTime()) < SILENT_MS;
  return isRecent(readDate(started)) || isRecent(record === '' ? undefined : workingOn(record)?.at) || alive;
}

function infoOf(record: WorkerRecord, survey: Survey): WorkerInfo {
  const { id, started, version, held, processed, failed } = record;
  const leaseEnd = survey.leases.get(id);
  return {
    id,
    ...partsOfWorkerId(id),
    ours: isOurs(id),
    started: readDate(started),
    heartbeat: readDate(survey.heartbeats.get(id)),
    leaseEnds: leaseEnd === undefined ? undefined : dateOf(leaseEnd),
    alive: aliveOf(record, survey),
    version: version === '' ? undefined : version,
    held: isOurs(id) ? held : record.record === '' ? 0 : 1,
    processed,
    failed,
    running: runningOf(record),
  };
}

/** What it says it works on, and what it holds besides. */
function runningOf({ id, record, jobs }: WorkerRecord): JobView[] {
  const works = record === '' ? undefined : workingOn(record);
  const view = (queue: string | undefined, field: string, bytes: Buffer, length: number, at?: Date) =>
    viewOfBeginning(bytes, length, {
      state: 'running',
      queue,
      at,
      worker: id,
      place: writePlace({ kind: 'held', worker: id, field }),
    });
  const isSame = ({ queue, bytes }: HeldPayload) =>
    queue === works?.queue && unsplice(bytes.toString('utf8')).payload === works.payload;
  const same = works ? jobs.findIndex(isSame) : -1;
  const others = jobs.flatMap(({ queue, field, bytes, length }, i) =>
    i === same ? [] : [view(queue, field, bytes, length)],
  );
  if (!works) return others;
  const shown = jobs[same];
  const bytes = shown?.bytes ?? Buffer.from(works.payload);
  return [view(works.queue, shown?.field ?? '', bytes, shown?.length ?? bytes.length, works.at), ...others];
}

interface Working {
  readonly queue: string | undefined;
  readonly at: Date | undefined;
  /** As it stands there. */
  readonly payload: string;
}

function workingOn(record: string): Working | undefined {
  try {
    const fields = JSON.parse(record) as { queue?: unknown; run_at?: unknown } | null;
    const payload = isObject(record) ? membersOf(record).get('payload') : undefined;
    if (!payload) return undefined;
    return {
      queue: typeof fields?.queue === 'string' ? fields.queue : undefined,
      at: readDate(fields?.run_at),
      payload: record.slice(payload.start, payload.end),
    };
  } catch {
    return undefined;
  }
}

/** What Ruby's prune leaves in the failed list of the job that a dead worker was on; '' for none. */
function entryOf(worker: string, record: string, now: number): string {
  const works = record === '' ? undefined : workingOn(record);
  if (!works) return '';
  const thrown = new Error(`Worker ${worker} did not gracefully exit while processing this job.`);
  thrown.name = 'Resque::PruneDeadWorkerDirtyExit';
  thrown.stack = '';
  const { head, tail } = failedEntry({ failedAt: new Date(now), thrown, worker, queue: works.queue ?? '' });
  return (
    head +
    (isObject(works.payload) && rubyCanShow(works.payload) ? works.payload : JSON.stringify(works.payload)) +
    tail
  );
}

/** Anything else stops resque-web. */
function isObject(json: string): boolean {
  return /^\s*\{/.test(json);
}
