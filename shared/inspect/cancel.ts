import { type ControlBroker, MOST_CANCELLED } from '../broker/control-broker.ts';
import { ConfigError } from '../errors.ts';
import { shown } from '../options.ts';
import type { Jobs } from './jobs.ts';

/** So long a worker may take until it hears of it, or meets the job, ms. */
const HOLDS_MS = 3_600_000;
/** A job that moves on while it is looked for is looked for again so many times. */
const TRIES = 5;

/** See `Jobs.cancel`. */
export function cancelOf(control: ControlBroker, jobs: Pick<Jobs, 'get' | 'remove'>): Jobs['cancel'] {
  return async (id, reason = 'Somebody cancelled the job.') => {
    if (typeof id !== 'string' || id === '') throw new ConfigError(`cancel takes the id of a job; got ${shown(id)}.`);
    if (typeof reason !== 'string') throw new ConfigError(`cancel: the reason must be a text; got ${shown(reason)}.`);
    // Wherever it goes while we look for it, it is not started.
    if (!(await control.orderCancel(id, reason, HOLDS_MS))) {
      throw new ConfigError(
        `${MOST_CANCELLED} jobs are being cancelled now, and workers can hear of no more. Try again when some of them have ended, ` +
          'or remove jobs that wait with client.jobs.remove.',
      );
    }
    for (let i = 0; i < TRIES; i++) {
      const job = await jobs.get(id);
      if (job?.state === 'running') return 'cancelling';
      if (!job || job.state === 'failed' || job.state === 'done') break;
      if (!(await jobs.remove(job))) continue;
      await control.dropCancel(id);
      await control.countDiscarded(job.queue, job.class);
      return 'discarded';
    }
    await control.dropCancel(id);
    return undefined;
  };
}
