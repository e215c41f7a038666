import type { JobView } from '../inspector.ts';
import { jobPath, listPartOf, type Sought, seek } from '../job-list.ts';
import { logsLink } from '../logs-link.ts';
import { paths, to } from '../paths.ts';
import { action, badge, facts, field, hidden, link, queueLink } from '../views/elements.ts';
import { bytes, count, counted, cut, indented, time, utc } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import { stateWords } from '../views/job-table.ts';
import type { PageContent } from '../views/layout.ts';
import type { View } from '../views/view.ts';
import type { Page } from './page.ts';
import { wholeText } from './whole-text.ts';

/** Characters of a payload, and of its arguments, that are shown; all of it is a link away. */
const SHOWN = 20_000;

export const jobPage: Page = async (view) => {
  const sought = await seek(view.inspector, view.query);
  const { job } = sought;
  if (!job) return sought.cursor === undefined ? notThere() : lookingFor(view, sought);
  const { now } = view;
  return {
    title: job.class ?? 'What is no job',
    menu: job.state === 'failed' ? 'failed' : job.state === 'queued' ? 'queues' : 'scheduled',
    body: html`
      <p>${badge(stateWords[job.state], job.state === 'failed' ? 'bad' : job.state === 'retry' ? 'warn' : 'plain')}</p>
      ${facts([
        [
          'Id',
          job.id === undefined
            ? html`<span class="unknown">none: its producer gave it no id</span>`
            : html`<code>${job.id}</code>`,
        ],
        ['Queue', queueLink(job.queue)],
        ['Enqueued', time(job.enqueuedAt, now)],
        [
          'Flow',
          job.flow && link(paths.flow, { id: job.flow.id, at: job.flow.step }, `${job.flow.id}, step ${job.flow.step}`),
        ],
        ['Trace', job.traceId && html`<code>${job.traceId}</code>`],
        [
          {
            scheduled: 'Due',
            retry: 'Next attempt',
            failed: 'Failed',
            running: 'Started',
            queued: 'At',
            parked: 'At',
            done: 'Ended',
          }[job.state],
          job.at && html`${time(job.at, now)} (${utc(job.at)})`,
        ],
        ['Attempts that failed', count(job.attempts)],
        ['Workers that died with it', job.deaths === 0 ? undefined : count(job.deaths)],
        ['Worker', job.worker],
        ['Size', bytes(job.bytes)],
        ['Log', logs(view, job)],
      ])}
      ${changesOf(view, job)}
      ${errors(job, now)}
      <h2>Arguments</h2>
      ${text('Arguments', job.class === undefined ? '' : indented(job.args), jobPath(job, listPartOf(view.query), paths.payload))}
      <h2>Payload, as its producer wrote it</h2>
      ${job.exact ? '' : html`<p class="notice warn">It is not UTF-8: what could not be read is shown as �. Its bytes stay as they are, whatever is done here.</p>`}
      ${text('Payload', job.payload, jobPath(job, listPartOf(view.query), paths.payload))}`,
  };
};

/** The whole payload, as text. */
export const payload: Page = async (view) => {
  const { job } = await seek(view.inspector, view.query);
  if (!job) return notThere();
  return wholeText(job.payload, view.mostBytes, 'The command line has it whole: lambdesque jobs show.');
};

const notThere = () => ({
  title: 'The job is no longer there',
  status: 404 as const,
  live: false,
  body: html`<p>It has run and succeeded, was removed, or is somewhere else by now. ${link(paths.search, {}, 'Search for it')}</p>`,
});

/** One request looks at so many; with a script the next one follows by itself. */
function lookingFor({ query }: View, { scanned, cursor }: Sought): PageContent {
  const id = query.text('id');
  return {
    title: 'Looking for the job',
    live: false,
    body: html`<p>Looked at ${counted(scanned, 'job')} so far. <a href="${to(paths.job, { id, from: cursor, scanned })}" data-go-on>Look further</a></p>`,
  };
}

function text(label: string, whole: string, href: string): Html {
  return html`<pre tabindex="0" role="region" aria-label="${label}">${cut(whole, SHOWN)}</pre>
    ${whole.length > SHOWN ? html`<p>The first ${count(SHOWN)} of ${count(whole.length)} characters. <a href="${href}">The whole payload</a></p>` : ''}`;
}

function errors(job: JobView, now: Date): Html {
  if (job.errors.length === 0) return '';
  return html`<h2>What went wrong</h2><ol class="errors">${job.errors.map(
    (one) => html`<li value="${one.attempt}">${one.at ? time(one.at, now) : ''} <code>${one.error}</code></li>`,
  )}</ol>`;
}

function logs({ logs: place, now }: View, job: JobView): Html | undefined {
  if (!place || job.id === undefined) return undefined;
  const since = job.enqueuedAt ?? new Date(now.getTime() - 7 * 86_400_000);
  return html`<a href="${logsLink(place, job.id, since, now)}" rel="noreferrer">Its lines in CloudWatch Logs</a>`;
}

function changesOf(view: View, job: JobView): Html {
  if (view.readOnly || job.state === 'done') return '';
  const fields = { ...listPartOf(view.query), state: job.state, queue: job.queue, place: job.place };
  const cancel =
    job.id === undefined || job.state === 'failed'
      ? ''
      : html`<form method="post" action="/jobs/cancel" class="inline">${hidden(view, { ...fields, id: job.id })}<button class="danger">Cancel…</button></form>`;
  const pause =
    job.class === undefined || job.state === 'failed'
      ? ''
      : html`<details><summary>Pause its class</summary>${action(view, '/classes/pause', html`Pause all jobs of ${job.class}`, { name: job.class })}</details>`;
  if (job.state === 'running') return html`<div class="row">${cancel}</div>${pause}`;
  const run = {
    queued: 'Run it next',
    scheduled: 'Run it now',
    retry: 'Run it now',
    parked: 'Run it past its limit',
    failed: 'Run it again',
  }[job.state];
  return html`<div class="row">
      <form method="post" action="/jobs/run" class="inline">${hidden(view, fields)}<button class="primary">${run}</button></form>
      <form method="post" action="/jobs/remove" class="inline">${hidden(view, fields)}<button class="danger">Remove…</button></form>
      ${cancel}
    </div>
    ${pause}
    ${
      job.state !== 'scheduled' && job.state !== 'retry'
        ? ''
        : html`<details><summary>Give it another time</summary><form method="post" action="/jobs/reschedule" class="filter">${hidden(view, fields)}
      ${field('at', 'To run at (UTC)', (job.at ?? view.now).toISOString().slice(0, 16), html` type="datetime-local" required`)}<button>Reschedule</button></form></details>`
    }`;
}
