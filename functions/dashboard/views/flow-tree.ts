import type { FlowTree, MemberCounts, StepState } from '../inspector.ts';
import { paths } from '../paths.ts';
import { badge, link } from './elements.ts';
import { bytes, count, cut, duration, indented } from './format.ts';
import { type Html, html } from './html.ts';

/** Characters of a result or an error in the picture. */
const MOST_TEXT = 120;
/** Of a class: producers may write what they like. */
const MOST_NAME = 200;

export const stepKinds: Readonly<Record<StepState, 'good' | 'bad' | 'warn' | 'plain'>> = {
  waiting: 'plain',
  started: 'warn',
  succeeded: 'good',
  failed: 'bad',
  'passed over': 'warn',
  cancelled: 'plain',
};

/** A flow as a picture: steps are boxes, what stands in a chain is joined by arrows, what is in a group stands side by side. */
export function flowPicture(id: string, label: string, tree: FlowTree): Html {
  return html`<div class="scroll flow" role="region" aria-label="${label}" tabindex="0">${node(id, tree)}</div>`;
}

function node(id: string, tree: FlowTree): Html {
  if (tree.kind === 'step') return step(id, tree);
  const { kind, nodes, path, state, members, count: all } = tree;
  const left = all - nodes.length;
  const items = nodes.map((one) => html`<li>${node(id, one)}</li>`);
  const rest =
    left === 0
      ? ''
      : html`<li class="rest">${link(paths.flow, { id, at: path }, html`${count(left)} more<span class="unseen"> of ${path}</span>`)}</li>`;
  const list =
    kind === 'chain'
      ? html`<ol class="chain">${items}${rest}</ol>`
      : all === 0
        ? html`<p class="unknown">without members</p>`
        : html`<ul class="group">${items}${rest}</ul>`;
  // Whose parts are all there to be seen needs no sums.
  const sums = members && (left > 0 || all > 3) ? memberCounts(members, all) : '';
  return html`<section class="part ${kind} ${stepKinds[state]}">
    <p class="row"><strong>${kind === 'chain' ? 'Chain' : 'Group'} of ${link(paths.flow, { id, at: path }, html`${count(all)}<span class="unseen">, ${path}</span>`)}</strong> ${badge(state, stepKinds[state])} <code>${path}</code></p>
    ${sums}${list}</section>`;
}

/** How its members do: a bar, and in words. */
export function memberCounts(
  { passedOver, succeeded, failed, started, waiting, cancelled }: MemberCounts,
  all: number,
): Html {
  const counts: readonly (readonly [StepState, number])[] = [
    ['succeeded', succeeded],
    ['passed over', passedOver],
    ['failed', failed],
    ['started', started],
    ['waiting', waiting],
    ['cancelled', cancelled],
  ];
  const shown = counts.filter(([, n]) => n > 0);
  return html`<div class="members">${progress(succeeded + passedOver, all, 'members')}
    <ul class="keys">${shown.map(([state, n]) => html`<li class="${stepKinds[state]}">${count(n)} ${state}</li>`)}</ul></div>`;
}

export function progress(done: number, all: number, what: string): Html {
  const most = Math.max(all, 1);
  return html`<progress max="${most}" value="${all === 0 ? 1 : done}" aria-label="${count(done)} of ${count(all)} ${what} done"></progress>`;
}

function step(id: string, one: FlowTree): Html {
  const { path, state, ms, error, result, resultBytes } = one;
  return html`<article class="part step ${stepKinds[state]}">
    <p class="row"><strong>${link(paths.flow, { id, at: path }, html`${stepName(one)}<span class="unseen"> ${path}</span>`)}</strong> ${badge(state, stepKinds[state])}</p>
    <p class="row"><code>${path}</code>${ms === undefined ? '' : html` <span class="unknown">${duration(ms)}</span>`} ${jobLink(one)}</p>
    ${error ? html`<p class="long">${errorText(one, MOST_TEXT)}</p>` : ''}
    ${resultBytes > 0 ? html`<p class="unknown">Its result is ${bytes(resultBytes)}</p>` : ''}
    ${result === undefined || result === null ? '' : html`<p class="long">→ <code>${cut(indented(result).replaceAll(/\s+/g, ' '), MOST_TEXT)}</code></p>`}
  </article>`;
}

export function stepName({ class: name }: FlowTree): Html {
  return name === undefined ? 'no job' : cut(name, MOST_NAME);
}

/** The page of its job, while that is somewhere: what has succeeded is gone from Redis. */
export function jobLink({ jobId, state, path }: FlowTree): Html {
  if (jobId === undefined || (state !== 'started' && state !== 'failed' && state !== 'passed over')) return '';
  return link(paths.job, { id: jobId }, html`Its job<span class="unseen"> ${path}</span>`);
}

export function errorText({ error }: FlowTree, length: number): Html {
  return error ? html`<code>${cut(`${error.exception}: ${error.error}`, length)}</code>` : '';
}
