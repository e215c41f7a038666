import { isDeepStrictEqual } from 'node:util';
import type { DelayedTime, ScheduledBroker } from '../broker/redis/scheduled.ts';
import { removalEffects, retimeEffects } from '../broker/removal.ts';
import { LAST_DATE } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import type { Args } from '../job/define.ts';
import type { Registry } from '../job/registry.ts';
import { parseWithBigInts } from '../json.ts';
import { shown } from '../options.ts';
import { unsplice } from '../wire/attempts-record.ts';
import { argsOf } from '../wire/decode.ts';

/** A job that waits for its time. */
export interface WaitingJob {
  /** A delayed job, or a failed attempt that waits for the next one. */
  readonly kind: 'delayed' | 'retry';
  /** When it is due. */
  readonly at: Date;
  /** undefined where the payload names none; then the queue of its class is meant. */
  readonly queue: string | undefined;
  /** undefined, and no arguments, where the payload is not a job. */
  readonly class: string | undefined;
  /** Its arguments, as a handler would get them without a schema. */
  readonly args: Args;
  /** The payload as its producer wrote it. */
  readonly payload: string;
  /** Attempts made so far. */
  readonly attempts: number;
  /** Where it waits: what `runNow` and the others go by. */
  readonly place: string;
}

/** Which jobs to find; what is left out may be anything. */
export interface JobFilter {
  /** Only delayed jobs, or only retries. */
  readonly kind?: 'delayed' | 'retry';
  /** What stands in the payload's `class`. */
  readonly class?: string;
  /** The queue that it waits for. */
  readonly queue?: string;
  /** Exactly these arguments. */
  readonly args?: Args;
}

/** What waits: delayed jobs in time order, then retries in time order. Each change is atomic and tells whether it found the job. */
export interface Scheduled {
  /** How many wait of each. */
  count(): Promise<WaitingCount>;
  /**
   * Up to `limit` of them (100 if absent), from the first, or from `cursor` of the page before.
   * @example const { jobs, cursor } = await client.scheduled.page('delayed', { limit: 20 });
   */
  page(kind: 'delayed' | 'retry', options?: { cursor?: string; limit?: number }): Promise<WaitingPage>;
  /**
   * Every job that fits. They are read page by page, before the first is given.
   * @example for await (const job of client.scheduled.find({ kind: 'retry', class: 'Hello' })) await client.scheduled.runNow(job);
   */
  find(filter: JobFilter): AsyncGenerator<WaitingJob>;
  /** Moves it to its queue. @returns whether it was still there @throws ConfigError where no queue is known for it */
  runNow(job: WaitingJob): Promise<boolean>;
  /** Drops it. @returns whether it was still there */
  remove(job: WaitingJob): Promise<boolean>;
  /** To the second for delayed jobs. @returns whether it was still there @throws ConfigError for a time that is none */
  reschedule(job: WaitingJob, at: Date): Promise<boolean>;
}

/** How many jobs wait for their time. */
export interface WaitingCount {
  /** Delayed jobs. */
  readonly delayed: number;
  /** Failed attempts that wait for the next one. */
  readonly retries: number;
}

/** Some of what waits. */
export interface WaitingPage {
  /** In time order. */
  readonly jobs: readonly WaitingJob[];
  /** For the next page; undefined after the last. */
  readonly cursor: string | undefined;
}

const PAGE = 100;
const TIMES_AT_ONCE = 100;

