import { ConfigError } from '../../../shared/index.ts';
import type { Fields } from '../fields.ts';
import type { GateInfo } from '../inspector.ts';
import { PAGE } from '../job-list.ts';
import { paths, to } from '../paths.ts';
import {
  action,
  badge,
  columns,
  facts,
  field,
  hidden,
  link,
  numeric,
  pager,
  queueLink,
  table,
} from '../views/elements.ts';
import { count, counted, time } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import { jobTable } from '../views/job-table.ts';
import { limitText } from '../views/limit-text.ts';
import type { View } from '../views/view.ts';
import { type Change, isSure, type Page } from './page.ts';

/** Workers of a gate that are named. */
const HOLDERS = 20;

export const limitsPage: Page = async (view) => {
  const { inspector, query } = view;
  const cursor = query.text('cursor');
  const [{ items, cursor: next }, paused] = await Promise.all([
    inspector.limits.list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) }),
    inspector.classes.paused(),
  ]);
  return {
    title: 'Limits',
    menu: 'limits',
    body: html`
      <p>What holds jobs back: limits of queues and classes, equal jobs of which one runs, and paused classes. A limit by key is here
      while jobs are parked at it.</p>
      ${table(
        'Limits',
        columns(
          'Limit',
          'Kind',
          'Allowed',
          numeric('Taken'),
          'Workers',
          numeric('Parked'),
          'Looked at',
          ...actions(view),
        ),
        items.map((gate) => row(view, gate, paused)),
        'Nothing is limited or paused, as far as Redis knows.',
      )}
      ${pager(paths.limits, { cursor }, next)}
      <h2>Paused classes</h2>
      ${
        paused.length === 0
          ? html`<p>No class is paused.</p>`
          : html`<ul>${paused.map((name) => html`<li>${name} ${action(view, '/classes/resume', html`Resume<span class="unseen"> ${name}</span>`, { name })}</li>`)}</ul>`
      }
      ${
        view.readOnly
          ? ''
          : html`<form method="post" action="/classes/pause" class="filter">${hidden(view, {})}${field('name', 'Class', undefined, html` required`)}<button>Pause the class</button></form>
      <p>None of its jobs starts then, in whatever queue; those that workers meet are parked, and others do not wait for them.</p>`
      }`,
  };
};

export const gatePage: Page = async (view) => {
  const { inspector, now, query } = view;
  const name = gateOf(query);
  const cursor = query.text('cursor');
  const [gate, jobs, paused] = await Promise.all([
    inspector.limits.get(name),
    inspector.limits.parked(name, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) }),
    inspector.classes.paused(),
  ]);
  return {
    title: `Limit ${name}`,
    menu: 'limits',
    body: html`
      ${facts([
        ['Kind', KINDS[gate.kind]],
        ['Queue', gate.kind === 'queue' ? queueLink(gate.name) : undefined],
        ['Allowed', allowed(gate, paused)],
        ['Taken', taken(gate)],
        ['Started within the time of its rate', gate.limit?.rate === undefined ? undefined : count(gate.started)],
        ['Workers', gate.holders.length === 0 ? undefined : holders(gate)],
        ['Parked', count(gate.parked)],
        ['Looked at', gate.lookAt && time(gate.lookAt, now)],
      ])}
      ${release(view, gate, paused)}
      <h2>Parked jobs, the first one first</h2>
      ${jobTable(view, `Jobs parked at ${name}`, jobs.items, { state: 'parked' }, 'No job is parked here.')}
      ${pager(paths.gate, { gate: name, cursor }, jobs.cursor)}`,
  };
};

const KINDS = {
  queue: 'a queue',
  class: 'a class',
  running: 'equal jobs, one at a time',
  flow: 'a flow',
  pause: 'a pause',
  unique: 'a lock of unique jobs',
} as const;

const actions = (view: View) => (view.readOnly ? [] : [{ label: 'Actions', unseen: true as const }]);

function row(view: View, gate: GateInfo, paused: readonly string[]): Html {
  const dead = gate.holders.filter(({ alive }) => !alive).length;
  return html`<tr>
    <th scope="row">${link(paths.gate, { gate: gate.gate }, gate.gate)}</th>
    <td>${KINDS[gate.kind]}</td>
    <td>${allowed(gate, paused)}</td>
    <td class="number">${taken(gate)}</td>
    <td>${count(gate.holders.length)}${dead > 0 ? html` ${badge(`${count(dead)} dead`, 'bad')}` : ''}</td>
    <td class="number">${count(gate.parked)}</td>
    <td>${gate.lookAt ? time(gate.lookAt, view.now) : '–'}</td>
    ${view.readOnly ? '' : html`<td>${release(view, gate, paused)}</td>`}
  </tr>`;
}

function allowed({ kind, name, limit }: GateInfo, paused: readonly string[]): Html {
  if (kind === 'pause') return paused.includes(name) ? badge('paused', 'warn') : 'resumed';
  return limit ? html`<code>${limitText(limit)}</code>` : 'as its workers were told';
}

function taken({ holders: all, called }: GateInfo): Html {
  const places = all.reduce((sum, one) => sum + one.places, 0);
  return called === 0 ? count(places) : `${count(places)}, and ${count(called)} kept`;
}

function holders({ holders: all }: GateInfo): Html {
  return html`<ul>${all
    .slice(0, HOLDERS)
    .map(
      ({ worker, places, alive }) => html`<li>${count(places)}: ${worker} ${alive ? '' : badge('dead', 'bad')}</li>`,
    )}</ul>${all.length > HOLDERS ? html`<span class="unknown">${count(all.length)} in all</span>` : ''}`;
}

/** What a pause holds back is given back when it ends. */
function release(view: View, { gate, kind, name, parked }: GateInfo, paused: readonly string[]): Html {
  if (kind === 'pause' && paused.includes(name)) {
    return action(view, '/classes/resume', html`Resume<span class="unseen"> ${name}</span>`, { name });
  }
  // To free it is on the page of locks.
  return parked === 0 || kind === 'unique'
    ? ''
    : action(view, '/limits/release', html`Release…<span class="unseen"> ${gate}</span>`, { gate });
}

export const releaseGate: Change = async ({ inspector }, form) => {
  const gate = gateOf(form);
  const back = to(paths.gate, { gate });
  if (!isSure(form)) {
    const { parked } = await inspector.limits.get(gate);
    return {
      question: `Release what is parked at ${gate}?`,
      detail: `${counted(parked, 'job')} at this moment go back to the heads of their queues. Workers judge them anew, by the limit that they know now: what is over it is parked again.`,
      button: 'Release them',
      back,
    };
  }
  return { back, said: 'released', n: await inspector.limits.release(gate), log: { gate } };
};

export const pauseClass: Change = async ({ inspector }, form) => {
  const name = classOf(form);
  await inspector.classes.pause(name);
  return { back: paths.limits, said: 'class-paused', log: { class: name } };
};

export const resumeClass: Change = async ({ inspector }, form) => {
  const name = classOf(form);
  const n = await inspector.classes.resume(name);
  return { back: paths.limits, said: 'class-resumed', n, log: { class: name } };
};

function gateOf(fields: Fields): string {
  const gate = fields.text('gate');
  if (gate === undefined) throw new ConfigError('The address names no limit: it needs ?gate=.');
  return gate;
}

function classOf(form: Fields): string {
  const name = form.text('name')?.trim();
  if (!name) throw new ConfigError('The form names no class.');
  return name;
}
