import type { JobView } from '../inspector.ts';
import { type ListPart, queryOf } from '../job-list.ts';
import { paths } from '../paths.ts';
import { more } from '../views/elements.ts';
import { counted, duration, utc } from '../views/format.ts';
import { type Html, html } from '../views/html.ts';
import { jobTable } from '../views/job-table.ts';
import type { Page } from './page.ts';

export const scheduledPage: Page = async (view) => {
  const { inspector, query, totals, now } = view;
  const state = query.text('state') === 'retry' ? 'retry' : 'scheduled';
  const part: ListPart = { state, cursor: query.text('cursor') };
  const jobs = await inspector.jobs.find(queryOf(part));
  const tab = (of: ListPart['state'], label: string, n: number | undefined) =>
    html`<li><a href="${paths.scheduled}?state=${of}"${of === state ? html` aria-current="page"` : ''}>${label} <span class="count">${n ?? ''}</span></a></li>`;
  return {
    title: state === 'retry' ? 'Retries' : 'Scheduled jobs',
    menu: 'scheduled',
    body: html`
      <nav class="tabs" aria-label="What waits for its time"><ul>
        ${tab('scheduled', 'Scheduled', totals?.scheduled)}
        ${tab('retry', 'Retries', totals?.retries)}
      </ul></nav>
      ${timeAxis(jobs.items, now)}
      ${jobTable(view, state === 'retry' ? 'Retries' : 'Scheduled jobs', jobs.items, part, state === 'retry' ? 'No failed attempt waits for its next one.' : 'Nothing is scheduled.')}
      ${more(paths.scheduled, { state, cursor: part.cursor }, jobs)}`,
  };
};

/** Drawn units across. */
const WIDTH = 1_000;
const HEIGHT = 60;
const COLUMNS = 50;

/** When the jobs of this page are due: columns between now, or the first of them, and the last. */
function timeAxis(jobs: readonly JobView[], now: Date): Html {
  const due = jobs.flatMap((job) => (job.at ? [job.at.getTime()] : []));
  if (due.length === 0) return '';
  const from = Math.min(now.getTime(), ...due);
  const to = Math.max(now.getTime() + 60_000, ...due);
  const counts = new Array<number>(COLUMNS).fill(0);
  for (const at of due) {
    const column = Math.min(Math.floor(((at - from) / (to - from)) * COLUMNS), COLUMNS - 1);
    counts[column] = (counts[column] ?? 0) + 1;
  }
  const most = Math.max(...counts);
  const bar = (n: number, column: number) => {
    const height = Math.max((n / most) * HEIGHT, 3);
    return n === 0
      ? ''
      : html`<rect x="${(column * WIDTH) / COLUMNS + 1}" y="${HEIGHT - height}" width="${WIDTH / COLUMNS - 2}" height="${height}" />`;
  };
  const nowAt = ((now.getTime() - from) / (to - from)) * WIDTH;
  const late = due.filter((at) => at <= now.getTime()).length;
  const said = `${counted(jobs.length, 'job')} of this page, due between ${utc(new Date(Math.min(...due)))} and ${utc(new Date(Math.max(...due)))}${
    late > 0 ? `; ${late} due already` : ''
  }`;
  return html`<figure class="axis">
    <figcaption>${said}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT + 4}" preserveAspectRatio="none" aria-hidden="true">${counts.map(bar)}
      <line x1="0" y1="${HEIGHT}" x2="${WIDTH}" y2="${HEIGHT}" /><line class="now" x1="${nowAt}" y1="0" x2="${nowAt}" y2="${HEIGHT + 4}" /></svg>
    <p class="ends" aria-hidden="true"><span>${from === now.getTime() ? 'now' : `${duration(now.getTime() - from)} ago`}</span><span>in ${duration(to - now.getTime())}</span></p>
  </figure>`;
}