export function createScheduled(store: ScheduledBroker, registry?: Registry): Scheduled {
  async function delayedPage(cursor: string, limit: number): Promise<WaitingPage> {
    const start = placeOf(cursor);
    let offset = start?.offset ?? 0;
    let times = await store.delayedTimes(start?.time, TIMES_AT_ONCE);
    if (start) times = [start.time, ...times];
    const jobs: WaitingJob[] = [];
    for (let time = times[0]; time; time = times[0]) {
      const found = await store.delayedAt(times, offset, limit - jobs.length);
      for (const [i, payloads] of found.entries()) {
        const at = times[i] ?? time;
        for (const payload of payloads) jobs.push(waiting('delayed', at.score * 1000, payload, at.name));
      }
      // Of the last list there may be more.
      const last = times[found.length - 1] ?? time;
      const read = found.at(-1)?.length ?? 0;
      offset = found.length > 1 ? read : offset + read;
      if (jobs.length >= limit) return { jobs, cursor: cursorOf(last, offset) };
      times = times.slice(read > 0 ? found.length - 1 : found.length);
      if (read === 0) offset = 0;
      if (times.length === 0) times = await store.delayedTimes(last, TIMES_AT_ONCE);
    }
    return { jobs, cursor: undefined };
  }

  async function retryPage(cursor: string, limit: number): Promise<WaitingPage> {
    const offset = Number(cursor || 0);
    const found = await store.retries(offset, limit);
    const jobs = found.map(({ member, at, payload }) => waiting('retry', at, payload, member));
    return { jobs, cursor: jobs.length === limit ? String(offset + limit) : undefined };
  }

  const page: Scheduled['page'] = async (kind, { cursor = '', limit = PAGE } = {}) => {
    if (kind === 'delayed') return delayedPage(cursor, limit);
    if (kind === 'retry') return retryPage(cursor, limit);
    throw new ConfigError(`page: kind must be "delayed" or "retry"; got ${shown(kind)}.`);
  };

  return {
    async count() {
      return { delayed: await store.delayedCount(), retries: await store.retryCount() };
    },
    page,
    async *find(filter) {
      for (const kind of ['delayed', 'retry'] as const) {
        if (filter.kind !== undefined && filter.kind !== kind) continue;
        const found: WaitingJob[] = [];
        let cursor: string | undefined = '';
        while (cursor !== undefined) {
          const { jobs, cursor: next }: WaitingPage = await page(kind, { cursor });
          for (const job of jobs) if (fits(job, filter)) found.push(job);
          cursor = next;
        }
        // Only now: what the caller does with them moves the others.
        yield* found;
      }
    },
    async runNow(job) {
      if (job.kind === 'retry') return store.retryNow(job.place);
      const queue =
        job.queue ?? (job.class === undefined ? undefined : registry?.handlerFor(job.class)?.definition.queue);
      if (queue === undefined) {
        throw new ConfigError(
          `runNow: the delayed job ${job.class ?? job.payload} names no queue, and its class has none that is known here.`,
        );
      }
      return store.moveDelayed(job.place, job.payload, { to: 'queue', queue });
    },
    remove: (job) =>
      job.kind === 'retry'
        ? store.removeRetry(job.place, removalEffects(job.payload, queueOf(job)))
        : store.moveDelayed(job.place, job.payload, { to: 'nowhere' }, removalEffects(job.payload, queueOf(job))),
    async reschedule(job, at) {
      const time = at.getTime();
      if (!(time >= 0))
        throw new ConfigError(`reschedule: the time must be a valid Date after 1970; got ${String(at)}.`);
      const queue = queueOf(job);
      if (job.kind === 'retry') {
        const effects = retimeEffects(job.payload, queue, { member: job.place, at: time });
        return store.rescheduleRetry(job.place, time, effects);
      }
      const seconds = Math.floor(time / 1000);
      return store.moveDelayed(
        job.place,
        job.payload,
        { to: 'time', seconds },
        retimeEffects(job.payload, queue, { seconds }),
      );
    },
  };
}

const queueOf = ({ queue = '' }: WaitingJob) => queue;

function fits(job: WaitingJob, { class: className, queue, args }: JobFilter): boolean {
  return (
    (className === undefined || job.class === className) &&
    (queue === undefined || job.queue === queue) &&
    (args === undefined || isDeepStrictEqual(job.args, args))
  );
}

function waiting(kind: WaitingJob['kind'], at: number, bytes: string, place: string): WaitingJob {
  const { payload, record } = unsplice(bytes);
  let fields: { class?: unknown; args?: unknown; queue?: unknown } = {};
  try {
    const value = parseWithBigInts(payload);
    if (typeof value === 'object' && value !== null) fields = value;
  } catch {
    // Shown as what it is: a payload without class.
  }
  const { class: className, args, queue } = fields;
  return {
    kind,
    at: new Date(Math.max(-LAST_DATE, Math.min(at, LAST_DATE))),
    queue: kind === 'retry' ? place.slice(place.indexOf(':') + 1) : typeof queue === 'string' ? queue : undefined,
    class: typeof className === 'string' ? className : undefined,
    args: argsOf(args),
    payload,
    attempts: record?.attempts ?? 0,
    place,
  };
}

/** @param offset how many payloads of that list came before */
function cursorOf({ name, score }: DelayedTime, offset: number): string {
  return `${offset}:${score}:${name}`;
}

function placeOf(cursor: string): { readonly time: DelayedTime; readonly offset: number } | undefined {
  const [, offset, score, name] = /^(\d+):([^:]*):([\s\S]*)$/.exec(cursor) ?? [];
  if (name === undefined) return undefined;
  return { time: { name, score: Number(score) }, offset: Number(offset) };
}
