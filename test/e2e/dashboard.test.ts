import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { barriers, focused, openBrowser, openTab, overflow, picture, type Tab } from '../helpers/dashboard/browser.ts';
import { MARKUP, type Seeded, seedDashboard } from '../helpers/dashboard/seed.ts';
import { type SeededFlows, seedFlows } from '../helpers/dashboard/seed-flows.ts';
import { openSite, type Site } from '../helpers/dashboard/site.ts';
import { eventually } from '../helpers/eventually.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';

/** The dashboard in a real browser, on a real Redis with something of everything. */

let redis: TestRedis;
let seeded: Seeded;
let flows: SeededFlows;
let site: Site;
let browser: Browser;
let large: string | undefined;

beforeAll(async () => {
  redis = await startRedis();
  [seeded, browser] = await Promise.all([seedDashboard(redis), openBrowser()]);
  flows = await seedFlows(redis, 1_000);
  site = await openSite(redis, { prices: { memory: 512, gbSecond: 0.0000133334, commands: 0.2 } });
  large = (await seeded.client.jobs.find({ class: 'Large' })).items[0]?.id;
});

afterAll(async () => {
  await browser?.close();
  await site?.stop();
  await flows?.stop();
  await seeded?.stop();
  await redis?.stop();
});

const PAGES = [
  ['overview', '/'],
  ['queues', '/queues'],
  ['queue', '/queue?name=stuck'],
  ['dangerous-queue', `/queue?name=${encodeURIComponent(MARKUP)}`],
  ['job', () => `/job?id=${large}`],
  ['failed', '/failed'],
  ['entries', '/failed/entries?class=Import'],
  ['scheduled', '/scheduled'],
  ['retries', '/scheduled?state=retry'],
  ['flows', '/flows'],
  ['flow', '/flow?id=stopped'],
  ['large-flow', '/flow?id=large'],
  ['flow-group', '/flow?id=large&at=0.0'],
  ['flow-step', '/flow?id=done&at=0.1'],
  ['limits', '/limits'],
  ['locks', '/locks'],
  ['cron', '/cron'],
  ['workers', '/workers'],
  ['search', `/search?q=Mail`],
  ['costs', '/costs?bill=3'],
  ['settings', '/settings'],
  ['nothing', '/nothing'],
] as const;

const pathOf = (path: string | (() => string)) => (typeof path === 'string' ? path : path());

/** Its timers run only when they are told to. */
async function stopClock(page: Page): Promise<void> {
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(1_000);
}

/** Waits until what the page has asked for is shown. */
async function updatedBy(page: Page, act: () => Promise<unknown>): Promise<void> {
  const time = () => page.locator('[data-updated]').getAttribute('datetime');
  const before = await time();
  await act();
  await eventually(async () => expect(await time()).not.toBe(before));
}

async function inTab(run: (tab: Tab) => Promise<void>, options: Parameters<typeof openTab>[2] = {}, url = site.url) {
  const tab = await openTab(browser, url, options);
  try {
    await run(tab);
    expect(tab.complaints).toEqual([]);
  } finally {
    await tab.close();
  }
}

describe.each([
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['on a phone', { viewport: { width: 375, height: 700 }, hasTouch: true, isMobile: true }],
] as const)('%s', (name, options) => {
  test('every page can be read by everybody, fits, and does nothing that it may not', async () => {
    await inTab(async ({ page }) => {
      for (const [title, path] of PAGES) {
        await page.goto(pathOf(path));
        expect(await barriers(page), title).toEqual([]);
        expect(await overflow(page), title).toBe(0);
        await picture(page, `${title}-${name.replaceAll(' ', '-')}`);
      }
    }, options);
  });
});

test('the themes differ, and charts are drawn in each', async () => {
  const colours: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await inTab(
      async ({ page }) => {
        await page.goto('/');
        await page.waitForSelector('#by-minute canvas');
        colours.push(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor'));
        expect(await page.locator('#by-day canvas').count()).toBe(1);
      },
      { colorScheme },
    );
  }
  expect(new Set(colours).size).toBe(2);
});

