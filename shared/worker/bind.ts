import type { WorkerOptions } from '../config.ts';
import { ExpiredError, UnknownClassError } from '../errors.ts';
import type { BoundJob, Handler, Registry } from '../job/registry.ts';
import type { Job, Outcome, RawJob } from '../types.ts';
import { activeJobOf, WRAPPER } from '../wire/active-job/envelope.ts';
import { unwrap } from '../wire/active-job/unwrap.ts';
import { decode, type Undecodable } from '../wire/decode.ts';
import type { Orders } from './orders.ts';
import { deadlineError, outcomeOfDeaths } from './outcome.ts';

export interface BindDeps {
  readonly registry: Registry;
  readonly options: Pick<WorkerOptions, 'numbers' | 'unknownClass'>;
  /** Redis's time, epoch ms. */
  readonly now: () => number;
  readonly orders: Pick<Orders, 'anyCancelled' | 'cancelled'>;
}

/** A job that has its outcome without having run. */
interface Unrunnable {
  readonly job: Job;
  readonly outcome: Outcome;
  /** Of its class, where one is defined. */
  readonly knownHandler?: Handler | undefined;
}

/**
 * A reserved job with its handler; or what becomes of it, where nothing here can run it.
 * @param token of the worker: see `decode`
 */
export function bind(raw: RawJob, token: string, deps: BindDeps): BoundJob | Unrunnable | Undecodable {
  const { registry, options } = deps;
  const decoded = decode(raw, token, options.numbers);
  if (!('class' in decoded)) return decoded;
  const { job, handler } = withHandler(decoded, registry, raw.queue);
  const over = outcomeOfWait(job, handler, deps);
  if (over) return { job, outcome: over, knownHandler: handler };
  if (handler) {
    const outcome = job.deaths > 0 ? outcomeOfDeaths(job, isOnlyOnce({ handler })) : undefined;
    return outcome ? { job, outcome, knownHandler: handler } : { job, handler };
  }
  const inside = job.class === WRAPPER ? activeJobOf(job.args)?.jobClass : undefined;
  const message = `No worker for ${inside === undefined ? job.class : `the ActiveJob ${inside}`} in queue ${raw.queue}.`;
  if (options.unknownClass === 'release') return { job, outcome: { kind: 'released', to: 'tail', reason: message } };
  const error = new UnknownClassError(
    `${message} Define the class with ${inside === undefined ? 'defineJob' : 'defineActiveJob'}, and export it from the jobs module.`,
  );
  return { job, outcome: { kind: 'failed', error } };
}

/** What becomes of a job that is not to be started any more, since it was cancelled or its time is over; undefined if it may run. */
export function outcomeOfWait(
  job: Job,
  handler: Handler | undefined,
  { now, orders }: Pick<BindDeps, 'now' | 'orders'>,
): Outcome | undefined {
  // For nearly every job, nothing of this has to be looked at.
  if (job.control === undefined && handler?.definition.expires === undefined && !orders.anyCancelled) return undefined;
  const cancelled = orders.cancelled(job);
  if (cancelled) return { kind: 'discarded', error: cancelled };
  const { control } = job;
  const expires = control?.expires ?? expiresByDefault(job, handler);
  if (expires === undefined && control?.deadline === undefined) return undefined;
  const time = now();
  if (expires !== undefined && time >= expires) {
    const message = `It was to start before ${new Date(expires).toISOString()}, and had not by ${new Date(time).toISOString()}.`;
    return { kind: 'discarded', error: new ExpiredError(message) };
  }
  if (control?.deadline === undefined || time < control.deadline) return undefined;
  return { kind: 'failed', error: deadlineError(control.deadline) };
}

/** By when it had to start; undefined where that is not known: when it was enqueued says nothing of one that was delayed after that. */
function expiresByDefault({ queueTime, delayed }: Job, handler: Handler | undefined): number | undefined {
  const after = handler?.definition.expires;
  return after === undefined || queueTime === undefined || delayed ? undefined : queueTime + after;
}

/** The handler of its class; or of the class inside of Rails' wrapper, with the job as it is there, where one is defined. */
function withHandler(job: Job, registry: Registry, queue: string) {
  const activeJob = job.class === WRAPPER ? activeJobOf(job.args) : undefined;
  const inside = activeJob && registry.handlerFor(activeJob.jobClass, true, queue);
  if (inside) return { job: unwrap(job, activeJob), handler: inside };
  const handler = registry.handlerFor(job.class, false, queue);
  const plugins = handler?.definition.plugins;
  return { job: plugins ? { ...job, plugins } : job, handler };
}

/** Once it may have started, it is not run again. */
export function isOnlyOnce({ handler }: Pick<BoundJob, 'handler'>): boolean {
  return handler.definition.delivery === 'at-most-once';
}
