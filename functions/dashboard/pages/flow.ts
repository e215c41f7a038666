import { ConfigError } from '../../../shared/index.ts';
import type { Fields } from '../fields.ts';
import type { FlowTree, FlowView } from '../inspector.ts';
import { PAGE } from '../job-list.ts';
import { paths, to } from '../paths.ts';
import { action, badge, columns, facts, link, pager, table } from '../views/elements.ts';
import { errorText, flowPicture, jobLink, memberCounts, progress, stepKinds, stepName } from '../views/flow-tree.ts';
import { bytes, count, counted, cut, duration, indented, time, utc } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import type { View } from '../views/view.ts';
import { flowKinds } from './flows.ts';
import { type Change, isSure, type Page } from './page.ts';

/** Members of a chain or group that are drawn where others stand around it. */
const MEMBERS = 10;
/** Characters of a result that are shown. */
const SHOWN = 20_000;
/** Of an error in the table of what failed. */
const MOST_ERROR = 300;
const MOST_NODES = 500;
/** As many as a large number in an address may be. */
const LAST = 1e9;

export const flowPage: Page = async (view) => {
  const { inspector, query } = view;
  const id = idOf(query);
  const at = query.text('at') ?? '0';
  const offset = query.number('cursor', 0, [0, LAST]);
  // Of what it is all about a page, of the rest the beginning.
  const isWhole = at === '0';
  const flow = await inspector.flows.get(id, { at, offset, limit: isWhole ? MOST_NODES : PAGE, members: MEMBERS });
  if (!flow) return notThere(id, at);
  return {
    title: flow.name === '' ? `Flow ${id}` : flow.name,
    menu: 'flows',
    body: isWhole ? whole(view, flow) : part(view, flow, at, offset),
  };
};

function notThere(id: string, at: string) {
  return {
    title: 'There is no such flow',
    menu: 'flows' as const,
    status: 404 as const,
    live: false,
    body: html`<p>${at === '0' ? html`There is no record of a flow <code>${id}</code>` : html`The flow <code>${id}</code> has no step <code>${at}</code>, or there is no record of it`}: it
      was never started, or ended longer ago than records are kept. ${link(paths.flows, {}, 'All flows')}</p>`,
  };
}

function whole(view: View, flow: FlowView): Html {
  const { id, tree, onSuccess, onFailure, cut: isCut } = flow;
  const callbacks = [
    ['When all has succeeded', onSuccess],
    ['When a step has failed', onFailure],
  ] as const;
  return html`
    ${summary(view, flow)}
    ${changesOf(view, flow)}
    ${stopped(view, flow)}
    <h2>Steps</h2>
    ${isCut ? html`<p>Of what has more than ${count(MEMBERS)} parts the first ones are drawn; each heading leads to all of them.</p>` : ''}
    ${flowPicture(id, 'Steps of the flow', tree)}
    ${callbacks.map(([when, one]) => (one ? html`<h2>${when}</h2>${flowPicture(id, when, one)}` : ''))}`;
}

function summary({ now }: View, flow: FlowView): Html {
  const { id, state, reason, createdAt, endedAt, progress: steps, error } = flow;
  const end = endedAt ?? now;
  return html`<p>${badge(state, flowKinds[state])} ${progress(steps.succeeded, steps.steps, 'steps')}
      ${count(steps.succeeded)} of ${counted(steps.steps, 'step')} done, ${count(steps.started)} started, ${count(steps.failed)} failed</p>
    ${facts([
      ['Id', html`<code>${id}</code>`],
      ['Begun', html`${time(createdAt, now)} (${utc(createdAt)})`],
      [state === 'failed' ? 'Stopped' : 'Ended', endedAt && html`${time(endedAt, now)} (${utc(endedAt)})`],
      [endedAt ? 'Took' : 'Runs for', duration(Math.max(0, end.getTime() - createdAt.getTime()))],
      ['Why it was cancelled', reason],
      [
        'First error',
        error &&
          html`<code>${cut(`${error.step} (${error.class ?? '?'}): ${error.exception}: ${error.error}`, MOST_ERROR)}</code>`,
      ],
    ])}`;
}

function changesOf(view: View, { id, state }: FlowView): Html {
  if (view.readOnly || (state !== 'running' && state !== 'failed')) return '';
  const retry = state === 'failed' ? action(view, '/flow/retry', 'Retry what failed, and go on…', { id }) : '';
  return html`<div class="row">${retry}${action(view, '/flow/cancel', 'Cancel…', { id }, true)}</div>`;
}

