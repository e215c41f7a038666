import { entriesPage, type FailedFilter, filterInWords, filterOf, isFiltered } from '../failed-list.ts';
import type { FailedEntry } from '../inspector.ts';
import { logsLink } from '../logs-link.ts';
import { paths } from '../paths.ts';
import { badge, columns, field, hidden, link, more, queueLink, select, table } from '../views/elements.ts';
import { argsText, cut, time } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import type { View } from '../views/view.ts';
import type { Page } from './page.ts';

/** Characters that are shown of each; the job's page and the export have the rest. */
const MESSAGE = 300;
const DETAIL = 4_000;
const FRAMES = 30;

export const failedEntriesPage: Page = async (view) => {
  const { inspector, query } = view;
  const filter = filterOf(query);
  const cursor = query.text('cursor');
  const found = await entriesPage(inspector, filter, cursor);
  return {
    title: filter.class === undefined ? 'Failed entries' : `Failures of ${filter.class}`,
    menu: 'failed',
    body: html`
      <p>${link(paths.failed, { list: filter.list }, 'All failures, in groups')}</p>
      ${filterForm(filter)}
      <p>Shown, newest first: ${filterInWords(filter)}.</p>
      ${list(view, found.items, filter, cursor, found.complete)}
      ${more(paths.failedEntries, { ...filter, cursor }, found)}`,
  };
};

function filterForm(filter: FailedFilter): Html {
  const date = html` type="datetime-local"`;
  return html`<details${isFiltered(filter) ? html` open` : ''}><summary>Filter</summary><form method="get" class="filter">
    ${field('text', 'Text anywhere in it', filter.text)}
    ${field('class', 'Class', filter.class)}
    ${field('exception', 'Name of the error', filter.exception)}
    ${field('queue', 'Queue', filter.queue)}
    ${field('since', 'Failed since (UTC)', filter.since, date)}
    ${field('until', 'Failed before (UTC)', filter.until, date)}
    ${select(
      'retried',
      'Retried',
      [
        { value: '', label: 'any' },
        { value: 'no', label: 'not yet' },
        { value: 'yes', label: 'yes' },
      ],
      filter.retried,
    )}
    ${filter.fingerprint === undefined ? '' : html`<p class="field"><label><input type="checkbox" name="fingerprint" value="${filter.fingerprint}" checked /> Only the same error</label></p>`}
    ${filter.list === undefined ? '' : html`<input type="hidden" name="list" value="${filter.list}" />`}
    <button>Show</button>
  </form></details>`;
}

function list(
  view: View,
  entries: readonly FailedEntry[],
  filter: FailedFilter,
  cursor: string | undefined,
  complete: boolean,
): Html {
  const choose = !view.readOnly;
  const rows = entries.map((entry, at) => row(view, entry, filter, at));
  const shown = table(
    'Failed entries',
    [
      ...(choose ? [{ label: 'Choose', unseen: true as const }] : []),
      ...columns('Class', 'Error', 'Queue', 'Failed'),
      ...(choose ? [{ label: 'Actions', unseen: true as const }] : []),
    ],
    rows,
    complete ? 'No entry fits.' : 'None so far.',
  );
  const download = html`<p>${link(paths.failedExport, { ...filter }, 'Export all that fit, as JSON lines')}</p>`;
  if (!choose || entries.length === 0) return html`${shown}${entries.length === 0 ? '' : download}`;
  return html`<form method="post" data-choices>
    ${hidden(view, { ...filter, cursor })}
    <p class="row"><label><input type="checkbox" data-all hidden /> <span class="unseen">All of this page</span></label>
    <button formaction="/failed/retry" class="primary">Retry the chosen</button>
    <button formaction="/failed/remove" class="danger">Remove the chosen…</button>
    <button formaction="/failed/retry-all">Retry all that fit…</button>
    <button formaction="/failed/remove-all" class="danger">Remove all that fit…</button></p>
    ${shown}
  </form>${download}`;
}

function row(view: View, entry: FailedEntry, filter: FailedFilter, at: number): Html {
  const { now, logs } = view;
  const name = entry.class ?? 'no job';
  const error = [entry.exception, entry.error].filter(Boolean).join(': ');
  return html`<tr>
    ${view.readOnly ? '' : html`<td><input type="checkbox" name="place" value="${entry.place}" aria-label="Choose ${name}, line ${at + 1}" /></td>`}
    <th scope="row">${entry.class === undefined ? name : link(paths.failedEntries, { ...filter, class: entry.class }, name)}
      ${entry.retriedAt ? html`<br />${badge('retried', 'good')} ${time(entry.retriedAt, now)}` : ''}</th>
    <td class="long">${cut(error, MESSAGE)}
      <details><summary>Arguments, backtrace, payload</summary>
        <p>Arguments: <code>${argsText(entry.args, DETAIL)}</code></p>
        ${entry.id === undefined ? '' : html`<p>Id: <code>${entry.id}</code>${logs ? html` <a href="${logsLink(logs, entry.id, entry.failedAt ?? now, now)}" rel="noreferrer">Its lines in CloudWatch Logs</a>` : ''}</p>`}
        ${entry.worker === undefined ? '' : html`<p>Worker: <code>${entry.worker}</code></p>`}
        ${entry.backtrace.length === 0 ? '' : html`<pre tabindex="0" role="region" aria-label="Backtrace of line ${at + 1}">${cut(entry.backtrace.slice(0, FRAMES).join('\n'), DETAIL)}</pre>`}
        <pre tabindex="0" role="region" aria-label="Payload of line ${at + 1}">${cut(entry.payload || entry.raw, DETAIL)}</pre>
        <p>${link(paths.failedEntry, { ...filter, cursor: view.query.text('cursor'), place: entry.place }, 'The whole entry, as it stands in Redis')}</p>
      </details></td>
    <td>${queueLink(entry.queue)}</td>
    <td>${time(entry.failedAt, now)}</td>
    ${view.readOnly || entry.class === undefined ? (view.readOnly ? '' : html`<td></td>`) : html`<td><button formaction="/failed/retry" name="only" value="${entry.place}" aria-label="Retry ${name}, line ${at + 1}">Retry</button></td>`}
  </tr>`;
}
