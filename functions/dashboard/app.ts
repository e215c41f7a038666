import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { compress } from 'hono/compress';
import { ConfigError, LambdesqueError, LiveWorkerError } from '../../shared/index.ts';
import { JOBS, jobsApi } from './api/jobs.ts';
import { metricsApi } from './api/metrics.ts';
import { kept } from './cache.ts';
import type { DashboardEnv } from './env.ts';
import { Fields } from './fields.ts';
import { guard, safeHeaders } from './guard/guard.ts';
import type { StatPoint } from './inspector.ts';
import type { DashboardOptions, Opened } from './options.ts';
import { reasonsOf } from './pages/each-place.ts';
import { changes, pages } from './pages/index.ts';
import type { Change, Page } from './pages/page.ts';
import { paths, to } from './paths.ts';
import { confirmation } from './views/confirmation.ts';
import { html } from './views/html.ts';
import { assetPaths, layout, type PageContent } from './views/layout.ts';
import { noticeQuery } from './views/notices.ts';
import { refusal } from './views/refusal.ts';
import type { View } from './views/view.ts';

/** The numbers of the charts are asked for again after so long, ms: they are of whole minutes, and cost more than all else. */
const SERIES_MS = 20_000;
/** Bytes of a form: thousands of ticked entries, but no more. */
const MOST_BYTES = 1_000_000;
/** Values of a field, and reasons, that a line of the log has. */
const MOST_LOGGED = 100;
/** Characters of each of them. */
const MOST_CHARACTERS = 200;

/**
 * The dashboard: pages that the server makes, over the inspector. It knows neither Node nor AWS: whoever serves it hands
 * requests to `fetch`, with what it knows of each.
 */
