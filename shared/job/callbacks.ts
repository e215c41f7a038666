import { ConfigError } from '../errors.ts';
import { type OptionsOf, shown } from '../options.ts';
import type { JobInfo } from './context.ts';

/**
 * What is called when a job has ended, or one attempt of it, in the worker that ran it. What a callback throws is logged, and changes
 * nothing. A worker that dies before the end is written to Redis runs the job again, and calls again.
 */
export interface JobCallbacks {
  /** It has succeeded. @param result what the handler returned, of a step of a flow and of a job that is tracked; else undefined */
  readonly onSucceeded?: (job: EndedJob, result: unknown) => unknown;
  /** An attempt has failed, and there will be another. */
  readonly onRetrying?: (job: EndedJob, error: unknown) => unknown;
  /** It is in the failed list. */
  readonly onFailed?: (job: EndedJob, error: unknown) => unknown;
}

/** A job that has ended, as callbacks get it. */
export interface EndedJob extends Pick<JobInfo, 'class' | 'queue' | 'id' | 'attempt' | 'payload'> {
  /** As they stand in the payload. */
  readonly args: readonly unknown[];
}

export const callbackNames = { onSucceeded: true, onRetrying: true, onFailed: true } satisfies OptionsOf<JobCallbacks>;
export const CALLBACKS = Object.keys(callbackNames) as (keyof JobCallbacks)[];

/** @param where what has them, for messages  @throws ConfigError */
export function checkCallbacks(where: string, given: JobCallbacks): void {
  for (const name of CALLBACKS) {
    const callback: unknown = given[name];
    if (callback === undefined || typeof callback === 'function') continue;
    throw new ConfigError(
      `${where}: ${name} must be a function, such as (job, error) => log(job.id, error); got ${shown(callback)}.`,
    );
  }
}
