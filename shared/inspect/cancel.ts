import { type ControlBroker, MOST_CANCELLED } from '../broker/control-broker.ts';
import { ConfigError } from '../errors.ts';
import { shown } from '../options.ts';
import type { JobView } from './job-view.ts';
import type { Jobs } from './jobs.ts';

/** So long a worker may take until it hears of it, or meets the job, ms. */
const HOLDS_MS = 3_600_000;
/** A job that moves on while it is looked for is looked for again so many times. */
const TRIES = 5;
/** Characters of a reason: every worker reads it with each sync. */
const LONGEST_REASON = 1_000;
const AT_ONCE = 100;
const LIVE = ['scheduled', 'retry', 'parked', 'queued', 'running'] as const;

/** See `Jobs.cancel`. */
export function cancelOf(control: ControlBroker, jobs: Pick<Jobs, 'find' | 'remove'>): Jobs['cancel'] {
  /** All of them: a failed job that was retried twice is in its queue twice. */
  async function live(id: string): Promise<JobView[]> {
    const found: JobView[] = [];
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const page = await jobs.find({ id, states: LIVE, cursor, limit: AT_ONCE });
      found.push(...page.items);
      cursor = page.cursor;
    }
    return found;
  }

  return async (id, reason = 'Somebody cancelled the job.') => {
    if (typeof id !== 'string' || id === '') throw new ConfigError(`cancel takes the id of a job; got ${shown(id)}.`);
    if (typeof reason !== 'string') throw new ConfigError(`cancel: the reason must be a text; got ${shown(reason)}.`);
    // Wherever it goes while we look for it, it is not started.
    if (!(await control.orderCancel(id, reason.slice(0, LONGEST_REASON).toWellFormed(), HOLDS_MS))) {
      throw new ConfigError(
        `${MOST_CANCELLED} jobs are being cancelled now, and workers can hear of no more. Try again when some of them have ended, ` +
          'or remove jobs that wait with client.jobs.remove.',
      );
    }
    let discarded = 0;
    for (let i = 0; i < TRIES; i++) {
      const found = await live(id);
      const waiting = found.filter(({ state }) => state !== 'running');
      const before = discarded;
      for (const job of waiting) {
        if (!(await jobs.remove(job))) continue;
        discarded++;
        await control.countDiscarded(job.queue, job.class);
      }
      if (discarded - before < waiting.length) continue;
      if (found.length > waiting.length) return 'cancelling';
      break;
    }
    // Where it is not there any more, a worker has met the job meanwhile, and discarded it.
    const wasMet = !(await control.dropCancel(id));
    return wasMet ? 'cancelling' : discarded > 0 ? 'discarded' : undefined;
  };
}
