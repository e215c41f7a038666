import { ConfigError } from '../../../shared/index.ts';
import type { Fields } from '../fields.ts';
import type { JobView } from '../inspector.ts';
import { type ListPart, listPartOf } from '../job-list.ts';
import { paths, to } from '../paths.ts';
import { counted } from '../views/format.ts';
import { eachPlace } from './each-place.ts';
import { type Change, type Changed, isSure } from './page.ts';

/** Changes of single jobs and of those that were ticked in a list. */

export const runJobs: Change = async (view, form) => forEach(form, 'ran', (job) => view.inspector.jobs.run(job));

export const removeJobs: Change = async (view, form) => {
  if (!isSure(form)) {
    const n = chosen(form).length;
    if (n > 0) {
      return {
        question: n === 1 ? 'Remove this job?' : `Remove ${n} jobs?`,
        detail: `${counted(n, 'job')} will be gone and will not run. This cannot be undone.`,
        button: 'Remove',
        back: listPath(form),
      };
    }
  }
  return forEach(form, 'removed', (job) => view.inspector.jobs.remove(job));
};

export const rescheduleJobs: Change = async (view, form) => {
  const at = form.date('at');
  if (at === undefined) throw new ConfigError('Give the new time as a date and a time of day, in UTC.');
  return forEach(form, 'rescheduled', (job) => view.inspector.jobs.reschedule(job, at), { at: at.toISOString() });
};

/** By id, wherever the job is by now. */
export const cancelJob: Change = async ({ inspector }, form) => {
  const id = form.text('id');
  if (id === undefined) throw new ConfigError('The form names no job: only one with an id can be cancelled.');
  if (!isSure(form)) {
    return {
      question: 'Cancel this job?',
      detail:
        'If it waits, it is discarded; if it runs, its handler is told to end. Either way it does not run again. This cannot be undone.',
      button: 'Cancel the job',
      back: to(paths.job, { id }),
    };
  }
  const reason = form.text('reason') ?? 'Cancelled from the dashboard.';
  const cancelled = await inspector.jobs.cancel(id, reason);
  const said = cancelled === undefined ? 'gone' : cancelled === 'discarded' ? 'cancelled' : 'cancelling';
  return { back: said === 'cancelling' ? to(paths.job, { id }) : listPath(form), said, log: { id, reason } };
};

/** @param change tells whether the job was still there */
async function forEach(
  form: Fields,
  said: 'ran' | 'removed' | 'rescheduled',
  change: (job: Pick<JobView, 'place'>) => Promise<boolean>,
  told: Readonly<Record<string, unknown>> = {},
): Promise<Changed> {
  // The last one first: those that go to the head of a queue keep their order there.
  const places = chosen(form).toReversed();
  return eachPlace(places, { back: listPath(form), said, log: { ...told, ...listPartOf(form) } }, change);
}

const chosen = (form: Fields) => form.all('place');

/** The list that a form came from. */
function listPath(form: Fields): string {
  const { cursor: _, ...part }: ListPart = listPartOf(form);
  if (part.state === 'queued' && part.queue !== undefined) return to(paths.queue, { name: part.queue });
  if (part.state === 'scheduled' || part.state === 'retry') return to(paths.scheduled, { state: part.state });
  return to(paths.search, { ...part });
}