test('a page weighs less than 150 kB, all that it loads included', async () => {
  await inTab(async ({ page }) => {
    await page.goto('/');
    const sizes = await page.evaluate<{ name: string; bytes: number }[]>(
      "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]" +
        '.map(({ name, encodedBodySize: bytes }) => ({ name, bytes }))',
    );
    expect(sizes.length).toBeGreaterThanOrEqual(3);
    expect(sizes.every(({ name, bytes }) => bytes > 0 || name.startsWith('data:'))).toBe(true);
    expect(sizes.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(150_000);
  });
});

describe('updates', () => {
  test('come by themselves; what has the focus, is opened or written stays', async () => {
    await inTab(async ({ page }) => {
      await stopClock(page);
      await page.goto('/queue?name=empty');
      await page.getByText('Move all its jobs').click();
      await page.getByRole('button', { name: 'Pause', exact: true }).focus();
      await seeded.client.enqueue('Fresh', ['new here'], { queue: 'empty' });
      await page.clock.runFor(5_000);
      await page.getByText('new here').waitFor();
      expect(await page.getByLabel('To the queue').isVisible(), 'opened').toBe(true);
      expect(await focused(page, 'textContent')).toBe('Pause');
      // Who writes is not disturbed, wherever the focus is then.
      await page.getByLabel('To the queue').fill('somewhere');
      await seeded.client.enqueue('Fresh', ['later'], { queue: 'empty' });
      await page.getByRole('button', { name: 'Pause updates' }).focus();
      await page.clock.runFor(20_000);
      expect(await page.getByLabel('To the queue').inputValue()).toBe('somewhere');
      await page.getByLabel('To the queue').fill('');
      await page.getByRole('button', { name: 'Pause updates' }).focus();
      await page.clock.runFor(5_000);
      await page.getByText('"later"').waitFor();
    });
  });

  test('are not asked for while nobody can see the page, while they are paused, or while somebody chooses', async () => {
    await inTab(async ({ page }) => {
      await stopClock(page);
      let asked = 0;
      page.on('request', (request) => {
        if (request.headers()['x-lambdesque-live']) asked++;
      });
      const pass = (ms: number) => page.clock.runFor(ms);
      const see = (state: string) =>
        page.evaluate(
          `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });` +
            "document.dispatchEvent(new Event('visibilitychange'))",
        );
      const pause = page.getByRole('button', { name: 'Pause updates' });
      await page.goto('/queue?name=stuck');
      await pass(4_900);
      expect(asked).toBe(0);
      await updatedBy(page, () => pass(100));
      expect(asked).toBe(1);
      await see('hidden');
      await pass(60_000);
      expect(asked, 'in the background').toBe(1);
      await updatedBy(page, () => see('visible'));
      expect(asked).toBe(2);
      await pause.click();
      expect(await pause.getAttribute('aria-pressed')).toBe('true');
      await pass(60_000);
      expect(asked, 'paused').toBe(2);
      await updatedBy(page, () => pause.click());
      expect(asked).toBe(3);
      await page.getByRole('checkbox').nth(1).check();
      await pass(60_000);
      expect(asked, 'with a line ticked').toBe(3);
    });
  });

  test('that cannot be had leave what is shown, and say so', async () => {
    await inTab(async ({ page }) => {
      await stopClock(page);
      await page.goto('/queue?name=stuck');
      await page.route('**/queue?name=stuck', (route) =>
        route.fulfill({ status: 503, contentType: 'text/html', body: '<main id="main">Redis is away</main>' }),
      );
      await page.clock.runFor(5_000);
      await page.getByText('The server answers with status 503.').waitFor();
      expect(await page.textContent('h1')).toContain('stuck');
      await page.unroute('**/queue?name=stuck');
      await page.clock.runFor(5_000);
      await page.getByText('Updated').waitFor();
    });
  });

  test('draw the chart anew, and keep it', async () => {
    await inTab(async ({ page }) => {
      await stopClock(page);
      await page.goto('/failed');
      await page.waitForSelector('#failed-by-day canvas');
      await page.locator('#failed-by-day canvas').evaluate((canvas) => canvas.setAttribute('data-same', ''));
      await updatedBy(page, () => page.clock.runFor(5_000));
      expect(await page.locator('canvas[data-same]').count()).toBe(1);
    });
  });
});

test('by keyboard alone: past the menu, to the failures, a line ticked, and removed after a question', async () => {
  await redis.client.rpush(
    'resque:failed',
    JSON.stringify({
      failed_at: '2026/01/01 00:00:00 UTC',
      payload: { class: 'ByKey', args: [] },
      exception: 'E',
      error: 'by key',
      queue: 'q',
    }),
  );
  await inTab(async ({ page }) => {
    await page.goto('/failed/entries?class=ByKey');
    await page.keyboard.press('Tab');
    expect(await focused(page, 'textContent')).toBe('Skip to content');
    await page.keyboard.press('Enter');
    expect(await focused(page, 'id')).toBe('main');
    const press = async (label: RegExp, key: string) => {
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press('Tab');
        const name = (await focused(page, 'ariaLabel')) ?? (await focused(page, 'textContent')) ?? '';
        if (label.test(name)) return page.keyboard.press(key);
      }
      throw new Error(`${label} cannot be reached with Tab`);
    };
    await press(/^Choose ByKey/, 'Space');
    await page.locator('#main').focus();
    await press(/^Remove the chosen/, 'Enter');
    await page.getByRole('heading', { name: 'Remove this entry?' }).waitFor();
    await press(/^Remove$/, 'Enter');
    await page.getByRole('status').getByText('1 entry removed').waitFor();
  });
});

