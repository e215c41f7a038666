import { FLOW_STATES } from '../../../shared/internal.ts';
import type { FlowInfo, FlowState } from '../inspector.ts';
import { PAGE } from '../job-list.ts';
import { paths, to } from '../paths.ts';
import { badge, columns, link, numeric, pager, table } from '../views/elements.ts';
import { progress } from '../views/flow-tree.ts';
import { count, time } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import type { View } from '../views/view.ts';
import type { Page } from './page.ts';

export const flowsPage: Page = async (view) => {
  const { inspector, query } = view;
  const cursor = query.text('cursor');
  const state = FLOW_STATES.find((one) => one === query.text('state'));
  const { items, cursor: next } = await inspector.flows.list({
    limit: PAGE,
    ...(state === undefined ? {} : { state }),
    ...(cursor === undefined ? {} : { cursor }),
  });
  return {
    title: 'Flows',
    menu: 'flows',
    body: html`
      <p>Jobs that depend on each other, the newest first. Their records are kept for a day after the end, of those that have failed for a week.</p>
      ${tabs(state)}
      ${table(
        'Flows',
        columns('Flow', 'State', 'Steps done', numeric('Started'), numeric('Failed'), 'Begun', 'Ended'),
        items.map((flow) => row(view, flow)),
        state === undefined ? 'There are no flows: client.flow(…).enqueue() starts one.' : `No flow is ${state}.`,
      )}
      ${pager(paths.flows, { state, cursor }, next)}`,
  };
};

function tabs(state: FlowState | undefined): Html {
  return html`<nav class="tabs" aria-label="Flows by state"><ul>${[undefined, ...FLOW_STATES].map(
    (one) =>
      html`<li><a href="${to(paths.flows, { state: one })}"${one === state ? html` aria-current="page"` : ''}>${one ?? 'all'}</a></li>`,
  )}</ul></nav>`;
}

export const flowKinds = { running: 'plain', succeeded: 'good', failed: 'bad', cancelled: 'warn' } as const;

function row({ now }: View, { id, name, state, createdAt, endedAt, progress: steps, error }: FlowInfo): Html {
  return html`<tr>
    <th scope="row">${link(paths.flow, { id }, name === '' ? id : name)}${name === '' ? '' : html`<br /><code class="unknown">${id}</code>`}</th>
    <td>${badge(state, flowKinds[state])}${error ? html`<br /><span class="unknown">${error.class ?? ''} ${error.step}</span>` : ''}</td>
    <td>${progress(steps.succeeded, steps.steps, 'steps')} ${count(steps.succeeded)} of ${count(steps.steps)}</td>
    <td class="number">${count(steps.started)}</td>
    <td class="number${steps.failed > 0 ? ' bad' : ''}">${count(steps.failed)}</td>
    <td>${time(createdAt, now)}</td>
    <td>${endedAt ? time(endedAt, now) : '–'}</td>
  </tr>`;
}
