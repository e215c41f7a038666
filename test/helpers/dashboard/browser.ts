import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Pictures of a test run; not in the repository. */
const PICTURES = join(import.meta.dirname, '../../../dist/dashboard/pictures');

/** @throws Error that says how to get one */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] });
}

function findChromium(): string {
  const folders = (process.env['PATH'] ?? '').split(':');
  for (const path of NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  throw new Error(
    `None of ${NAMES.join(', ')} is on the PATH. The dashboard is tested in a real browser: install Debian's chromium package, or your machine's equivalent.`,
  );
}

export interface Tab {
  readonly page: Page;
  /** What no page may do: errors, what the policy of the page forbids, requests that go elsewhere. */
  readonly complaints: string[];
  close(): Promise<void>;
}

export async function openTab(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Tab> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, baseURL: url, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // A page that is not there is no fault of the browser's.
    if (message.type() === 'error' && !/status of (4|5)\d\d/.test(message.text()))
      complaints.push(`console: ${message.text()}`);
  });
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:'))
      complaints.push(`request: ${request.url()}`);
  });
  return { page, complaints, close: () => context.close() };
}

/** What a screen reader and others would stumble over, by WCAG 2.2 A and AA. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const run = (globalThis as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } }).axe;
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return (await run.run({ runOnly: tags })).violations;
  });
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 200)}`));
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** Of what has the focus. */
export async function focused(page: Page, property: 'id' | 'textContent' | 'ariaLabel'): Promise<string | null> {
  return page.evaluate<string | null>(`document.activeElement.${property}`);
}

/** Is anything wider than the screen? */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.jpeg`), type: 'jpeg', quality: 40 });
}
