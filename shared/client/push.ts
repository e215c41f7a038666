import type { WorkerBroker } from '../broker/broker.ts';
import { PartlyEnqueuedError } from '../errors.ts';
import type { Enqueued } from '../job/enqueue.ts';

/** Most jobs in one request. */
export const CHUNK_JOBS = 5_000;
/**
 * Most characters of payloads in one request; a larger payload goes alone. One takes up to 3 bytes, or 2 where it is quoted
 * over REST, and the index of a delayed job repeats them: at most 6 MB, of the 10 MB that Upstash takes.
 */
export const CHUNK_CHARACTERS = 1_000_000;

/**
 * Pushes checked jobs in order, in as many requests as they need, one after the other: a queue keeps the order of its jobs.
 * @throws PartlyEnqueuedError where one failed after others, else what Redis says
 */
export async function push(
  broker: Pick<WorkerBroker, 'enqueue' | 'enqueueDelayed'>,
  jobs: readonly Enqueued[],
): Promise<void> {
  for (let from = 0; from < jobs.length; ) {
    const to = endOfChunk(jobs, from);
    try {
      await pushChunk(broker, jobs, from, to);
    } catch (error) {
      throw from === 0 ? error : new PartlyEnqueuedError(from, jobs.length, error);
    }
    from = to;
  }
}

/** One request for those that are due now, and one for the delayed ones. Rejects when both have ended. */
async function pushChunk(
  broker: Pick<WorkerBroker, 'enqueue' | 'enqueueDelayed'>,
  jobs: readonly Enqueued[],
  from: number,
  to: number,
): Promise<void> {
  const now: Enqueued[] = [];
  const later: { readonly seconds: number; readonly payload: string }[] = [];
  for (let i = from; i < to; i++) {
    const job = jobs[i] as Enqueued;
    if (job.at === undefined) now.push(job);
    else later.push({ seconds: job.at.getTime() / 1000, payload: job.payload });
  }
  if (later.length === 0) return broker.enqueue(now);
  if (now.length === 0) return broker.enqueueDelayed(later);
  const results = await Promise.allSettled([broker.enqueue(now), broker.enqueueDelayed(later)]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function endOfChunk(jobs: readonly Enqueued[], from: number): number {
  const most = Math.min(jobs.length, from + CHUNK_JOBS);
  let characters = 0;
  for (let i = from; i < most; i++) {
    const { payload, queue } = jobs[i] as Enqueued;
    characters += payload.length + queue.length;
    if (characters > CHUNK_CHARACTERS && i > from) return i;
  }
  return most;
}
