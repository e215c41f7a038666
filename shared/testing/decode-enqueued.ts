import type { Args, Enqueued, Target } from '../job/enqueue.ts';
import { newPayload } from '../job/new-payload.ts';
import type { Job } from '../types.ts';
import { activeJobOf, WRAPPER } from '../wire/active-job/envelope.ts';
import { unwrap } from '../wire/active-job/unwrap.ts';
import { decode } from '../wire/decode.ts';
import { reserved } from './test-worker.ts';

/** What is enqueued, as a worker will see it: read from its payload, and out of Rails' wrapper. */

/** A payload without an id gets one of the worker's token and its number. */
const NO_TOKEN = 'none';
const NO_ID = `${NO_TOKEN}-1`;

/** @param target what it was enqueued by: somebody may define Rails' wrapper itself */
export function jobIn({ queue, payload }: Pick<Enqueued, 'queue' | 'payload'>, target: Target): Job {
  const job = decode(reserved(queue, payload), NO_TOKEN, 'bigint');
  if (!('class' in job)) throw job.error;
  const activeJob = job.class === WRAPPER && nameOf(target) !== WRAPPER ? activeJobOf(job.args) : undefined;
  return activeJob ? unwrap(job, activeJob) : job;
}

/** undefined where the payload has none. */
export function idOf({ id }: Job): string | undefined {
  return id === NO_ID ? undefined : id;
}

/** What a handler would get of these arguments without a schema. @throws ArgumentsError for those that would be refused */
export function arrivingArgs(target: Target, args: Args): Args {
  const ref = typeof target === 'string' ? undefined : target;
  const payload = newPayload(ref, { class: nameOf(target), args, queue: '', at: undefined, id: undefined, now: 0 });
  return jobIn({ queue: '', payload }, target).args;
}

export function nameOf(target: Target): string {
  return typeof target === 'string' ? target : target.class;
}
