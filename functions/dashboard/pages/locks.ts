import { ConfigError } from '../../../shared/index.ts';
import type { LockInfo } from '../inspector.ts';
import { PAGE } from '../job-list.ts';
import { paths } from '../paths.ts';
import { action, columns, numeric, pager, queueLink, table } from '../views/elements.ts';
import { count, time } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import type { View } from '../views/view.ts';
import { type Change, isSure, type Page } from './page.ts';

export const locksPage: Page = async (view) => {
  const { inspector, query } = view;
  const cursor = query.text('cursor');
  const { items, cursor: next } = await inspector.locks.list({
    limit: PAGE,
    ...(cursor === undefined ? {} : { cursor }),
  });
  const last = view.readOnly ? [] : [{ label: 'Actions', unseen: true as const }];
  return {
    title: 'Locks',
    menu: 'locks',
    body: html`
      <p>Of unique jobs, and of cron entries whose jobs must not overlap: while one is held, equal jobs are left out or wait.</p>
      ${table(
        'Locks',
        columns('Lock', 'Held by', 'Class', 'Queue', 'Until', numeric('Parked'), ...last),
        items.map((lock) => row(view, lock)),
        next === undefined ? 'No lock is held.' : 'None was found so far. Go on with the next page.',
      )}
      ${pager(paths.locks, { cursor }, next)}`,
  };
};

function row(view: View, { name, id, class: className, queue, until, parked }: LockInfo): Html {
  return html`<tr>
    <th scope="row"><code>${name}</code></th>
    <td><code>${id}</code></td>
    <td>${className ?? '–'}</td>
    <td>${queueLink(queue)}</td>
    <td>${until ? time(until, view.now) : 'never'}</td>
    <td class="number">${count(parked)}</td>
    ${view.readOnly ? '' : html`<td>${action(view, '/locks/free', html`Free…<span class="unseen"> ${name}</span>`, { name })}</td>`}
  </tr>`;
}

export const freeLock: Change = async ({ inspector }, form) => {
  const name = form.text('name');
  if (name === undefined) throw new ConfigError('The form names no lock.');
  const back = paths.locks;
  if (!isSure(form)) {
    return {
      question: `Free the lock ${name}?`,
      detail: `The job that holds it goes on, so that an equal one may run beside it. What waits for the lock is let in, one after the other.`,
      button: 'Free it',
      back,
    };
  }
  const freed = await inspector.locks.free(name);
  return { back, said: freed ? 'freed' : 'gone', log: { lock: name } };
};