test('told only that something failed, somebody finds it, understands it, runs it again and sees it succeed', async () => {
  await inTab(async ({ page }) => {
    await page.goto('/');
    await page.getByRole('link', { name: /^Failed/ }).click();
    await page.getByRole('link', { name: 'Import' }).click();
    await page.getByText('Arguments, backtrace, payload').first().click();
    await page
      .getByText(/row 11 of customers.csv has no address/)
      .first()
      .waitFor();
    await page.getByText('Arguments: 11').waitFor();
    seeded.repair();
    await page.getByRole('button', { name: 'Retry Import, line 1', exact: true }).click();
    await page.getByRole('status').getByText('1 failed job put back into the queue').waitFor();
    await eventually(() => expect(seeded.imported).toEqual([11]));
    await page.getByText('retried', { exact: true }).waitFor();
  });
});

test('a flow that has stopped: somebody sees where and why, retries that step, and without a script it goes on to its end', async () => {
  await inTab(
    async ({ page }) => {
      await page.goto('/');
      await page.getByRole('link', { name: 'Flows' }).click();
      await page.getByRole('link', { name: MARKUP }).click();
      const picture = page.getByRole('region', { name: 'Steps of the flow' });
      // A chain goes down, a group across.
      const placeOf = async (path: string) =>
        (await picture.locator('article', { hasText: path }).first().boundingBox()) ?? { x: Number.NaN, y: Number.NaN };
      const left = await placeOf('0.1:0');
      expect(left.y).toBeGreaterThan((await placeOf('0.0')).y);
      expect((await placeOf('0.1:1.0')).x).toBeGreaterThan(left.x);
      flows.repair();
      for (const path of ['0.1:0', '0.1:2']) {
        await page.getByRole('button', { name: `Retry… ${path}` }).click();
        await page.getByRole('heading', { name: `Retry the step ${path}?` }).waitFor();
        await page.getByRole('button', { name: 'Retry it' }).click();
        await page.getByRole('status').getByText('1 step put back into the queue').waitFor();
        await flows.drain();
        await page.goto('/flow?id=stopped');
      }
      await page.getByText('6 of 6 steps done').waitFor();
      await picture.getByRole('link', { name: 'Sum 0.2' }).click();
      await page.getByText('A step at 0.2').waitFor();
    },
    { javaScriptEnabled: false },
  );
});

test('all of a page can be ticked at once', async () => {
  await inTab(async ({ page }) => {
    await page.goto('/failed/entries?class=Import&retried=no');
    await page.getByLabel('All of this page').check();
    expect(await page.locator('input[name="place"]:checked').count()).toBe(11);
    await page.locator('input[name="place"]').first().uncheck();
    expect(await page.getByLabel('All of this page').isChecked()).toBe(false);
    await page.getByRole('button', { name: 'Retry the chosen' }).click();
    await page.getByRole('status').getByText('10 failed jobs put back').waitFor();
  });
});

test('without a script everything but drawings and updates works', async () => {
  await inTab(
    async ({ page }) => {
      await page.goto('/queue?name=stuck');
      await page.getByRole('button', { name: 'Clear…' }).click();
      await page.getByRole('link', { name: 'Cancel' }).click();
      expect(await redis.client.llen('resque:queue:stuck')).toBe(60);
      await page.getByRole('button', { name: 'Clear…' }).click();
      await page.getByRole('button', { name: 'Clear it' }).click();
      await page.getByRole('status').getByText('60 jobs removed').waitFor();
      await page.getByLabel('Search for an id, a class or text').fill('Reminder');
      await page.getByRole('button', { name: 'Search' }).first().click();
      await page.getByRole('link', { name: 'Reminder' }).first().waitFor();
    },
    { javaScriptEnabled: false },
  );
});

test('behind a password: the sign-in, a wrong one, the right one, and out again', async () => {
  const guarded = await openSite(redis, { password: 'correct horse battery staple' });
  try {
    await inTab(
      async ({ page }) => {
        await page.goto('/failed?list=failed');
        expect(page.url()).toContain('/sign-in?next=');
        expect(await barriers(page)).toEqual([]);
        await picture(page, 'sign-in');
        await page.getByLabel('Password').fill('not the password');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('alert').getByText('That is not the password.').waitFor();
        expect(await barriers(page)).toEqual([]);
        await page.getByLabel('Your name').fill('Zoë');
        await page.getByLabel('Password').fill('correct horse battery staple');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('heading', { name: 'Failed' }).waitFor();
        expect(new URL(page.url()).search).toBe('?list=failed');
        expect(await page.evaluate('document.cookie'), 'out of reach for scripts').toBe('');
        await page.getByText('Changes are logged as made by Zoë.').waitFor();
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.getByLabel('Password').waitFor();
        await page.goto('/queues');
        expect(page.url()).toContain('/sign-in');
      },
      {},
      guarded.url,
    );
  } finally {
    await guarded.stop();
  }
});
