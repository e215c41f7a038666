import { numeric, table } from './elements.ts';
import { count, utc } from './format.ts';
import { type Html, html } from './html.ts';

export interface ChartLine {
  readonly label: string;
  /** Of the style sheet's colours. */
  readonly colour: 'good' | 'bad' | 'warn' | 'plain';
  readonly values: readonly number[];
}

interface Chart {
  readonly id: string;
  readonly title: string;
  readonly kind: 'lines' | 'bars';
  readonly times: readonly Date[];
  readonly lines: readonly ChartLine[];
  /** In the table, the times as these. @default to the second */
  readonly said?: (time: Date) => string;
  /** The last time is not over: a line that is drawn up to it would fall. @default false */
  readonly goingOn?: boolean;
  /** What is said where nothing has happened. */
  readonly none: string;
}

/** Rows of the table below a chart. */
const MOST_ROWS = 90;

/**
 * Numbers over time: drawn by the script of the page, and as a table for whoever cannot see the drawing or wants the numbers. The
 * table has only times at which there was something.
 */
export function chart({ id, title, kind, times, lines, said = utc, goingOn = false, none }: Chart): Html {
  const rows = times
    .map((time, at) => ({ time, values: lines.map((line) => line.values[at] ?? 0) }))
    .filter(({ values }) => values.some((value) => value !== 0))
    .reverse();
  const data = {
    kind,
    x: times.map((time) => Math.floor(time.getTime() / 1000)),
    lines: lines.map(({ label, colour, values }) => ({
      label,
      colour,
      values: goingOn ? [...values.slice(0, -1), null] : values,
    })),
  };
  return html`<figure class="chart" id="${id}" data-chart="${JSON.stringify(data)}">
    <figcaption>${title}</figcaption>
    ${rows.length === 0 ? html`<p class="empty">${none}</p>` : ''}
    ${rows.length === 0 || lines.length < 2 ? '' : html`<ul class="keys" aria-hidden="true">${lines.map((line) => html`<li class="${line.colour}">${line.label}</li>`)}</ul>`}
    <div class="plot" aria-hidden="true"${rows.length === 0 ? ' hidden' : ''}></div>
    ${
      rows.length === 0
        ? ''
        : html`<details><summary>The numbers of “${title}”</summary>${table(
            title,
            [{ label: 'Time' }, ...lines.map((line) => numeric(line.label))],
            rows
              .slice(0, MOST_ROWS)
              .map(
                ({ time, values }) =>
                  html`<tr><th scope="row">${said(time)}</th>${values.map((value) => html`<td class="number">${count(value)}</td>`)}</tr>`,
              ),
          )}</details>`
    }
  </figure>`;
}
