import type { WorkerOptions } from '../config.ts';
import { UnknownClassError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import type { BoundJob, Job, Outcome, RawJob } from '../types.ts';
import { decode, type Undecodable } from '../wire/decode.ts';
import { outcomeOfDeaths } from './outcome.ts';

export interface BindDeps {
  readonly registry: Registry;
  readonly options: Pick<WorkerOptions, 'numbers' | 'unknownClass'>;
}

/** A job that has its outcome without having run. */
export interface Unrunnable {
  readonly job: Job;
  readonly outcome: Outcome;
}

/**
 * A reserved job with its handler; or what becomes of it, where nothing here can run it.
 * @param token of the worker: see `decode`
 */
export function bind(raw: RawJob, token: string, { registry, options }: BindDeps): BoundJob | Unrunnable | Undecodable {
  const job = decode(raw, token, options.numbers);
  if (!('class' in job)) return job;
  const handler = registry.handlerFor(job.class);
  if (handler) {
    const outcome = outcomeOfDeaths(job, isOnlyOnce({ handler }));
    return outcome ? { job, outcome } : { job, handler };
  }
  const message = `No worker for ${job.class} in queue ${raw.queue}.`;
  if (options.unknownClass === 'release') return { job, outcome: { kind: 'released', to: 'tail', reason: message } };
  const error = new UnknownClassError(
    `${message} Define the class with defineJob, and export it from the jobs module.`,
  );
  return { job, outcome: { kind: 'failed', error } };
}

/** Once it may have started, it is not run again. */
export function isOnlyOnce({ handler }: Pick<BoundJob, 'handler'>): boolean {
  return handler.definition.delivery === 'at-most-once';
}
