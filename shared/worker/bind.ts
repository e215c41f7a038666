import type { WorkerOptions } from '../config.ts';
import { UnknownClassError } from '../errors.ts';
import type { BoundJob, Handler, Registry } from '../job/registry.ts';
import type { Job, Outcome, RawJob } from '../types.ts';
import { activeJobOf, WRAPPER } from '../wire/active-job/envelope.ts';
import { unwrap } from '../wire/active-job/unwrap.ts';
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
  const decoded = decode(raw, token, options.numbers);
  if (!('class' in decoded)) return decoded;
  const [job, handler] = withHandler(decoded, registry);
  if (handler) {
    const outcome = job.deaths > 0 ? outcomeOfDeaths(job, isOnlyOnce({ handler })) : undefined;
    return outcome ? { job, outcome } : { job, handler };
  }
  const inside = job.class === WRAPPER ? activeJobOf(job.args)?.jobClass : undefined;
  const message = `No worker for ${inside === undefined ? job.class : `the ActiveJob ${inside}`} in queue ${raw.queue}.`;
  if (options.unknownClass === 'release') return { job, outcome: { kind: 'released', to: 'tail', reason: message } };
  const error = new UnknownClassError(
    `${message} Define the class with ${inside === undefined ? 'defineJob' : 'defineActiveJob'}, and export it from the jobs module.`,
  );
  return { job, outcome: { kind: 'failed', error } };
}

/** The handler of its class; or of the class inside of Rails' wrapper, with the job as it is there, where one is defined. */
function withHandler(job: Job, registry: Registry): [Job, Handler | undefined] {
  const activeJob = job.class === WRAPPER ? activeJobOf(job.args) : undefined;
  const handler = activeJob && registry.handlerFor(activeJob.jobClass, true);
  if (!handler) return [job, registry.handlerFor(job.class)];
  return [unwrap(job, activeJob), handler];
}

/** Once it may have started, it is not run again. */
export function isOnlyOnce({ handler }: Pick<BoundJob, 'handler'>): boolean {
  return handler.definition.delivery === 'at-most-once';
}
