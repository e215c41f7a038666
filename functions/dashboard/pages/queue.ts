import { ConfigError } from '../../../shared/index.ts';
import { parseLimit } from '../../../shared/internal.ts';
import type { Fields } from '../fields.ts';
import { type ListPart, queryOf } from '../job-list.ts';
import { paths, to } from '../paths.ts';
import { troubleOf } from '../trouble.ts';
import { action, facts, field, hidden, link, more, queueBadges } from '../views/elements.ts';
import { count, counted, rate, time } from '../views/format.ts';
import { html } from '../views/html.ts';
import { jobTable } from '../views/job-table.ts';
import { limitText } from '../views/limit-text.ts';
import { type Change, isSure, type Page } from './page.ts';

export const queuePage: Page = async (view) => {
  const { inspector, now, query } = view;
  const name = nameOf(query);
  const part: ListPart = { queue: name, state: 'queued', cursor: query.text('cursor') };
  const [queue, jobs] = await Promise.all([inspector.queues.get(name), inspector.jobs.find(queryOf(part))]);
  const trouble = troubleOf(queue, now).reasons;
  return {
    title: `Queue ${name}`,
    menu: 'queues',
    body: html`
      <p>${queueBadges(queue)}</p>
      ${trouble.length > 0 ? html`<p class="notice warn">${trouble.join('; ')}.</p>` : ''}
      ${facts([
        ['Jobs', count(queue.size)],
        ['First enqueued', queue.size === 0 ? undefined : time(queue.oldest, now)],
        ['Held by workers', count(queue.running)],
        ['Limit', queue.limit && link(paths.gate, { gate: `queue:${name}` }, limitText(queue.limit))],
        ['In a minute', queue.rates.in === undefined ? undefined : rate(queue.rates.in)],
        ['Out a minute', rate(queue.rates.out)],
        ['Failures a minute', rate(queue.rates.failed)],
        [
          'Workers',
          queue.workers.length === 0
            ? 'none'
            : html`<ul>${queue.workers.slice(0, 20).map((id) => html`<li>${id}</li>`)}</ul>`,
        ],
      ])}
      <div class="row">
        ${queue.paused ? action(view, '/queue/resume', 'Resume', { name }) : action(view, '/queue/pause', 'Pause', { name })}
        ${action(view, '/queue/clear', 'Clear…', { name }, true)}
        ${action(view, '/queue/remove', 'Remove the queue…', { name }, true)}
        ${link(paths.failedEntries, { queue: name }, 'Its failures')}
      </div>
      ${
        view.readOnly
          ? ''
          : html`<details><summary>Move all its jobs to another queue</summary>
        <form method="post" action="/queue/move" class="filter">${hidden(view, { name })}${field('to', 'To the queue', undefined, html` required`)}<button>Move…</button></form></details>
        <details><summary>Limit how many of its jobs run</summary>
        <form method="post" action="/queue/limit" class="filter">${hidden(view, { name })}${field('limit', 'At once, in a time, or both: 2 or 100/1m or 2,100/1m; empty for no limit', queue.limit && limitText(queue.limit))}<button>Set the limit</button></form></details>`
      }
      <h2>Jobs, from the head</h2>
      ${jobTable(view, `Jobs of ${name}`, jobs.items, part, 'The queue is empty.')}
      ${more(paths.queue, { name, cursor: part.cursor }, jobs)}`,
  };
};

export const pauseQueue: Change = async ({ inspector }, form) => {
  const name = nameOf(form);
  await inspector.queues.pause(name);
  return { back: pageOf(name), said: 'paused', log: { queue: name } };
};

export const resumeQueue: Change = async ({ inspector }, form) => {
  const name = nameOf(form);
  await inspector.queues.resume(name);
  return { back: pageOf(name), said: 'resumed', log: { queue: name } };
};

export const limitQueue: Change = async ({ inspector }, form) => {
  const name = nameOf(form);
  const text = form.text('limit')?.trim() ?? '';
  const limit = text === '' ? null : parseLimit('The limit', text);
  await inspector.queues.limit(name, limit);
  return { back: pageOf(name), said: limit ? 'limited' : 'unlimited', log: { queue: name, limit: text } };
};

export const clearQueue: Change = async ({ inspector }, form) => {
  const name = nameOf(form);
  if (!isSure(form)) {
    const { size } = await inspector.queues.get(name);
    return {
      question: `Clear the queue ${name}?`,
      detail: `All that waits in it is removed: ${counted(size, 'job')} at this moment. This cannot be undone.`,
      button: 'Clear it',
      back: pageOf(name),
    };
  }
  const n = await inspector.queues.clear(name);
  return { back: pageOf(name), said: 'cleared', n, log: { queue: name } };
};

export const removeQueue: Change = async ({ inspector }, form) => {
  const name = nameOf(form);
  if (!isSure(form)) {
    const { size } = await inspector.queues.get(name);
    return {
      question: `Remove the queue ${name}?`,
      detail: `It is forgotten, and all that waits in it is removed: ${counted(size, 'job')} at this moment. This cannot be undone.`,
      button: 'Remove it',
      back: pageOf(name),
    };
  }
  const n = await inspector.queues.remove(name);
  return { back: paths.queues, said: 'queue-removed', n, log: { queue: name } };
};

export const moveQueue: Change = async ({ inspector }, form) => {
  const name = nameOf(form);
  const target = form.text('to')?.trim();
  if (target === undefined || target === '') throw new ConfigError('Say to which queue the jobs are to be moved.');
  if (!isSure(form)) {
    const [{ size }, other] = await Promise.all([inspector.queues.get(name), inspector.queues.get(target)]);
    return {
      question: `Move all jobs of ${name} to ${target}?`,
      detail: `${counted(size, 'job')} at this moment, behind the ${counted(other.size, 'job')} of ${target}. They cannot be told apart from those afterwards.`,
      button: 'Move them',
      back: pageOf(name),
    };
  }
  const n = await inspector.queues.move(name, target);
  return { back: pageOf(target), said: 'moved', n, log: { queue: name, to: target } };
};

const pageOf = (name: string) => to(paths.queue, { name });

function nameOf(fields: Fields): string {
  const name = fields.text('name');
  if (name === undefined) throw new ConfigError('The address names no queue: it needs ?name=.');
  return name;
}
