import type { Assets } from '../options.ts';
import { paths } from '../paths.ts';
import { count, counted, duration } from './format.ts';
import { type Html, html } from './html.ts';
import { noticeOf } from './notices.ts';
import type { View } from './view.ts';

/** A page, without what all have. */
export interface PageContent {
  readonly title: string;
  /** The entry of the menu that it belongs to. */
  readonly menu?: keyof typeof paths;
  readonly body: Html | readonly Html[];
  /** @default 200 */
  readonly status?: 200 | 400 | 404 | 409 | 500 | 503;
  /** Does it change by itself? @default true */
  readonly live?: boolean;
}

/** A little square in the colour of the page: no browser has to ask for a picture. */
const ICON =
  'data:image/svg+xml,' +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#3b5bdb"/><path d="M5 3v10h6" stroke="#fff" stroke-width="2" fill="none"/></svg>',
  );

export const assetPaths = (assets: Assets) => ({
  script: `/assets/page-${fingerprint(assets.script)}.js`,
  style: `/assets/page-${fingerprint(assets.style)}.css`,
});

/** Another text gets another name: browsers may keep a file for ever. FNV-1a. */
function fingerprint(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n);
  }
  return hash.toString(36);
}

export function head(title: string, files: { readonly style: string; readonly script?: string }): Html {
  return html`<meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>${title}</title>
    <link rel="icon" href="${ICON}" />
    <link rel="stylesheet" href="${files.style}" />
    ${files.script === undefined ? '' : html`<script type="module" src="${files.script}"></script>`}`;
}

export function layout(page: PageContent, view: View, files: ReturnType<typeof assetPaths>): Html {
  const live = page.live ?? true;
  return html`<!doctype html>
<html lang="en">
<head>${head(`${page.title} – Lambdesque`, files)}</head>
<body${live ? html` data-live="${view.interval}"` : ''}>
<a class="skip" href="#main">Skip to content</a>
<header>
  <a class="brand" href="/">Lambdesque</a>
  <form role="search" action="${paths.search}" method="get">
    <label class="unseen" for="q">Search for an id, a class or text</label>
    <input id="q" name="q" type="search" placeholder="Id, class or text" value="${view.query.text('q') ?? ''}" />
    <button>Search</button>
  </form>
</header>
${menu(page, view)}
<main id="main" tabindex="-1">
${noticeOf(view.query)}
${view.totals?.paused ? paused() : ''}
<h1>${page.title}</h1>
${page.body}
</main>
${footer(live, view)}
</body>
</html>`;
}

function menu(page: PageContent, { totals }: View): Html {
  const entry = (name: keyof typeof paths, label: string, number?: number, trouble = false) => html`<li>
    <a href="${paths[name]}"${page.menu === name ? html` aria-current="page"` : ''}>${label}${
      number === undefined
        ? ''
        : html` <span class="count${trouble && number > 0 ? ' bad' : ''}">${count(number)}</span>`
    }</a></li>`;
  return html`<nav aria-label="Pages" id="menu"><ul>
    ${entry('overview', 'Overview')}
    ${entry('queues', 'Queues', totals?.queued)}
    ${entry('failed', 'Failed', totals?.failedList, true)}
    ${entry('scheduled', 'Scheduled', totals && totals.scheduled + totals.retries)}
    ${entry('flows', 'Flows')}
    ${entry('limits', 'Limits', totals?.parked)}
    ${entry('locks', 'Locks')}
    ${entry('cron', 'Cron')}
    ${entry('workers', 'Workers', totals?.workers)}
    ${entry('costs', 'Costs')}
    ${entry('settings', 'Settings')}
  </ul></nav>`;
}

function paused(): Html {
  return html`<p class="notice warn"><strong>All workers are paused.</strong> Nothing is taken off any queue until they are
    resumed on the page <a href="${paths.queues}">Queues</a>.</p>`;
}

function footer(live: boolean, view: View): Html {
  const each = view.commands();
  const hourly = Math.round((each * 3_600_000) / view.interval);
  return html`<footer id="footer">
    ${
      live
        ? html`<p>Updated <time data-updated datetime="${view.now.toISOString()}">${view.now.toISOString().slice(11, 19)} UTC</time>,
      every ${duration(view.interval)} while it can be seen: about ${counted(hourly, 'command')} of Redis an hour, ${count(each)} each time.
      <button type="button" data-pause aria-pressed="false" hidden>Pause updates</button></p>`
        : html`<p>This page took ${counted(each, 'command')} of Redis.</p>`
    }
    <p>${view.readOnly ? html`<strong>Read-only.</strong> ` : ''}${view.session.name && !view.readOnly ? html`Changes are logged as made by ${view.session.name}. ` : ''}</p>
    ${
      view.signsIn
        ? html`<form method="post" action="${paths.signOut}"><input type="hidden" name="token" value="${view.session.formToken}" /><button>Sign out</button></form>`
        : ''
    }
  </footer>`;
}
