import type { QueueInfo } from '../inspector.ts';
import { PAGE } from '../job-list.ts';
import { paths } from '../paths.ts';
import { inOrder, type QueueOrder } from '../trouble.ts';
import { action, field, pager, select, table } from '../views/elements.ts';
import { count, counted } from '../views/format.ts';
import { html } from '../views/html.ts';
import { type Change, isSure, type Page } from './page.ts';
import { queueColumns, queueRow } from './queue-rows.ts';

const ORDERS: readonly { readonly value: QueueOrder; readonly label: string }[] = [
  { value: 'trouble', label: 'the most troubled first' },
  { value: 'size', label: 'the longest first' },
  { value: 'wait', label: 'the longest wait first' },
  { value: 'rate', label: 'the busiest first' },
  { value: 'name', label: 'by name' },
];

export const queuesPage: Page = async (view) => {
  const { inspector, now, query, totals } = view;
  const order = ORDERS.find(({ value }) => value === query.text('order'))?.value ?? 'trouble';
  const part = query.text('part')?.toLowerCase();
  const all = await inspector.queues.list();
  const fits = (queue: QueueInfo) => part === undefined || queue.name.toLowerCase().includes(part);
  const queues = inOrder(all.filter(fits), order, now);
  const from = query.number('cursor', 0, [0, queues.length]);
  const shown = queues.slice(from, from + 2 * PAGE);
  const next = from + shown.length < queues.length ? String(from + shown.length) : undefined;
  return {
    title: 'Queues',
    menu: 'queues',
    body: html`
      <form method="get" class="filter">
        ${field('part', 'Name contains', query.text('part'))}
        ${select('order', 'Order', ORDERS, order)}
        <button>Show</button>
      </form>
      <p>${counted(queues.length, 'queue')}${queues.length > shown.length ? `, ${count(from + 1)} to ${count(from + shown.length)} shown` : ''}.</p>
      ${table(
        'Queues',
        queueColumns,
        shown.map((one) => queueRow(one, view)),
        part === undefined ? 'No queue is known yet.' : 'No queue has such a name.',
      )}
      ${pager(paths.queues, { part: query.text('part'), order, cursor: query.text('cursor') }, next)}
      <h2>All workers</h2>
      <p>${totals?.paused ? action(view, '/queues/resume-all', 'Resume all workers', {}) : action(view, '/queues/pause-all', 'Pause all workers', {})}
      Ruby’s workers heed it as well.</p>`,
  };
};

export const pauseAll: Change = async ({ inspector }, form) => {
  if (!isSure(form)) {
    return {
      question: 'Pause all workers?',
      detail: 'No worker takes a job off any queue until they are resumed, Ruby’s included. What runs goes on.',
      button: 'Pause all workers',
      back: paths.queues,
    };
  }
  await inspector.queues.pauseAll();
  return { back: paths.queues, said: 'paused', log: {} };
};

export const resumeAll: Change = async ({ inspector }) => {
  await inspector.queues.resumeAll();
  return { back: paths.queues, said: 'resumed', log: {} };
};
