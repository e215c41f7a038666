import type { QueueInfo } from '../inspector.ts';
import type { Trouble } from '../trouble.ts';
import { type Column, columns, numeric, queueBadges, queueLink } from '../views/elements.ts';
import { count, rate, time } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import type { View } from '../views/view.ts';

export const queueColumns: readonly Column[] = columns(
  'Queue',
  numeric('Jobs'),
  'First enqueued',
  numeric('Running'),
  numeric('In a min'),
  numeric('Out a min'),
  numeric('Failed a min'),
  numeric('Workers'),
  'Trouble',
);

export function queueRow({ queue, trouble }: { queue: QueueInfo; trouble: Trouble }, { now }: Pick<View, 'now'>): Html {
  return html`<tr>
    <th scope="row">${queueLink(queue.name)} ${queueBadges(queue)}</th>
    <td class="number">${count(queue.size)}</td>
    <td>${queue.size === 0 ? '–' : time(queue.oldest, now)}</td>
    <td class="number">${count(queue.running)}</td>
    <td class="number">${queue.rates.in === undefined ? '–' : rate(queue.rates.in)}</td>
    <td class="number">${rate(queue.rates.out)}</td>
    <td class="number${queue.rates.failed > 0 ? ' bad' : ''}">${rate(queue.rates.failed)}</td>
    <td class="number">${count(queue.workers.length)}</td>
    <td class="long">${trouble.reasons.join('; ') || '–'}</td>
  </tr>`;
}
