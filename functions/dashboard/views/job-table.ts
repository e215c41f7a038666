import type { JobView } from '../inspector.ts';
import { jobPath, type ListPart } from '../job-list.ts';
import { columns, hidden, numeric, queueLink, table } from './elements.ts';
import { argsText, bytes, count, time } from './format.ts';
import { type Html, html } from './html.ts';
import type { View } from './view.ts';

const ARGS_LENGTH = 120;

export const stateWords = {
  queued: 'waiting',
  running: 'held by a worker',
  scheduled: 'scheduled',
  retry: 'waiting for its next attempt',
  parked: 'parked',
  failed: 'failed',
  done: 'done',
} as const;

const timeWords = {
  queued: 'Enqueued',
  running: 'Started',
  scheduled: 'Due',
  retry: 'Due',
  parked: 'Enqueued',
  failed: 'Failed',
  done: 'Ended',
} as const;

/** Jobs with boxes to tick, and what can be done with those that are ticked. */
export function jobTable(view: View, label: string, jobs: readonly JobView[], part: ListPart, none: string): Html {
  const choose = !view.readOnly && jobs.some((job) => job.state !== 'running' && job.state !== 'done');
  const when = part.state === undefined ? 'When' : timeWords[part.state];
  const rows = jobs.map((job, at) => row(view, job, part, choose, at));
  const list = table(
    label,
    [
      ...(choose ? [{ label: 'Choose', unseen: true as const }] : []),
      ...columns(
        'Class',
        'Arguments',
        ...(part.queue === undefined ? ['Queue'] : []),
        ...(part.state === undefined ? ['State'] : []),
        when,
        numeric('Attempts'),
      ),
    ],
    rows,
    none,
  );
  if (!choose || jobs.length === 0) return list;
  return html`<form method="post" data-choices>
    ${hidden(view, { ...part })}
    <p class="row"><label><input type="checkbox" data-all hidden /> <span class="unseen">All of this page</span></label>
    <button formaction="/jobs/run">${part.state === 'queued' ? 'Run the chosen next' : 'Run the chosen now'}</button>
    <button formaction="/jobs/remove" class="danger">Remove the chosen…</button></p>
    ${list}
  </form>`;
}

function row(view: View, job: JobView, part: ListPart, choose: boolean, at: number): Html {
  const { now } = view;
  const name = job.class ?? 'no job';
  const changeable = job.state !== 'running' && job.state !== 'done';
  return html`<tr>
    ${choose ? html`<td>${changeable ? html`<input type="checkbox" name="place" value="${job.place}" aria-label="Choose ${name}, line ${at + 1}" />` : ''}</td>` : ''}
    <th scope="row"><a href="${jobPath(job, part)}">${name}</a></th>
    <td class="long"><code>${argsText(job.args, ARGS_LENGTH)}</code>${job.bytes > 10_000 ? html` <span class="unknown">${bytes(job.bytes)}</span>` : ''}</td>
    ${part.queue === undefined ? html`<td>${queueLink(job.queue)}</td>` : ''}
    ${part.state === undefined ? html`<td>${stateWords[job.state]}</td>` : ''}
    <td>${time(job.state === 'queued' || job.state === 'parked' ? job.enqueuedAt : job.at, now)}</td>
    <td class="number">${count(job.attempts)}</td>
  </tr>`;
}
