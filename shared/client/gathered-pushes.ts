import type { WorkerBroker } from '../broker/broker.ts';
import { RedisUnavailableError } from '../errors.ts';
import { CHUNK_CHARACTERS, CHUNK_JOBS } from './push.ts';

type Jobs = Parameters<WorkerBroker['enqueue']>[0];

interface Call {
  readonly jobs: Jobs;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Pushes of one turn of the event loop, or that come while others are under way, go together: one request and one command
 * for a thousand calls that nobody has awaited one by one. One request is under way at a time, so that jobs stay in the order in
 * which they were enqueued, and each call has its own result.
 */
export function gatheredPushes(send: WorkerBroker['enqueue']): WorkerBroker['enqueue'] {
  let waiting: Call[] = [];
  let isBusy = false;

  async function sendAll(): Promise<void> {
    while (waiting.length > 0) {
      const end = endOfRequest(waiting);
      const calls = waiting.slice(0, end);
      waiting = waiting.slice(end);
      await sendTogether(calls);
    }
    isBusy = false;
  }

  async function sendTogether(calls: readonly Call[]): Promise<void> {
    const [first, ...more] = calls as [Call, ...Call[]];
    try {
      await send(more.length === 0 ? first.jobs : calls.flatMap(({ jobs }) => jobs));
    } catch (error) {
      // Where Redis has refused it, nothing was pushed; and it may have been one of the calls that it does not take.
      const alone = more.length > 0 && !(error instanceof RedisUnavailableError);
      for (const call of calls) {
        if (alone) await sendTogether([call]);
        else call.reject(error);
      }
      return;
    }
    for (const { resolve } of calls) resolve();
  }

  return (jobs) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ jobs, resolve, reject });
      if (isBusy) return;
      isBusy = true;
      // Behind all promises that are settled now: whoever enqueues in a loop has enqueued all by then.
      process.nextTick(() => void sendAll());
    });
}

/** As many calls as go in one request; at least one. */
function endOfRequest(calls: readonly Call[]): number {
  let count = 0;
  let characters = 0;
  for (const [i, { jobs }] of calls.entries()) {
    count += jobs.length;
    for (const { payload, queue } of jobs) characters += payload.length + queue.length;
    if (i > 0 && (count > CHUNK_JOBS || characters > CHUNK_CHARACTERS)) return i;
  }
  return calls.length;
}
