import type { FailedGroup } from '../inspector.ts';
import { paths, to } from '../paths.ts';
import { chart } from '../views/chart.ts';
import { columns, hidden, link, numeric, pager, queueLink, table } from '../views/elements.ts';
import { count, counted, time } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import type { View } from '../views/view.ts';
import type { Page } from './page.ts';

/** Days of the chart. */
const DAYS = 30;
/** Groups of one page. */
const GROUPS = 50;
/** Queues of a group that are named. */
const NAMED = 3;

/** What failed in the same way, most first: a flood of one error is one line. */
export const failedPage: Page = async (view) => {
  const { inspector, query } = view;
  const lists = await inspector.failed.lists();
  const list = lists.find(({ name }) => name === query.text('list'))?.name ?? 'failed';
  const of = list === 'failed' ? {} : { list };
  const { groups, scanned, total } = await inspector.failed.groups(of);
  // It counts on as well: half a count says nothing of the days.
  const byDay = scanned < total ? undefined : await inspector.failed.byDay({ days: DAYS, ...of });
  const days = byDay && byDay.scanned >= byDay.total ? byDay.days : undefined;
  const from = query.number('cursor', 0, [0, groups.length]);
  const shown = groups.slice(from, from + GROUPS);
  const next = from + shown.length < groups.length ? String(from + shown.length) : undefined;
  return {
    title: 'Failed',
    menu: 'failed',
    body: html`
      ${tabs(lists, list)}
      <p>${counted(total, 'entry', 'entries')}${
        scanned < total ? `; the newest ${count(scanned)} are counted below, and more with each update` : ''
      }. ${total > 0 ? link(paths.failedEntries, of, 'All entries, one by one') : ''}</p>
      ${table(
        'What failed, in groups',
        columns(
          'Class',
          'Error',
          numeric('Failures'),
          'Last',
          'First',
          'Queues',
          ...(view.readOnly ? [] : [{ label: 'Actions', unseen: true as const }]),
        ),
        shown.map((group) => row(view, group, list)),
        'The failed list is empty.',
      )}
      ${pager(paths.failed, { ...of, cursor: query.text('cursor') }, next)}
      ${
        days &&
        chart({
          id: 'failed-by-day',
          title: `Failures a day, the last ${DAYS} days`,
          kind: 'bars',
          times: days.map(({ day }) => new Date(`${day}T00:00Z`)),
          lines: [{ label: 'Failed', colour: 'bad', values: days.map((one) => one.count) }],
          said: (at) => at.toISOString().slice(0, 10),
          none: `Nothing failed in the last ${DAYS} days.`,
        })
      }`,
  };
};

function tabs(lists: readonly { readonly name: string; readonly size: number }[], list: string): Html {
  if (lists.length < 2) return '';
  return html`<nav class="tabs" aria-label="Failed lists"><ul>${lists.map(
    ({ name, size }) =>
      html`<li><a href="${to(paths.failed, { list: name })}"${name === list ? html` aria-current="page"` : ''}>${name} <span class="count">${count(size)}</span></a></li>`,
  )}</ul></nav>`;
}

function row(view: View, group: FailedGroup, list: string): Html {
  const { now } = view;
  const query = { class: group.class, fingerprint: group.fingerprint, list: list === 'failed' ? undefined : list };
  const name = group.class ?? 'no job';
  return html`<tr>
    <th scope="row">${link(paths.failedEntries, query, name)}</th>
    <td class="long"><strong>${group.exception}</strong> ${group.sample}</td>
    <td class="number">${count(group.count)}</td>
    <td>${time(group.last, now)}</td>
    <td>${time(group.first, now)}</td>
    <td>${group.queues.slice(0, NAMED).map((queue) => html`${queueLink(queue)} `)}${
      group.queues.length > NAMED ? `and ${count(group.queues.length - NAMED)} more` : ''
    }</td>
    ${
      view.readOnly
        ? ''
        : html`<td><form method="post" class="inline">${hidden(view, query)}
      <button formaction="/failed/retry-all" aria-label="Retry all ${name}…">Retry all…</button>
      <button formaction="/failed/remove-all" class="danger" aria-label="Remove all ${name}…">Remove all…</button></form></td>`
    }
  </tr>`;
}
