import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient } from '../../../shared/index.ts';
import { MARKUP } from '../../helpers/dashboard/seed.ts';
import { type SeededFlows, seedFlows } from '../../helpers/dashboard/seed-flows.ts';
import { linkOf, openSite, type Site } from '../../helpers/dashboard/site.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';

/** Flows on the dashboard: the list, the picture of one, parts of a large one, and what can be changed. */

let redis: TestRedis;
let seeded: SeededFlows;
let site: Site;

beforeAll(async () => {
  redis = await startRedis();
  seeded = await seedFlows(redis, 100_000);
  site = await openSite(redis);
});

afterAll(async () => {
  await site?.stop();
  await seeded?.stop();
  await redis?.stop();
});

const lastLog = () => site.log.lines.filter(({ message }) => message === 'Changed from the dashboard').at(-1)?.fields;

test('the list has each flow, the newest first, with its state and how many of its steps are done', async () => {
  const page = await site.get('/flows');
  expect(page.text).toMatch(
    /waits running 0 of 1 .*large running 0 of 100,001 .*stopped failed .*done succeeded 3 of 3 /,
  );
  expect(linkOf(page, 'done')).toBe('/flow?id=done');
  expect(linkOf(page, MARKUP)).toBe('/flow?id=stopped');
});

test('the list is paged, and what has expired leaves no gap', async () => {
  const client = createClient({ url: redis.url });
  await redis.client.zadd(
    'resque:flows',
    ...Array.from({ length: 60 }, (_, i) => [0, `all:9${i}:gone`, 0, `failed:9${i}:gone`]).flat(),
  );
  const first = await client.flows.list({ limit: 2 });
  expect(first.items.map(({ id }) => id)).toEqual(['waits', 'large']);
  const second = await client.flows.list({ limit: 2, ...(first.cursor ? { cursor: first.cursor } : {}) });
  expect(second.items.map(({ id }) => id)).toEqual(['stopped', 'done']);
  expect(await client.flows.list({ limit: 2, cursor: second.cursor ?? '' })).toEqual({ items: [], cursor: undefined });
  await expect(client.flows.list({ cursor: 'made-up' })).rejects.toThrow('the cursor is none that a page had');
  const page = await site.get('/flows?state=failed');
  expect(page.text).toMatch(/all running succeeded failed cancelled .*stopped failed /);
  expect(page.html.match(/<th scope="row">/g)).toHaveLength(1);
  expect(await redis.client.zcard('resque:flows')).toBe(8);
  expect((await site.get(linkOf(page, 'cancelled'))).text).toContain('No flow is cancelled.');
  await client.close();
});

test('a flow is a picture of its steps: what is in what, states, times and results', async () => {
  const { text, html } = await site.get('/flow?id=done');
  expect(text).toContain('succeeded 3 of 3 steps done');
  expect(text).toMatch(
    /Chain of 2 , 0 succeeded 0 Group of 2 , 0\.0 succeeded 0\.0 Sum 0\.0:0 succeeded 0\.0:0 \d+ m?s → 2 Sum 0\.0:1 succeeded 0\.0:1 \d+ m?s → 10 Sum 0\.1 succeeded 0\.1 \d+ m?s → 12/,
  );
  expect(text).toMatch(/When all has succeeded Sum success succeeded success \d+ m?s → 12/);
  expect(html).toMatch(/<ol class="chain"><li><section class="part group good">[\s\S]*<ul class="group"><li><article/);
  const step = await site.get('/flow?id=done&at=0.0:1');
  expect(step.text).toMatch(
    /succeeded A step at 0\.0:1 of this flow , in 0\.0 .*Class Sum Job [\w-]+ .*From there to its end \d+ m?s.* Result 10/,
  );
});

