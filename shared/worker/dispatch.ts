import type { WorkerOptions } from '../config.ts';
import { UnknownClassError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import type { BoundJob, Job, Outcome } from '../types.ts';
import { outcomeOfDeaths } from './outcome.ts';

/** The job with its handler; or its outcome, where it cannot run. */
export function dispatch(
  job: Job,
  registry: Registry,
  options: Pick<WorkerOptions, 'unknownClass' | 'attempts'>,
): BoundJob | Outcome {
  const handler = registry.handlerFor(job.class);
  if (handler) return outcomeOfDeaths(job, handler.definition.retry?.attempts ?? options.attempts) ?? { job, handler };
  const message = `No worker for ${job.class} in queue ${job.raw.queue}.`;
  if (options.unknownClass === 'release') return { kind: 'released', to: 'tail', reason: message };
  return {
    kind: 'failed',
    error: new UnknownClassError(`${message} Define the class with defineJob, and export it from the jobs module.`),
  };
}
