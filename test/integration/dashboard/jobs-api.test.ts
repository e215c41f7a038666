import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openSite, type Site } from '../../helpers/dashboard/site.ts';
import { queued } from '../../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';

/** Jobs from apps that cannot reach Redis: signed, and each request once. */

const KEY = 'a key of the jobs api, made at random';
const PASSWORD = 'correct horse battery staple';

let redis: TestRedis;
let site: Site;
beforeAll(async () => {
  redis = await startRedis();
  site = await openSite(redis, { password: PASSWORD, jobsKey: KEY, readOnly: true });
});
afterEach(() => redis.client.flushall());
afterAll(async () => {
  await site?.stop();
  await redis?.stop();
});

interface Sent {
  readonly id?: string;
  /** Seconds from Redis's time. */
  readonly off?: number;
  readonly key?: string;
  /** What is signed instead. */
  readonly signed?: string;
}

let count = 0;
async function post(body: string, { id = `r${count++}`, off = 0, key = KEY, signed = body }: Sent = {}) {
  const timestamp = Number((await redis.client.time())[0]) + off;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${signed}`).digest('base64');
  const headers = { 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': `v1,${signature}` };
  const response = await fetch(`${site.url}/jobs`, { method: 'POST', headers, body });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

const REPORT = '{"class":"Report","args":["May",12345678901234567890],"queue":"reports"}';

test('one job, or a list, is enqueued; a class that is defined has its queue', async () => {
  expect(await post(REPORT)).toEqual({ status: 201, answer: { jobs: [{ queue: 'reports' }] } });
  expect(await queued(redis.client, 'reports')).toEqual(['{"class":"Report","args":["May",12345678901234567890]}']);
  const list = '[{"class":"Mail","metadata":true},{"class":"Mail","args":["later"],"in":"30s"}]';
  const { answer } = await post(list);
  expect(answer).toMatchObject({
    jobs: [
      { queue: 'mail', id: expect.any(String) },
      { queue: 'mail', at: expect.any(String) },
    ],
  });
  expect(await queued(redis.client, 'mail')).toHaveLength(1);
});

test('sent again with its id, a request enqueues nothing more, whoever sends it', async () => {
  expect((await post(REPORT, { id: 'once' })).status).toBe(201);
  expect(await post(REPORT, { id: 'once' })).toEqual({ status: 200, answer: { jobs: [], duplicate: true } });
  expect(await queued(redis.client, 'reports')).toHaveLength(1);
  // As long as its signature could be used.
  expect(await redis.client.pttl('resque:dashboard:request:once')).toBeGreaterThan(590_000);
});

test('sent ten times at once it counts once; the others are told that it is under way, or done', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(REPORT, { id: 'at-once' })));
  const count = (wanted: number) => answers.filter(({ status }) => status === wanted).length;
  expect(count(201)).toBe(1);
  expect(count(200) + count(409)).toBe(9);
  expect(await queued(redis.client, 'reports')).toHaveLength(1);
});

test('a replay with another body, time or id is no request of ours', async () => {
  expect((await post(REPORT, { id: 'first' })).status).toBe(201);
  const other = REPORT.replace('May', 'June');
  expect((await post(other, { id: 'first', signed: REPORT })).status).toBe(401);
  expect((await post(REPORT, { id: 'first', off: 1, signed: `${REPORT} ` })).status).toBe(401);
  expect(await queued(redis.client, 'reports')).toHaveLength(1);
});

test.each([-299, 299])('a clock that is %i s off is still believed', async (off) => {
  expect((await post(REPORT, { off })).status).toBe(201);
});

test('of one that failed the id can be used again', async () => {
  await redis.client.set('resque:queue:reports', 'a text');
  expect((await post(REPORT, { id: 'again' })).status).toBe(503);
  await redis.client.del('resque:queue:reports');
  expect((await post(REPORT, { id: 'again' })).status).toBe(201);
});

describe('refused, and nothing is enqueued', () => {
  afterEach(async () => expect(await redis.client.keys('resque:queue:*')).toEqual([]));

  test.each<[string, Sent, RegExp]>([
    ['another key', { key: 'another key, of the same length as it' }, /The signature is wrong/],
    ['another body', { signed: '{}' }, /The signature is wrong/],
    ['too old', { off: -301 }, /The request is \d+ s old, and 300 s are allowed/],
    ['ahead', { off: 600 }, /The request is \d+ s ahead/],
    ['an id that is none', { id: 'a b' }, /webhook-id \(up to 128/],
  ])('%s', async (_, sent, error) => {
    expect(await post(REPORT, sent)).toMatchObject({ status: 401, answer: { error: expect.stringMatching(error) } });
  });

  test.each([
    ['{', /^The body is not JSON/],
    ['5', /^the job must be an object, such as/],
    ['[]', /^The list must have 1 to 1000 jobs; got 0/],
    ['{"class":"Mail","arguments":[]}', /there is no option "arguments"/],
    ['[{"class":"Mail"},{"class":7}]', /^jobs\[1\]: class must be the name of a job class; got 7/],
    ['{"class":"Mail","at":"tomorrow"}', /at must be a time with its zone/],
    ['{"class":"Mail","in":30}', /in must be a time with its unit, such as "30s"; got 30/],
    ['{"class":"Unknown"}', /^the job: enqueue Unknown: no queue/],
    ['[{"class":"Mail"},{"class":"Unknown"}]', /^jobs\[1\]: enqueue Unknown: no queue/],
  ])('%s', async (body, error) => {
    expect(await post(body)).toMatchObject({ status: 400, answer: { error: expect.stringMatching(error) } });
  });

  test('a body that is too large', async () => {
    const body = JSON.stringify({ class: 'Mail', args: ['x'.repeat(1_000_001)] });
    const response = await fetch(`${site.url}/jobs`, { method: 'POST', body });
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ error: 'The body is too large: 1,000,000 bytes are allowed.' });
  });

  test('without a key of its own the dashboard takes none', async () => {
    const other = await openSite(redis, { password: PASSWORD });
    expect((await fetch(`${other.url}/jobs`, { method: 'POST', body: REPORT })).status).toBe(401);
    await other.stop();
  });
});

test('a shell can sign, as README says', async () => {
  const [seconds] = await redis.client.time();
  const script = `
    body='{"class":"Report","args":["May"],"queue":"reports"}' id="job-1" time=${seconds}
    signature=$(printf '%s.%s.%s' "$id" "$time" "$body" | openssl dgst -sha256 -hmac "$KEY" -binary | openssl base64)
    curl -s --fail-with-body -d "$body" -H "webhook-id: $id" -H "webhook-timestamp: $time" -H "webhook-signature: v1,$signature" "$URL/jobs"`;
  const env = { PATH: process.env['PATH'], KEY, URL: site.url };
  const { stdout: answer } = await promisify(execFile)('sh', ['-c', script], { env });
  expect(JSON.parse(answer)).toEqual({ jobs: [{ queue: 'reports' }] });
});
