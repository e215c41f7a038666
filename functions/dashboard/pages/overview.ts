import type { StatPoint } from '../inspector.ts';
import { paths } from '../paths.ts';
import { inOrder } from '../trouble.ts';
import { type ChartLine, chart } from '../views/chart.ts';
import { columns, link, queueLink, table } from '../views/elements.ts';
import { count, cut, rate, time } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import type { View } from '../views/view.ts';
import type { Page } from './page.ts';
import { queueColumns, queueRow } from './queue-rows.ts';

/** Queues on the front page. */
const QUEUES = 10;
const FAILURES = 5;
/** Whole minutes of which the rate is the mean. */
const RATE_MINUTES = 5;

export const overview: Page = async (view) => {
  const { inspector, now } = view;
  const [minutes, days, queues, failures] = await Promise.all([
    view.series('minute'),
    view.series('day'),
    inspector.queues.list(),
    inspector.failed.page({ limit: FAILURES }),
  ]);
  const troubled = inOrder(queues, 'trouble', now);
  return {
    title: 'Overview',
    menu: 'overview',
    body: html`${tiles(view, minutes)}
      <section><h2>Over time</h2>
      <div class="charts">
      ${chart({ id: 'by-minute', title: 'Runs a minute, the last 3 hours', kind: 'lines', ...drawn(minutes), goingOn: true, none: 'Nothing has run in the last 3 hours.' })}
      ${chart({ id: 'by-day', title: 'Runs a day, the last 90 days', kind: 'bars', ...drawn(days), said: (at) => at.toISOString().slice(0, 10), none: 'Nothing has run in the last 90 days.' })}
      </div></section>
      <section><h2>Latest failures</h2>
      ${table(
        'Latest failures',
        columns('Class', 'Error', 'Queue', 'Failed'),
        failures.items.map(
          (one) => html`<tr>
            <th scope="row">${link(paths.failedEntries, { class: one.class, fingerprint: one.fingerprint, list: one.list }, one.class ?? 'no job')}</th>
            <td class="long">${cut(`${one.exception}: ${one.error}`, 160)}</td>
            <td>${queueLink(one.queue)}</td>
            <td>${time(one.failedAt, now)}</td>
          </tr>`,
        ),
        'The failed list is empty.',
      )}
      ${failures.items.length === 0 ? '' : html`<p>${link(paths.failed, {}, 'All failures, in groups')}</p>`}</section>
      <section><h2>Queues, the most troubled first</h2>
      ${table(
        'Queues',
        queueColumns,
        troubled.slice(0, QUEUES).map((one) => queueRow(one, view)),
        'No queue is known yet. Enqueue a job, and it will be here.',
      )}
      ${queues.length > QUEUES ? html`<p>${link(paths.queues, {}, `All ${count(queues.length)} queues`)}</p>` : ''}</section>`,
  };
};

const isWhole = ({ at }: StatPoint, now: Date) => at.getTime() + 60_000 <= now.getTime();

function tiles({ totals, now }: View, minutes: readonly StatPoint[]): Html {
  if (!totals) return '';
  const whole = minutes.filter((point) => isWhole(point, now)).slice(-RATE_MINUTES);
  const mean = (of: (point: StatPoint) => number) => whole.reduce((sum, point) => sum + of(point), 0) / RATE_MINUTES;
  const waited = whole.reduce((sum, point) => sum + point.waited, 0);
  const wait = waited === 0 ? undefined : whole.reduce((sum, point) => sum + point.waitMs, 0) / waited;
  const tile = (label: string, value: Html, path?: string, kind = '') =>
    html`<div class="tile ${kind}"><dt>${label}</dt><dd>${path === undefined ? value : html`<a href="${path}">${value}</a>`}</dd></div>`;
  return html`<dl class="tiles">
    ${tile('Waiting', count(totals.queued), paths.queues)}
    ${tile('Running', count(totals.running), paths.workers)}
    ${tile('Runs a minute', rate(mean((point) => point.processed)))}
    ${tile('Failures a minute', rate(mean((point) => point.failed)), undefined, mean((point) => point.failed) > 0 ? 'bad' : '')}
    ${tile('Mean wait', wait === undefined ? '–' : `${rate(wait / 1000)} s`)}
    ${tile('Failed list', count(totals.failedList), paths.failed, totals.failedList > 0 ? 'bad' : '')}
    ${tile('Scheduled', count(totals.scheduled), paths.scheduled)}
    ${totals.parked > 0 ? tile('Parked', count(totals.parked), paths.limits) : ''}
    ${tile('Retries', count(totals.retries), `${paths.scheduled}?state=retry`)}
    ${tile('Workers', count(totals.workers), paths.workers, totals.workers === 0 ? 'warn' : '')}
    ${tile('Runs, ever', count(totals.processed))}
    ${tile('Failures, ever', count(totals.failed))}
  </dl>`;
}

function drawn(points: readonly StatPoint[]): { times: Date[]; lines: ChartLine[] } {
  const line = (label: string, colour: ChartLine['colour'], of: (point: StatPoint) => number) => ({
    label,
    colour,
    values: points.map(of),
  });
  return {
    times: points.map((point) => point.at),
    lines: [
      line('Succeeded', 'good', (point) => point.succeeded),
      line('Retried', 'warn', (point) => point.retried),
      line('Failed', 'bad', (point) => point.failed),
    ],
  };
}
