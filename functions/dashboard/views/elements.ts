import type { QueueInfo } from '../inspector.ts';
import { paths, to } from '../paths.ts';
import { count } from './format.ts';
import { type Html, html } from './html.ts';
import { limitText } from './limit-text.ts';
import type { View } from './view.ts';

/** A table that scrolls by itself where it is wider than the screen. @param label says what is in it */
export function table(label: string, columns: readonly Column[], rows: readonly Html[], none = 'Nothing here.'): Html {
  if (rows.length === 0) return html`<p class="empty">${none}</p>`;
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table>
    <thead><tr>${columns.map(header)}</tr></thead>
    <tbody>${rows}</tbody>
  </table></div>`;
}

export interface Column {
  readonly label: Html;
  /** Numbers stand to the right. */
  readonly number?: true;
  /** Its label is only for those who cannot see the column. */
  readonly unseen?: true;
}

function header({ label, number, unseen }: Column): Html {
  return html`<th scope="col"${number ? html` class="number"` : ''}>${unseen ? html`<span class="unseen">${label}</span>` : label}</th>`;
}

export const columns = (...labels: readonly (string | Column)[]): Column[] =>
  labels.map((one) => (typeof one === 'string' ? { label: one } : one));
export const numeric = (label: Html): Column => ({ label, number: true });

/** A button that changes something; none where nothing may be changed. */
export function action(
  view: View,
  path: string,
  label: Html,
  fields: Readonly<Record<string, string>>,
  danger = false,
): Html {
  if (view.readOnly) return '';
  return html`<form method="post" action="${path}" class="inline">${hidden(view, fields)}<button${danger ? html` class="danger"` : ''}>${label}</button></form>`;
}

/** What a form carries beside what is filled in. */
export function hidden(view: View, fields: Readonly<Record<string, string | undefined>>): Html {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return html`<input type="hidden" name="token" value="${view.session.formToken}" />${given.map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  )}`;
}

/** A text field with its label. */
export function field(name: string, label: string, value: string | undefined, more: Html = ''): Html {
  return html`<p class="field"><label for="f-${name}">${label}</label><input id="f-${name}" name="${name}" value="${value ?? ''}"${more} /></p>`;
}

interface Choice {
  readonly value: string;
  readonly label: string;
}

export function select(name: string, label: string, choices: readonly Choice[], value: string | undefined): Html {
  return html`<p class="field"><label for="f-${name}">${label}</label><select id="f-${name}" name="${name}">${choices.map(
    (one) =>
      html`<option value="${one.value}"${one.value === (value ?? '') ? html` selected` : ''}>${one.label}</option>`,
  )}</select></p>`;
}

export function badge(text: string, kind: 'good' | 'bad' | 'warn' | 'plain' = 'plain'): Html {
  return html`<span class="badge ${kind}">${text}</span>`;
}

export function link(path: string, query: Parameters<typeof to>[1], label: Html): Html {
  return html`<a href="${to(path, query)}">${label}</a>`;
}

export function queueLink(name: string | undefined): Html {
  return name === undefined ? html`<span class="unknown">none</span>` : link(paths.queue, { name }, name);
}

export function queueBadges({ paused, serial, limit }: Pick<QueueInfo, 'paused' | 'serial' | 'limit'>): Html {
  return html`${paused ? badge('paused', 'warn') : ''} ${serial ? badge('serial') : ''} ${limit ? badge(`limit ${limitText(limit)}`) : ''}`;
}

/** Names with their values. */
export function facts(entries: readonly (readonly [name: string, value: Html | undefined])[]): Html {
  const known = entries.filter(([, value]) => value !== undefined && value !== '');
  return html`<dl class="facts">${known.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Links to other pages of a list. */
export function pager(
  here: string,
  query: Readonly<Record<string, string | undefined>>,
  cursor: string | undefined,
): Html {
  const first = query['cursor'] === undefined ? '' : link(here, { ...query, cursor: undefined }, 'First page');
  const next = cursor === undefined ? '' : link(here, { ...query, cursor }, 'Next page');
  return first === '' && next === ''
    ? ''
    : html`<nav class="pager" aria-label="Pages of this list">${first} ${next}</nav>`;
}

/** Links to other pages of what was looked for. What has not been found yet may be further back: a script looks on by itself. */
export function more(here: string, query: Readonly<Record<string, string | undefined>>, found: Found): Html {
  if (found.items.length > 0 || found.cursor === undefined) return pager(here, query, found.cursor);
  const next = to(here, { ...query, cursor: found.cursor });
  return html`<p>Looked at ${count(found.scanned)} here, and there are more. <a href="${next}" data-go-on>Look further</a></p>`;
}

interface Found {
  readonly items: readonly unknown[];
  readonly scanned: number;
  readonly cursor: string | undefined;
}
