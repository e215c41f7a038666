import { ConfigError, type CronPast } from '../../../shared/index.ts';
import type { Fields } from '../fields.ts';
import type { CronItem } from '../inspector.ts';
import { paths, to } from '../paths.ts';
import { action, badge, columns, link, queueLink, table } from '../views/elements.ts';
import { time } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import type { View } from '../views/view.ts';
import type { Change, Page } from './page.ts';

export const cronPage: Page = async (view) => {
  const entries = await view.inspector.cron.list();
  return {
    title: 'Cron',
    menu: 'cron',
    body: html`
      <p>When the next and last times are, and what came of the last one. Entries from code are changed where they stand; those in
      Redis by <code>client.cron</code> or Ruby.</p>
      ${table(
        'Cron entries',
        columns(
          'Entry',
          'Times',
          'Class',
          'Queue',
          'Next',
          'Last',
          'Outcome',
          ...(view.readOnly ? [] : [{ label: 'Actions', unseen: true as const }]),
        ),
        entries.map((entry) => row(view, entry)),
        'There are no cron entries.',
      )}`,
  };
};

function row(view: View, entry: CronItem): Html {
  const { now } = view;
  const source = badge(entry.source === 'static' ? 'code' : 'Redis');
  if ('error' in entry) {
    return html`<tr><th scope="row">${entry.name} ${source}</th><td colspan="${view.readOnly ? 6 : 7}" class="long">${badge('cannot be used', 'bad')} ${entry.error}</td></tr>`;
  }
  const { name } = entry;
  return html`<tr>
    <th scope="row">${name} ${source} ${entry.paused ? badge('paused', 'warn') : ''}${entry.description === undefined ? '' : html`<br /><span class="unknown">${entry.description}</span>`}</th>
    <td><code>${entry.timing}</code></td>
    <td>${entry.class}</td>
    <td>${queueLink(entry.queue)}</td>
    <td>${entry.paused ? '–' : time(entry.next, now)}</td>
    <td>${entry.last ? time(entry.last, now) : '–'}</td>
    <td class="long">${outcome(entry, now)}</td>
    ${
      view.readOnly
        ? ''
        : html`<td>${action(view, '/cron/run', html`Run now<span class="unseen"> ${name}</span>`, { name })}
      ${
        entry.paused
          ? action(view, '/cron/resume', html`Resume<span class="unseen"> ${name}</span>`, { name })
          : action(view, '/cron/pause', html`Pause<span class="unseen"> ${name}</span>`, { name })
      }</td>`
    }
  </tr>`;
}

const OUTCOMES = {
  enqueued: ['enqueued', 'good'],
  overlapped: ['passed over: the last one still ran', 'warn'],
  error: ['could not be enqueued', 'bad'],
  invalid: ['cannot be used', 'bad'],
} as const;

function outcome({ status }: Extract<CronItem, { status: unknown }>, now: Date): Html {
  if (!status) return '–';
  const [text, kind] = OUTCOMES[status.outcome];
  const job = status.jobId === undefined ? '' : link(paths.search, { q: status.jobId }, 'its job');
  return html`${badge(text, kind)} ${time(new Date(status.at), now)} ${job} ${status.error ?? ''} ${history(status.before ?? [], now)}`;
}

function history(before: readonly CronPast[], now: Date): Html {
  if (before.length === 0) return '';
  const past = before.map((one) => html`<li>${OUTCOMES[one.outcome][0]} ${time(new Date(one.at), now)}</li>`);
  return html`<details><summary>before</summary><ul>${past}</ul></details>`;
}

export const runCron: Change = async ({ inspector }, form) => {
  const name = nameOf(form);
  const id = await inspector.cron.runNow(name);
  return { back: paths.cron, said: 'enqueued', log: { entry: name, id } };
};

export const pauseCron: Change = async ({ inspector }, form) => {
  const name = nameOf(form);
  await inspector.cron.pause(name);
  return { back: to(paths.cron), said: 'cron-paused', log: { entry: name } };
};

export const resumeCron: Change = async ({ inspector }, form) => {
  const name = nameOf(form);
  await inspector.cron.resume(name);
  return { back: paths.cron, said: 'resumed', log: { entry: name } };
};

function nameOf(form: Fields): string {
  const name = form.text('name');
  if (name === undefined) throw new ConfigError('The form names no cron entry.');
  return name;
}