export function createDashboard<Env extends object>(options: DashboardOptions<Env>): Hono<DashboardEnv<Env>> {
  const { assets, log, readOnly, signIn } = options;
  const app = new Hono<DashboardEnv<Env>>();
  const files = assetPaths(assets);
  type C = Context<DashboardEnv<Env>>;

  app.use(safeHeaders(options.secure));
  app.use(compress());
  const tooLarge = `The body is too large: ${MOST_BYTES.toLocaleString('en')} bytes are allowed.`;
  const refused = (c: Context) =>
    c.req.path === JOBS ? c.json({ error: tooLarge }, 413) : c.text(`${tooLarge}\n`, 413);
  app.use(bodyLimit({ maxSize: MOST_BYTES, onError: refused }));
  app.use(async (c, next) => {
    let opening: Promise<Opened> | undefined;
    c.set('opened', () => {
      opening ??= options.open(c.env);
      return opening;
    });
    try {
      await next();
    } finally {
      await (await opening?.catch(() => undefined))?.close();
    }
  });
  const file = (c: C, text: string, type: string) =>
    c.body(text, 200, {
      'content-type': `${type}; charset=utf-8`,
      'cache-control': 'private, max-age=31536000, immutable',
    });
  const metrics = metricsApi<Env>(options);
  guard(app, options, (open) => {
    open.get(files.style, (c) => file(c, assets.style, 'text/css'));
    metrics.withToken(open);
    jobsApi(open, options);
  });
  metrics.signedIn(app);
  app.get(files.script, (c) => file(c, assets.script, 'text/javascript'));

  const series = kept<'minute' | 'day', readonly StatPoint[]>(SERIES_MS);

  /** What a page is made of; `totals` and the time are asked for by each, for the menu. */
  async function viewOf(c: C, query: Fields, { quiet = false } = {}): Promise<View> {
    const { inspector, commands } = await c.get('opened')();
    const before = commands();
    const totals = quiet ? undefined : await inspector.stats.totals();
    return {
      inspector,
      query,
      session: c.get('session'),
      now: totals?.now ?? new Date(options.now()),
      totals,
      series: (unit) =>
        series(unit, options.now(), async () => (await inspector.stats.series({ unit }))[0]?.points ?? []),
      readOnly,
      signsIn: signIn.kind === 'password',
      interval: options.interval,
      about: options.about,
      logs: options.logs,
      prices: options.prices,
      mostBytes: options.mostBytes,
      commands: () => commands() - before,
    };
  }

  const show = async (c: C, view: View, page: PageContent) =>
    c.html(await layout(page, view, files), page.status ?? 200);

  function get(path: string, page: Page): void {
    app.get(path, async (c) => {
      const view = await viewOf(c, new Fields(c.req.queries()));
      const made = await page(view);
      return made instanceof Response ? made : show(c, view, made);
    });
  }

  function post(path: string, change: Change): void {
    app.post(path, async (c) => {
      const form = new Fields(await c.req.parseBody({ all: true }));
      const view = await viewOf(c, form, { quiet: true });
      const { address, name } = options.caller(c.env);
      const { session } = view;
      const who = { ...byWhom(name, session.name), session: session.id, address };
      let told: Readonly<Record<string, unknown>> | undefined;
      try {
        const result = await change(view, form);
        if ('question' in result) return await show(c, view, confirmation(result, path, form, session.formToken));
        const { back, log: of, refused, ...notice } = result;
        told = { ...of, result: notice.said, ...(notice.n === undefined ? {} : { n: notice.n }) };
        if (!refused) return c.redirect(to(back, noticeQuery(notice)), 303);
        const { errors, untried } = refused;
        const reasons = reasonsOf(errors);
        told = { ...told, refused: errors.length, untried, reasons: [...reasons.keys()].slice(0, MOST_LOGGED) };
        const fault = errors.find((error) => statusOf(error) === 500);
        if (fault) log.error('The dashboard could not answer', { error: fault, path: c.req.path });
        const [{ n: done = 0, missing = 0 }, status] = [notice, statusOf(errors[0] as Error)];
        return await show(c, view, refusal({ back, done, missing, untried, reasons, status }));
      } catch (error) {
        // What it was meant to change: a part of that may be changed.
        told ??= {
          form: loggedForm(form),
          result: 'failed',
          why: error instanceof Error ? error.message : String(error),
        };
        throw error;
      } finally {
        if (told) log.info('Changed from the dashboard', { change: path.slice(1), ...told, ...who });
      }
    });
  }

  for (const [path, page] of pages) get(path, page);
  for (const [path, change] of changes) post(path, change);

  app.notFound(async (c) => {
    if (c.req.method !== 'GET') return c.text('There is no such change.\n', 404);
    const view = await viewOf(c, new Fields({}), { quiet: true });
    const body = html`<p>There is no page at this address. <a href="${paths.overview}">Overview</a></p>`;
    return show(c, view, { title: 'Not found', body, status: 404, live: false });
  });

  app.onError(async (error, c) => {
    const inside = c.get('session') !== undefined;
    // Before the sign-in, nobody could have asked for something wrong: then it is ours.
    const status = inside ? statusOf(error) : 500;
    if (status >= 500) log.error('The dashboard could not answer', { error, path: c.req.path });
    // Nothing about what is behind the sign-in to those before it.
    if (!inside) return c.text('The dashboard cannot answer now. Its log says why.\n', status);
    const known = error instanceof LambdesqueError;
    const view = await viewOf(c, new Fields({}), { quiet: true }).catch(() => undefined);
    const message = known ? error.message : 'This is a fault of the dashboard; its log has more.';
    if (!view) return c.text(`${message}\n`, status);
    const partly =
      c.req.method === 'POST' && status >= 500 ? ' A part of the change may have been made before that.' : '';
    const body = html`<p class="notice bad" role="alert">${message}${partly}</p>`;
    return show(c, view, { title: 'That did not work', body, status, live: false });
  });
  return app;
}

/** A form for the log, without what shows that it is ours. */
function loggedForm(form: Fields): Record<string, readonly string[]> {
  const names = new Set(form.entries().map(([name]) => name));
  const some = (name: string) =>
    form
      .all(name)
      .slice(0, MOST_LOGGED)
      .map((value) => value.slice(0, MOST_CHARACTERS));
  return Object.fromEntries([...names].filter((name) => name !== 'token').map((name) => [name, some(name)]));
}

/** Who signs in with the password that all share calls themselves as they like: the line says that nobody has checked it. */
function byWhom(known: string | undefined, given: string) {
  return known === undefined && given !== '' ? { unverifiedName: given } : { by: known ?? 'unnamed' };
}

/** What was asked for cannot be, cannot be now, or Redis cannot be reached; anything else is our fault. */
function statusOf(error: Error): 400 | 409 | 500 | 503 {
  if (error instanceof ConfigError) return 400;
  if (error instanceof LiveWorkerError) return 409;
  return error instanceof LambdesqueError ? 503 : 500;
}