/** What has failed and lets nothing go on. */
function stopped(view: View, { id, stopped: steps, state }: FlowView): Html {
  if (steps.length === 0 || state !== 'failed') return '';
  return html`<h2>Failed</h2>${table(
    'Steps that have failed',
    columns('Step', 'Error', 'Job', ...(view.readOnly ? [] : [{ label: 'Actions', unseen: true as const }])),
    steps.map(
      (one) => html`<tr>
        <th scope="row">${link(paths.flow, { id, at: one.path }, stepName(one))} <code>${one.path}</code></th>
        <td class="long">${errorText(one, MOST_ERROR)}</td>
        <td>${jobLink(one)}</td>
        ${view.readOnly ? '' : html`<td>${retryOne(view, id, one)}</td>`}
      </tr>`,
    ),
  )}`;
}

function retryOne(view: View, id: string, { path }: FlowTree): Html {
  return action(view, '/flow/retry', html`Retry…<span class="unseen"> ${path}</span>`, { id, step: path });
}

/** A step, chain or group by itself; of many nodes one page. */
function part(view: View, flow: FlowView, at: string, offset: number): Html {
  const { id, tree } = flow;
  const parent = at.replace(/[.:]\d+$/, '');
  const isInside = parent !== at;
  const next = offset + tree.nodes.length;
  const query = { id, at, cursor: offset === 0 ? undefined : String(offset) };
  return html`<p>${badge(tree.state, stepKinds[tree.state])} ${tree.kind === 'step' ? 'A step' : `A ${tree.kind} of ${count(tree.count)}`} at <code>${at}</code>
      of ${link(paths.flow, { id }, 'this flow')}${isInside && parent !== '0' ? html`, in ${link(paths.flow, { id, at: parent }, parent)}` : ''}</p>
    ${tree.kind === 'step' ? stepFacts(view, flow) : partNodes(tree, id)}
    ${tree.kind === 'step' ? '' : pager(paths.flow, query, next < tree.count && tree.nodes.length > 0 ? String(next) : undefined)}`;
}

function partNodes(tree: FlowTree, id: string): Html {
  const { members, nodes, count: all, path } = tree;
  // Its own heading says how many there are; what is drawn is one page of them.
  const shown = { ...tree, count: nodes.length, members: undefined };
  return html`${members ? memberCounts(members, all) : ''}${flowPicture(id, `Parts of ${path}`, shown)}`;
}

function stepFacts(view: View, { id, state, tree }: FlowView): Html {
  const { now } = view;
  const result = tree.result === undefined ? '' : indented(tree.result);
  return html`${facts([
    ['Class', stepName(tree)],
    ['Job', tree.jobId && html`<code>${tree.jobId}</code> ${jobLink(tree)}`],
    ['Put into its queue', tree.queuedAt && html`${time(tree.queuedAt, now)} (${utc(tree.queuedAt)})`],
    ['From there to its end', tree.ms === undefined ? undefined : duration(tree.ms)],
    ['Result', tree.resultBytes > 0 ? bytes(tree.resultBytes) : undefined],
  ])}
  ${tree.error ? html`<h2>What went wrong</h2><pre tabindex="0" role="region" aria-label="Error">${cut(`${tree.error.exception}: ${tree.error.error}`, SHOWN)}</pre>` : ''}
  ${state === 'failed' && tree.state === 'failed' && !view.readOnly ? html`<p>${retryOne(view, id, tree)}</p>` : ''}
  ${result === '' ? '' : html`<h2>Result</h2><pre tabindex="0" role="region" aria-label="Result">${cut(result, SHOWN)}</pre>`}`;
}

export const cancelFlow: Change = async ({ inspector }, form) => {
  const id = idOf(form);
  const back = to(paths.flow, { id });
  if (!isSure(form)) {
    return {
      question: 'Cancel this flow?',
      detail: html`Nothing more of <code>${id}</code> is started. What is in queues is discarded, what runs is told to end, and its callbacks do not run. This cannot be undone.`,
      button: 'Cancel the flow',
      back,
    };
  }
  const cancelled = await inspector.flows.cancel(id, 'Cancelled from the dashboard.');
  return { back, said: cancelled ? 'flow-cancelled' : 'gone', log: { flow: id } };
};

export const retryFlow: Change = async ({ inspector }, form) => {
  const id = idOf(form);
  const step = form.text('step');
  const back = to(paths.flow, { id });
  if (!isSure(form)) {
    return {
      question: step === undefined ? 'Retry what failed?' : `Retry the step ${step}?`,
      detail: html`${step === undefined ? 'All steps that have failed go' : 'It goes'} back into the queue. When nothing is left that has failed, the flow <code>${id}</code> goes on from there. Entries of the failed list stay.`,
      button: step === undefined ? 'Retry them' : 'Retry it',
      back,
    };
  }
  const n = await inspector.flows.retry(id, step);
  return { back, said: n === 0 ? 'gone' : 'flow-retried', n, log: { flow: id, step } };
};

function idOf(fields: Fields): string {
  const id = fields.text('id');
  if (id === undefined) throw new ConfigError('The address names no flow: it needs ?id=.');
  return id;
}
