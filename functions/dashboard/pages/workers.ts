import { ConfigError } from '../../../shared/index.ts';
import type { WorkerInfo } from '../inspector.ts';
import { paths, to } from '../paths.ts';
import { action, badge, columns, link, numeric, pager, table } from '../views/elements.ts';
import { argsText, count, counted, cut, time } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import type { View } from '../views/view.ts';
import { type Change, isSure, type Page } from './page.ts';

/** Workers of one page, and jobs of a worker that are named. */
const WORKERS = 100;
const JOBS = 5;

export const workersPage: Page = async (view) => {
  const all = [...(await view.inspector.workers.list())].sort(deadFirst);
  const from = view.query.number('cursor', 0, [0, all.length]);
  const workers = all.slice(from, from + WORKERS);
  const next = from + workers.length < all.length ? String(from + workers.length) : undefined;
  const dead = all.filter((one) => one.alive === false).length;
  return {
    title: 'Workers',
    menu: 'workers',
    body: html`
      <p>${counted(all.length, 'worker')}${dead > 0 ? `, ${count(dead)} of them dead` : ''}.</p>
      ${table(
        'Workers',
        columns(
          'Worker',
          'State',
          'Queues',
          'Works on',
          numeric('Holds'),
          numeric('Runs'),
          numeric('Failures'),
          'Started',
          'Heard of',
          'Version',
          ...(view.readOnly ? [] : [{ label: 'Actions', unseen: true as const }]),
        ),
        workers.map((worker) => row(view, worker)),
        'No worker is registered. Functions register while they run; lambdesque work as long as it lives.',
      )}
      ${pager(paths.workers, { cursor: view.query.text('cursor') }, next)}`,
  };
};

function deadFirst(a: WorkerInfo, b: WorkerInfo): number {
  return Number(b.alive === false) - Number(a.alive === false) || (a.id < b.id ? -1 : 1);
}

function row(view: View, worker: WorkerInfo): Html {
  const { now } = view;
  return html`<tr>
    <th scope="row"><span title="${worker.id}">${worker.host}</span><br /><span class="unknown">${cut(worker.pid, 40)}</span></th>
    <td>${state(worker)}</td>
    <td class="long">${worker.queues.join(', ')}</td>
    <td class="long">${
      worker.running.length === 0
        ? '–'
        : html`<ul>${worker.running
            .slice(0, JOBS)
            .map(
              (job) =>
                html`<li>${job.id === undefined ? (job.class ?? 'no job') : link(paths.job, { id: job.id }, job.class ?? 'no job')} <code>${argsText(job.args, 60)}</code> ${job.at ? time(job.at, now) : ''}</li>`,
            )}</ul>${worker.held > JOBS ? html`<span class="unknown">${count(worker.held)} in all</span>` : ''}`
    }</td>
    <td class="number">${count(worker.held)}</td>
    <td class="number">${count(worker.processed)}</td>
    <td class="number">${count(worker.failed)}</td>
    <td>${time(worker.started, now)}</td>
    <td>${time(worker.heartbeat, now)}${worker.leaseEnds ? html`<br /><span class="unknown">lease ends ${time(worker.leaseEnds, now)}</span>` : ''}</td>
    <td>${worker.version ?? (worker.ours ? '–' : 'another Resque')}</td>
    ${view.readOnly ? '' : html`<td>${worker.alive ? '' : action(view, '/workers/unregister', html`Unregister…<span class="unseen"> ${worker.id}</span>`, { id: worker.id, ...(worker.alive === undefined && { unknown: 'yes' }) }, true)}</td>`}
  </tr>`;
}

function state({ alive }: WorkerInfo): Html {
  if (alive === undefined) return badge('unknown', 'warn');
  return alive ? badge('alive', 'good') : badge('dead', 'bad');
}

export const unregister: Change = async ({ inspector }, form) => {
  const id = form.text('id');
  if (id === undefined) throw new ConfigError('The form names no worker.');
  const unknown = form.text('unknown') === 'yes';
  if (!isSure(form)) {
    return {
      question: unknown ? 'Unregister this worker, which may live?' : 'Unregister this worker?',
      detail: unknown
        ? html`Nobody knows whether <code>${id}</code> lives, since it writes no heartbeat. Make sure that its process has ended: if it lives, the job that it is on is run to its end, and stands in the failed list all the same.`
        : html`<code>${id}</code> is dead: it is forgotten, and what it held goes back to its queues, or to the failed list where nobody knows how far it came.`,
      button: 'Unregister it',
      back: paths.workers,
    };
  }
  const was = await inspector.workers.unregister(id, { force: unknown });
  return { back: to(paths.workers), said: was ? 'unregistered' : 'gone', log: { worker: id } };
};
