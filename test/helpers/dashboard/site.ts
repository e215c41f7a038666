import {
  type DashboardServer,
  type DashboardServerOptions,
  serveDashboard,
} from '../../../infra/local/dashboard/server.ts';
import { defineJob } from '../../../shared/index.ts';
import { createRegistry, openRedis } from '../../../shared/internal.ts';
import { type RecordingLogger, recordingLogger } from '../recording-logger.ts';
import type { TestRedis } from '../redis-server.ts';

/** The dashboard as `lambdesque dashboard` serves it, and a visitor without a browser. */
export interface Site {
  readonly url: string;
  readonly log: RecordingLogger;
  get(path: string): Promise<Visited>;
  /** Sends a form of a page, as a browser would: its hidden fields, and what is filled in or pressed. */
  submit(
    page: Visited,
    action: string,
    fields?: Readonly<Record<string, string | readonly string[]>>,
  ): Promise<Visited>;
  stop(): Promise<void>;
}

export interface Visited {
  /** Path and query, after redirects. */
  readonly path: string;
  readonly status: number;
  readonly type: string;
  readonly html: string;
  /** What is read, without markup. */
  readonly text: string;
}

export async function openSite({ url }: TestRedis, options: Partial<DashboardServerOptions> = {}): Promise<Site> {
  const redis = openRedis({ url });
  const log = recordingLogger();
  const registry = createRegistry([defineJob({ class: 'Mail', queue: 'mail', perform() {} })]);
  const cron = { hourly: { cron: '0 * * * *', class: 'Mail' } };
  const server: DashboardServer = await serveDashboard({
    redis,
    namespace: 'resque:',
    registry,
    cron,
    port: 0,
    log,
    ...options,
  });
  const visited = async (response: Response): Promise<Visited> => {
    const html = await response.text();
    const { pathname, search } = new URL(response.url);
    const type = response.headers.get('content-type') ?? '';
    return { path: pathname + search, status: response.status, type, html, text: readable(html) };
  };
  return {
    url: server.url,
    log,
    get: async (path) => visited(await fetch(server.url + path)),
    async submit(page, action, fields = {}) {
      const form = formOf(page.html, action);
      if (form === undefined)
        throw new Error(`There is no form that leads to ${action} on ${page.path}:\n${page.text}`);
      const body = new URLSearchParams(hiddenFields(form));
      for (const [name, value] of Object.entries(fields)) {
        body.delete(name);
        for (const one of [value].flat()) body.append(name, one);
      }
      return visited(await fetch(server.url + action, { method: 'POST', body }));
    },
    async stop() {
      await server.close();
      await redis.close();
    },
  };
}

/** The form that is sent to this path, or has a button that sends it there. */
function formOf(html: string, action: string): string | undefined {
  return [...html.matchAll(/<form[\s\S]*?<\/form>/g)]
    .map(([form]) => form)
    .find((form) => form.includes(`action="${action}"`));
}

function hiddenFields(form: string): [string, string][] {
  return [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
    name,
    unescaped(value),
  ]);
}

/** Values of the boxes that can be ticked on a page. */
export function boxes(page: Visited): string[] {
  return [...page.html.matchAll(/<input type="checkbox" name="place" value="([^"]*)"/g)].map(([, value = '']) =>
    unescaped(value),
  );
}

/** Where the links with this text lead. */
export function linkOf(page: Visited, text: string): string {
  for (const [, href = '', label = ''] of page.html.matchAll(/<a href="([^"]*)"[^>]*>([\s\S]*?)<\/a>/g)) {
    if (readable(label).trim() === text) return unescaped(href);
  }
  throw new Error(`There is no link “${text}” on ${page.path}:\n${page.text}`);
}

function readable(html: string): string {
  return unescaped(
    html
      .replace(/<(script|style)[\s\S]*?<\/\1>/g, ' ')
      .replace(/<[^>]*>/g, ' ')
      .replace(/\s+/g, ' '),
  );
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}
