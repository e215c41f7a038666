import type { WorkerBroker } from '../broker/broker.ts';
import type { Controlled } from '../broker/controlled.ts';
import { PartlyEnqueuedError } from '../errors.ts';
import type { Enqueued } from '../job/enqueue.ts';
import type { NewJob } from './new-job.ts';

/** Most jobs in one request. */
export const CHUNK_JOBS = 5_000;
/** Where some are unique or tracked, which is more work. */
const CHUNK_CONTROLLED = 2_000;
/**
 * Most characters of payloads in one request; a larger payload goes alone. One takes up to 3 bytes, or 2 where it is quoted
 * over REST, and the index of a delayed job repeats them: at most 6 MB, of the 10 MB that Upstash takes.
 */
export const CHUNK_CHARACTERS = 1_000_000;

/** Where jobs are pushed to. */
export type PushStore = Pick<WorkerBroker, 'enqueue' | 'enqueueDelayed' | 'enqueueControlled'>;

/**
 * Pushes checked jobs in order, in as many requests as they need, one after the other: a queue keeps the order of its jobs.
 * @returns what the caller gets of each
 * @throws PartlyEnqueuedError where one failed after others, else what Redis says
 */
export async function push(store: PushStore, jobs: readonly NewJob[]): Promise<Enqueued[]> {
  const done: Enqueued[] = [];
  const controlled = jobs.some(isControlled);
  for (let from = 0; from < jobs.length; ) {
    const to = endOfChunk(jobs, from, controlled ? CHUNK_CONTROLLED : CHUNK_JOBS);
    try {
      const results = await pushChunk(store, jobs, from, to);
      for (let i = from; i < to; i++) done.push(told(jobs[i] as NewJob, results?.[i - from]));
    } catch (error) {
      throw from === 0 ? error : new PartlyEnqueuedError(from, jobs.length, error);
    }
    from = to;
  }
  return done;
}

function isControlled({ asked }: NewJob): boolean {
  return asked !== undefined && (asked.lock !== undefined || asked.keep !== undefined);
}

function told(job: NewJob, result: Controlled | undefined): Enqueued {
  if (job.asked === undefined) return job;
  const { asked: _, ...enqueued } = job;
  return typeof result === 'object' ? { ...enqueued, id: result.id, duplicate: true } : enqueued;
}

/** One request for those that are due now, and one for the delayed ones; or one for all. Rejects when both have ended. */
async function pushChunk(
  store: PushStore,
  jobs: readonly NewJob[],
  from: number,
  to: number,
): Promise<Controlled[] | undefined> {
  const now: NewJob[] = [];
  const later: { readonly seconds: number; readonly payload: string }[] = [];
  let controlled = false;
  for (let i = from; i < to; i++) {
    const job = jobs[i] as NewJob;
    controlled ||= isControlled(job);
    if (job.at === undefined) now.push(job);
    else later.push({ seconds: job.at.getTime() / 1000, payload: job.payload });
  }
  if (controlled) return store.enqueueControlled(jobs.slice(from, to).map(controlledJob));
  const results = await Promise.allSettled([
    ...(now.length === 0 ? [] : [store.enqueue(now)]),
    ...(later.length === 0 ? [] : [store.enqueueDelayed(later)]),
  ]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return undefined;
}

function controlledJob({ queue, payload, at, id, asked }: NewJob) {
  return { queue, payload, seconds: at && at.getTime() / 1000, id, lock: asked?.lock, keep: asked?.keep };
}

function endOfChunk(jobs: readonly NewJob[], from: number, count: number): number {
  const most = Math.min(jobs.length, from + count);
  let characters = 0;
  for (let i = from; i < most; i++) {
    const { payload, queue } = jobs[i] as NewJob;
    characters += payload.length + queue.length;
    if (characters > CHUNK_CHARACTERS && i > from) return i;
  }
  return most;
}