test('a large group is drawn by its first members and numbers of all, and paged', async () => {
  const page = await site.get('/flow?id=large');
  expect(page.html.length).toBeLessThan(30_000);
  expect(page.text).toMatch(/Group of 100,000 , 0\.0 started 0\.0 500 started 99,500 waiting Nobody 0\.0:0 started/);
  expect(page.text).toContain('99,990 more of 0.0');
  const group = await site.get('/flow?id=large&at=0.0');
  expect(group.text).toMatch(/Nobody 0\.0:49 /);
  expect(group.text).not.toMatch(/Nobody 0\.0:50 /);
  const next = await site.get(linkOf(group, 'Next page'));
  expect(next.text).toMatch(/Nobody 0\.0:50 .*Nobody 0\.0:99 /);
  const last = await site.get('/flow?id=large&at=0.0&cursor=99990');
  expect(last.text).toMatch(/Nobody 0\.0:99999 .*waiting/);
  expect(last.html).not.toContain('Next page');
  expect((await site.get('/flow?id=large&at=0.0&cursor=100000')).status).toBe(200);
});

test('a job says which flow it belongs to, and its step leads back to it', async () => {
  const step = await site.get('/flow?id=waits&at=0');
  const job = await site.get(linkOf(step, 'Its job 0'));
  expect(job.text).toContain('Flow waits, step 0');
  expect(linkOf(job, 'waits, step 0')).toBe('/flow?id=waits&at=0');
});

test('a failed step is retried by itself after a question, then what else failed, and the flow goes on', async () => {
  const page = await site.get('/flow?id=stopped');
  expect(page.text).toMatch(/failed 2 of 6 steps done, 0 started, 2 failed/);
  expect(page.text).toContain(`SkipRetry: ${MARKUP}`);
  expect(page.text).toMatch(/When a step has failed Sum failure succeeded/);
  expect(page.html).not.toContain('<img');
  const asked = await site.submit(page, '/flow/retry', { step: '0.1:0' });
  expect(asked.text).toContain('Retry the step 0.1:0?');
  seeded.repair();
  const retried = await site.submit(asked, '/flow/retry');
  expect(retried.path).toBe('/flow?id=stopped&said=flow-retried&n=1');
  expect(lastLog()).toMatchObject({ change: 'flow/retry', flow: 'stopped', step: '0.1:0', n: 1 });
  await seeded.drain();
  const half = await site.get('/flow?id=stopped');
  expect(half.text).toMatch(/failed 3 of 6 steps done, 0 started, 1 failed/);
  const rest = await site.submit(half, '/flow/retry');
  await site.submit(rest, '/flow/retry');
  await seeded.drain();
  expect((await site.get('/flow?id=stopped')).text).toMatch(/succeeded 6 of 6 steps done/);
});

test('a flow is cancelled after a question', async () => {
  const asked = await site.submit(await site.get('/flow?id=waits'), '/flow/cancel');
  expect(asked.text).toContain('Cancel this flow?');
  expect((await site.get('/flow?id=waits')).text).toContain('running 0 of 1');
  const cancelled = await site.submit(asked, '/flow/cancel');
  expect(cancelled.text).toContain('The flow was cancelled');
  expect(cancelled.text).toMatch(/cancelled 0 of 1 step done.*Why it was cancelled Cancelled from the dashboard\./);
  expect(cancelled.html).not.toContain('/flow/cancel');
  expect(lastLog()).toMatchObject({ change: 'flow/cancel', flow: 'waits', result: 'flow-cancelled' });
});

test('what is not there is told', async () => {
  expect(await site.get('/flow?id=never')).toMatchObject({
    status: 404,
    text: expect.stringContaining('no record of a flow never'),
  });
  expect(await site.get('/flow?id=done&at=0.7')).toMatchObject({
    status: 404,
    text: expect.stringContaining('has no step 0.7'),
  });
  expect((await site.get(`/flow?id=done&at=${encodeURIComponent(MARKUP)}`)).status).toBe(400);
  expect((await site.get('/flow')).status).toBe(400);
});

test('read-only, nothing can be changed', async () => {
  const shown = await openSite(redis, { readOnly: true });
  const { html } = await shown.get('/flow?id=large');
  expect(html).not.toContain('/flow/cancel');
  await shown.stop();
});
