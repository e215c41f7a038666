import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pages } from '../../../functions/dashboard/pages/index.ts';
import { LARGE, MARKUP, type Seeded, seedDashboard } from '../../helpers/dashboard/seed.ts';
import { linkOf, openSite, type Site } from '../../helpers/dashboard/site.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';

/** What each page shows, on a real Redis with something of everything. */

let redis: TestRedis;
let seeded: Seeded;
let site: Site;

beforeAll(async () => {
  redis = await startRedis();
  seeded = await seedDashboard(redis);
  site = await openSite(redis, { prices: { memory: 512, gbSecond: 0.0000133334, commands: 0.2 } });
});

afterAll(async () => {
  await site?.stop();
  await seeded?.stop();
  await redis?.stop();
});

test('the overview has the numbers, what failed last, and the most troubled queue first', async () => {
  const { status, text, html } = await site.get('/');
  expect(status).toBe(200);
  expect(text).toContain('Waiting 64');
  expect(text).toContain('Failed list 13');
  expect(text).toContain('Retries 2');
  expect(text).toContain('Scheduled 5');
  expect(text).toMatch(/Runs, ever 35/);
  expect(text).toContain(`SkipRetry: ${MARKUP}`);
  const queues = [...html.matchAll(/href="\/queue\?name=([^"]+)"/g)].map(([, name = '']) => decodeURIComponent(name));
  expect(queues.indexOf('stuck')).toBeLessThan(queues.lastIndexOf('empty'));
  expect(text).toContain('no worker takes its jobs');
  expect(html).toMatch(/data-chart="\{&quot;kind&quot;:&quot;lines/);
  // The same numbers for who cannot see the chart; the minute may have changed meanwhile.
  const rows = [...text.matchAll(/\d\d:\d\d:00 UTC (\d+) (\d+) (\d+)/g)].map(([, ...numbers]) => numbers.map(Number));
  expect([0, 1, 2].map((at) => rows.reduce((sum, row) => sum + (row[at] ?? 0), 0))).toEqual([20, 2, 13]);
});

test('queues can be ordered and searched by name', async () => {
  const byName = await site.get('/queues?order=name');
  const names = [...byName.html.matchAll(/<th scope="row"><a href="\/queue\?name=([^"]+)"/g)].map(([, name]) => name);
  expect(names).toEqual([...names].sort());
  const found = await site.get('/queues?part=STU');
  expect(found.text).toContain('1 queue.');
  expect(found.text).toContain('stuck');
  expect((await site.get('/queues?part=nothing-like-it')).text).toContain('No queue has such a name.');
});

test('a queue shows its jobs from the head, page by page, without gaps', async () => {
  const first = await site.get('/queue?name=stuck');
  expect(first.text).toContain('Jobs 60');
  const second = await site.get(linkOf(first, 'Next page'));
  const rows = [first, second].flatMap(({ html }) =>
    [...html.matchAll(/<code>(\d+)<\/code>/g)].map(([, args]) => Number(args)),
  );
  expect(rows).toEqual(Array.from({ length: 60 }, (_, i) => i));
  expect(second.html).not.toContain('Next page');
  expect(linkOf(second, 'First page')).toBe('/queue?name=stuck');
});

test('a job has its arguments to the last digit, and its payload as it stands', async () => {
  const { id, payload } = await seeded.client.enqueue('Mail', ['zoë@example.com', 12_345_678_901_234_567_890n], {
    queue: 'stuck',
  });
  const page = await site.get(`/job?id=${id}`);
  expect(page.text).toContain('12345678901234567890');
  expect(page.text).toContain(payload);
  expect(page.text).toContain('waiting');
});

test('a job without an id has a page too, and what is no job says so', async () => {
  const queue = await site.get('/queue?name=ruby');
  const job = await site.get(linkOf(queue, 'Hello'));
  expect(job.text).toContain('its producer gave it no id');
  expect(job.text).toContain('{"class":"Hello","args":["hi","there"]}');
  expect((await site.get(linkOf(queue, 'no job'))).text).toContain('this is no JSON');
});

test('a payload of a megabyte is cut, with a link to all of it', async () => {
  const queue = await site.get('/queue?name=large');
  expect(queue.html.length).toBeLessThan(20_000);
  const job = await site.get(linkOf(queue, 'Large'));
  expect(job.html.length).toBeLessThan(100_000);
  expect(job.text).not.toContain('end-of-the-payload');
  const whole = await site.get(linkOf(job, 'The whole payload'));
  expect(whole.type).toBe('text/plain; charset=utf-8');
  expect(whole.html).toContain(LARGE);
});

test('what failed stands in groups, by class and error, and each leads to its entries', async () => {
  const page = await site.get('/failed');
  expect(page.text).toContain('13 entries');
  expect(page.text).toMatch(/Import SkipRetry row \d+ of customers\.csv has no address 12/);
  const entries = await site.get(linkOf(page, 'Import'));
  expect(entries.text.match(/has no address/g)?.length).toBe(12);
  expect(entries.text).toContain('Arguments: 11');
  const other = await site.get('/failed/entries?text=customers.csv&class=Mail');
  expect(other.text).toContain('No entry fits.');
});

test('an export has a line for each entry that fits', async () => {
  const { html, type } = await site.get('/failed/export?class=Import');
  expect(type).toBe('application/x-ndjson; charset=utf-8');
  const lines = html.trimEnd().split('\n');
  expect(lines).toHaveLength(12);
  expect(lines).toEqual(
    (await redis.client.lrange('resque:failed', 0, -1)).filter((entry) => entry.includes('customers.csv')),
  );
});

test('what waits for its time stands on an axis and in a list, and retries say what went wrong', async () => {
  const scheduled = await site.get('/scheduled');
  expect(scheduled.text).toContain('5 jobs of this page, due between');
  expect(scheduled.html.match(/<rect /g)?.length).toBe(5);
  expect(scheduled.text).toContain('in 59');
  const retries = await site.get('/scheduled?state=retry');
  const retry = await site.get(linkOf(retries, 'Flaky'));
  expect(retry.text).toContain('waiting for its next attempt');
  expect(retry.text).toContain('the other side answered 503');
});

test('cron entries of code and of Redis, with their times, and what is wrong with one', async () => {
  const { text } = await site.get('/cron');
  expect(text).toMatch(/hourly code/);
  expect(text).toMatch(/nightly Redis/);
  expect(text).toContain('0 3 * * *');
  expect(text).toMatch(/broken Redis cannot be used .*not a cron/);
});

test('workers: those that live, what they hold, and those that are dead', async () => {
  const { text } = await site.get('/workers');
  expect(text).toContain('2 workers, 1 of them dead.');
  expect(text).toMatch(/deadhost 1 dead/);
  expect(text).toMatch(/alive mail, reports, slow Slow "until it is let go"/);
});

test.each([
  ['text in arguments', '/search?q=user7', /Nothing was found/],
  ['a class', '/search?q=Reminder', /Reminder.*scheduled/],
  ['text of what waits', '/search?text=until+it+is+let+go', /Slow.*held by a worker/],
  ['a state', '/search?state=retry', /Flaky.*Flaky/],
  ['a queue', '/search?queue=ruby&class=Hello', /"hi", "there"/],
])('search finds %s', async (_, path, expected) => {
  expect((await site.get(path)).text).toMatch(expected);
});

test('an id in the search box leads to its job', async () => {
  const { id } = await seeded.client.enqueue('Mail', ['by id'], { queue: 'stuck' });
  const { path, text } = await site.get(`/search?q=${id}`);
  expect(path).toMatch(/^\/job\?/);
  expect(text).toContain(id);
});

test('costs: each class, its share, and the arithmetic', async () => {
  const { text } = await site.get('/costs');
  expect(text).toMatch(/Mail 20 /);
  expect(text).toMatch(/Import 12 /);
  expect(text).toContain('All 35');
  expect(text).toContain('seconds × 0.5 GB (512 MB) × 0.0000133334');
  expect((await site.get('/costs?bill=10')).text).toContain('Share of the bill');
});

test('settings: which Redis, which version, and what looking costs', async () => {
  const { text } = await site.get('/settings');
  expect(text).toContain(`127.0.0.1:${redis.port}`);
  expect(text).toContain('resque:');
  expect(text).toMatch(/Version \d+\.\d+\.\d+/);
  expect(text).toContain('720 times an hour');
});

test('each page says how many commands it sends, and what that is in an hour', async () => {
  const { text } = await site.get('/workers');
  const [, hourly, each] = /about ([\d,]+) commands of Redis an hour, (\d+) each time/.exec(text) ?? [];
  expect(Number(each)).toBeGreaterThan(0);
  expect(Number(hourly?.replaceAll(',', ''))).toBe(Number(each) * 720);
});

describe('markup in names, arguments and errors', () => {
  const paths = [
    ...pages.map(([path]) => path),
    `/queue?name=${encodeURIComponent(MARKUP)}`,
    `/failed/entries?class=${encodeURIComponent(MARKUP)}`,
    `/search?q=${encodeURIComponent(MARKUP)}`,
    `/search?class=${encodeURIComponent(MARKUP)}`,
    `/queues?part=${encodeURIComponent(MARKUP)}&order=${encodeURIComponent(MARKUP)}`,
    `/costs?bill=${encodeURIComponent(MARKUP)}`,
    `/?said=${encodeURIComponent(MARKUP)}&n=${encodeURIComponent(MARKUP)}`,
    `/?said=constructor`,
    `/nothing/${encodeURIComponent(MARKUP)}`,
  ];
  test.each(paths)('is text on %s', async (path) => {
    const { html, type } = await site.get(path);
    if (type.startsWith('text/plain') || type.startsWith('application/x-ndjson')) return;
    expect(html.includes('<img')).toBe(false);
  });

  test('is seen there', async () => {
    for (const path of ['/', '/failed', '/failed/entries', `/queue?name=${encodeURIComponent(MARKUP)}`, '/cron']) {
      expect((await site.get(path)).text, path).toContain(MARKUP);
    }
  });
});

test('what is not there, is not there', async () => {
  for (const path of ['/nothing', '/job?id=none', '/job', '/failed/entry?place=none']) {
    expect((await site.get(path)).status, path).toBe(404);
  }
  const wrong = await site.get('/queue');
  expect(wrong.status).toBe(400);
  expect(wrong.text).toContain('names no queue');
  expect((await site.get('/queue?name=stuck&cursor=made-up')).status).toBe(400);
});

test('a thousand queues are some pages of a table', async () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `many-${String(i).padStart(3, '0')}`);
  await redis.client.sadd('resque:queues', ...names);
  let page = await site.get('/queues?part=many-&order=name');
  expect(page.text).toContain('1,000 queues, 1 to 100 shown.');
  expect(page.html.length).toBeLessThan(100_000);
  const seen: string[] = [];
  for (;;) {
    seen.push(...(page.text.match(/\bmany-\d+\b/g) ?? []));
    if (!page.html.includes('Next page')) break;
    page = await site.get(linkOf(page, 'Next page'));
  }
  expect(seen).toEqual(names);
  expect((await site.get('/')).html.length).toBeLessThan(100_000);
});

test('an id that is far back in a million jobs is looked for piece by piece', async () => {
  const filler = Array.from({ length: 1_000 }, (_, i) => `{"class":"Filler","args":[${i}],"id":"filler-${i}"}`);
  for (let i = 0; i < 130; i++) await redis.client.rpush('resque:queue:zz-far', ...filler);
  await redis.client.rpush('resque:queue:zz-far', '{"class":"Needle","args":["found"],"id":"the-needle"}');
  await redis.client.sadd('resque:queues', 'zz-far');
  const lookFrom = async (path: string) => {
    let page = await site.get(path);
    for (let i = 0; i < 20 && page.text.includes('Look further'); i++)
      page = await site.get(linkOf(page, 'Look further'));
    return page;
  };
  expect((await lookFrom('/job?id=the-needle')).text).toContain('"found"');
  // From where it was found, it is found at once.
  const list = await lookFrom('/search?class=Needle&queue=zz-far&state=queued');
  const found = await site.get(linkOf(list, 'Needle'));
  expect(found.text).toContain('the-needle');
  await redis.client.del('resque:queue:zz-far');
});
