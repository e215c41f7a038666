import { afterAll, beforeAll, expect, test } from 'vitest';
import { MARKUP, type Seeded, seedDashboard } from '../../helpers/dashboard/seed.ts';
import { boxes, linkOf, openSite, type Site, type Visited } from '../../helpers/dashboard/site.ts';
import { eventually } from '../../helpers/eventually.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { serverTime } from '../../helpers/server-time.ts';

/** Each change that the pages offer, by the forms that they show, and what it does in Redis. */

let redis: TestRedis;
let seeded: Seeded;
let site: Site;

beforeAll(async () => {
  redis = await startRedis();
  seeded = await seedDashboard(redis);
  site = await openSite(redis);
});

afterAll(async () => {
  await site?.stop();
  await seeded?.stop();
  await redis?.stop();
});

const length = (queue: string) => redis.client.llen(`resque:queue:${queue}`);
const fill = async (queue: string, n: number) => {
  for (let i = 0; i < n; i++) await seeded.client.enqueue('Filler', [i], { queue });
};
/** Presses the button of a question that was asked. */
const sure = (asked: Visited, action: string) => {
  expect(asked.text).toMatch(/\?/);
  return site.submit(asked, action);
};
const lastLog = () => site.log.lines.filter(({ message }) => message === 'Changed from the dashboard').at(-1)?.fields;

test('pause and resume a queue', async () => {
  const queue = await site.get('/queue?name=stuck');
  const paused = await site.submit(queue, '/queue/pause');
  expect(paused.path).toBe('/queue?name=stuck&said=paused&n=0');
  expect(paused.text).toContain('Paused.');
  expect((await seeded.client.queues.get('stuck')).paused).toBe(true);
  expect(lastLog()).toMatchObject({ change: 'queue/pause', queue: 'stuck', result: 'paused', by: expect.any(String) });
  const resumed = await site.submit(paused, '/queue/resume');
  expect(resumed.text).toContain('Resumed.');
  expect((await seeded.client.queues.get('stuck')).paused).toBe(false);
});

test('pause and resume all workers, Ruby’s as well', async () => {
  const queues = await site.get('/queues');
  const asked = await site.submit(queues, '/queues/pause-all');
  expect(await redis.client.get('resque:pause-all-workers')).toBe(null);
  const paused = await sure(asked, '/queues/pause-all');
  expect(await redis.client.get('resque:pause-all-workers')).toBe('true');
  expect(paused.text).toContain('All workers are paused.');
  await site.submit(await site.get('/queues'), '/queues/resume-all');
  expect(await redis.client.get('resque:pause-all-workers')).toBe(null);
});

test('limit a queue, and take the limit away', async () => {
  const limited = await site.submit(await site.get('/queue?name=stuck'), '/queue/limit', { limit: '2, 100/1m' });
  expect(limited.text).toContain('The limit is set.');
  expect((await seeded.client.queues.get('stuck')).limit).toEqual({ running: 2, rate: '100/1m' });
  expect(limited.text).toContain('limit 2,100/1m');
  expect((await site.get('/limits')).text).toMatch(/queue:stuck a queue 2,100\/1m 0 0 0/);
  const refused = await site.submit(limited, '/queue/limit', { limit: 'two' });
  expect(refused).toMatchObject({
    status: 400,
    text: expect.stringContaining('such as 2, 100/1m or 2,100/1m; got “two”'.replace(/[“”]/g, '"')),
  });
  const free = await site.submit(limited, '/queue/limit', { limit: '' });
  expect(free.text).toContain('The limit is taken away.');
  expect((await seeded.client.queues.get('stuck')).limit).toBeUndefined();
});

test('locks are seen, and one is freed after a question', async () => {
  await redis.client.set('resque:unique:Report:1f', '1:aq 5:other{"class":"Report","args":[1],"id":"a"}', 'PX', 60_000);
  const locks = await site.get('/locks');
  expect(locks.text).toMatch(/Report:1f a Report other in/);
  const asked = await site.submit(locks, '/locks/free');
  expect(asked.text).toContain('Free the lock Report:1f?');
  expect((await sure(asked, '/locks/free')).text).toContain('The lock was freed.');
  expect(lastLog()).toMatchObject({ change: 'locks/free', lock: 'Report:1f' });
  expect((await site.get('/locks')).text).toContain('No lock is held.');
});

test('what is parked is seen, run past its limit, and released after a question; a class is paused and resumed', async () => {
  const now = await serverTime(redis.client);
  const [gate, parked] = ['class:Parked/acme', 'resque:parked:class:Parked/acme'];
  const job = (n: number) => `{"class":"Parked","args":[${n}],"id":"parked-${n}"}`;
  await redis.client.rpush(parked, ...[1, 2, 3].map((n) => `5:other${job(n)}`));
  await redis.client.zadd('resque:parked', now + 3_600_000, gate);
  await redis.client.hset(`resque:limit:${gate}`, { '=dead:1:other': '1', rule: '1 - - -' });
  await redis.client.zadd('resque:leases', now - 1_000, 'dead:1:other');
  const limits = await site.get('/limits');
  expect(limits.text).toMatch(/Limits 3 /);
  expect(limits.text).toMatch(/class:Parked\/acme a class 1 1 1 1 dead 3 in/);
  const page = await site.get(linkOf(limits, gate));
  expect(page.text).toContain('1: dead:1:other dead');
  expect(boxes(page)).toHaveLength(3);
  const ran = await submitList(page, '/jobs/run', boxes(page).slice(1, 2));
  expect(ran.text).toContain('1 job put into the queue');
  expect(await redis.client.lrange('resque:queue:other', 0, -1)).toEqual([job(2)]);
  const third = await site.get('/job?id=parked-3');
  expect(third.text).toContain('parked');
  const asked = await site.submit(third, '/jobs/cancel');
  expect(asked.text).toContain('Cancel this job?');
  expect((await sure(asked, '/jobs/cancel')).text).toContain('The job was discarded.');
  expect(lastLog()).toMatchObject({ change: 'jobs/cancel', id: 'parked-3', result: 'cancelled' });
  const release = await site.submit(await site.get(`/limit?gate=${encodeURIComponent(gate)}`), '/limits/release');
  expect(release.text).toContain('1 job at this moment');
  expect((await sure(release, '/limits/release')).text).toContain('1 job put back');
  expect(await redis.client.lrange('resque:queue:other', 0, -1)).toEqual([job(1), job(2)]);

  const paused = await site.submit(await site.get('/limits'), '/classes/pause', { name: 'Parked' });
  expect(paused.text).toContain('pause:Parked a pause paused');
  expect(await seeded.client.classes.paused()).toEqual(['Parked']);
  await redis.client.rpush('resque:parked:pause:Parked', `5:other${job(4)}`);
  await redis.client.zadd('resque:parked', now, 'pause:Parked');
  const resumed = await site.submit(await site.get('/limits'), '/classes/resume');
  expect(resumed.text).toContain('Resumed: 1 parked job put back');
  expect(await seeded.client.classes.paused()).toEqual([]);
  expect((await site.get('/limit?gate=nonsense')).status).toBe(400);
  await redis.client.del('resque:queue:other', `resque:limit:${gate}`);
  await redis.client.zrem('resque:leases', 'dead:1:other');
});

test('clear a queue, after a question that says how much', async () => {
  await fill('clear-me', 3);
  const asked = await site.submit(await site.get('/queue?name=clear-me'), '/queue/clear');
  expect(asked.text).toContain('3 jobs at this moment');
  expect(await length('clear-me')).toBe(3);
  const cleared = await sure(asked, '/queue/clear');
  expect(cleared.text).toContain('3 jobs removed');
  expect(await length('clear-me')).toBe(0);
  expect(await redis.client.sismember('resque:queues', 'clear-me')).toBe(1);
});

test('remove a queue', async () => {
  await fill('remove-me', 2);
  const asked = await site.submit(await site.get('/queue?name=remove-me'), '/queue/remove');
  const removed = await sure(asked, '/queue/remove');
  expect(removed.path).toMatch(/^\/queues\?/);
  expect(await redis.client.sismember('resque:queues', 'remove-me')).toBe(0);
  expect(await length('remove-me')).toBe(0);
});

test('move a queue’s jobs to another, in order', async () => {
  await fill('from', 3);
  await fill('to', 1);
  const asked = await site.submit(await site.get('/queue?name=from'), '/queue/move', { to: 'to' });
  expect(asked.text).toContain('3 jobs at this moment, behind the 1 job of to');
  expect((await sure(asked, '/queue/move')).text).toContain('3 jobs moved.');
  expect(await length('from')).toBe(0);
  const args = (await redis.client.lrange('resque:queue:to', 0, -1)).map(
    (one) => (JSON.parse(one) as { args: number[] }).args[0],
  );
  expect(args).toEqual([0, 0, 1, 2]);
  expect((await site.submit(await site.get('/queue?name=from'), '/queue/move', { to: '' })).status).toBe(400);
});

test('run chosen jobs of a queue next, and remove others', async () => {
  await fill('choose', 5);
  const queue = await site.get('/queue?name=choose');
  const ran = await submitList(queue, '/jobs/run', boxes(queue).slice(3));
  expect(ran.text).toContain('2 jobs put into the queue');
  const asked = await submitList(ran, '/jobs/remove', boxes(ran).slice(2, 4));
  expect(asked.text).toContain('Remove 2 jobs?');
  expect(await length('choose')).toBe(5);
  expect((await sure(asked, '/jobs/remove')).text).toContain('2 jobs removed.');
  const args = (await redis.client.lrange('resque:queue:choose', 0, -1)).map(
    (one) => (JSON.parse(one) as { args: number[] }).args[0],
  );
  expect(args).toEqual([3, 4, 2]);
});

test('what has gone meanwhile is told, and what was not chosen as well', async () => {
  await fill('gone', 1);
  const queue = await site.get('/queue?name=gone');
  await redis.client.del('resque:queue:gone');
  expect((await submitList(queue, '/jobs/run', boxes(queue))).text).toContain('no longer there');
  expect((await submitList(queue, '/jobs/run', [])).text).toContain('Nothing was chosen');
});

test('run a scheduled job now, give one another time, remove one', async () => {
  const { id } = await seeded.client.enqueue('Later', ['one'], { queue: 'later', in: '2h' });
  const job = await site.get(`/job?id=${id}`);
  const again = await site.submit(job, '/jobs/reschedule', { at: '2099-01-02T03:04' });
  expect(again.text).toContain('1 job given another time.');
  const moved = await site.get(`/job?id=${id}`);
  expect(moved.text).toContain('2099-01-02 03:04:00 UTC');
  await site.submit(moved, '/jobs/run');
  expect(await length('later')).toBe(1);
  const other = await seeded.client.enqueue('Later', ['two'], { queue: 'later', in: '2h' });
  const asked = await site.submit(await site.get(`/job?id=${other.id}`), '/jobs/remove');
  expect((await sure(asked, '/jobs/remove')).text).toContain('1 job removed.');
  expect((await site.get(`/job?id=${other.id}`)).status).toBe(404);
  expect((await site.submit(job, '/jobs/reschedule', { at: 'tomorrow' })).status).toBe(400);
});

test('run a retry now: it is not waited for any longer', async () => {
  const retries = await site.get('/scheduled?state=retry');
  const job = await site.get(linkOf(retries, 'Flaky'));
  await site.submit(job, '/jobs/run');
  await eventually(async () => {
    const count = await seeded.client.scheduled.count();
    const again = await seeded.client.jobs.find({ class: 'Flaky', states: ['retry'] });
    expect(count.retries).toBe(2);
    expect(Math.max(...again.items.map((one) => one.attempts))).toBe(2);
  });
});

test('retry one entry by its button, whatever is ticked; it says so in the list', async () => {
  seeded.repair();
  const entries = await site.get('/failed/entries?class=Import');
  const [first = '', second = ''] = boxes(entries);
  const retried = await submitList(entries, '/failed/retry', [second], { only: first });
  expect(retried.text).toContain('1 failed job put back into the queue.');
  await eventually(() => expect(seeded.imported).toEqual([11]));
  expect((await site.get('/failed/entries?class=Import&retried=yes')).text.match(/retried/g)).not.toBe(null);
  expect(await redis.client.llen('resque:failed')).toBe(13);
});

test('retry those that were ticked', async () => {
  const entries = await site.get('/failed/entries?class=Import&retried=no');
  const [first = '', second = ''] = boxes(entries);
  expect((await submitList(entries, '/failed/retry', [first, second])).text).toContain('2 failed jobs put back');
  await eventually(() => expect(seeded.imported.toSorted()).toEqual([10, 11, 9]));
});

test('one that cannot be retried keeps no other from it; what was done, and why not the rest, is told and logged', async () => {
  const element = (payload: unknown) =>
    JSON.stringify({
      failed_at: '2026/11/26 12:00:00 UTC',
      payload,
      exception: 'E',
      error: 'bad',
      queue: 'nowhere',
      worker: 'w',
    });
  await fill('nowhere', 0);
  const list = 'resque:some_failed';
  await redis.client.rpush(
    list,
    element({ class: 'Mail', args: [1] }),
    element('no job'),
    element({ class: 'Mail', args: [2] }),
  );
  await redis.client.sadd('resque:failed_queues', 'some_failed');
  const entries = await site.get('/failed/entries?list=some_failed');
  expect(boxes(entries)).toHaveLength(3);
  const told = await submitList(entries, '/failed/retry', boxes(entries));
  expect(told.status).toBe(400);
  expect(told.text).toContain('2 done, 1 cannot be:');
  expect(told.html).not.toContain('data-live');
  expect(await length('nowhere')).toBe(2);
  const line = site.log.lines.findLast(({ message }) => message === 'Changed from the dashboard');
  expect(line?.fields).toMatchObject({ change: 'failed/retry', result: 'retried', n: 2, refused: 1, untried: 0 });
  expect(line?.fields['by']).toEqual(expect.any(String));
  await redis.client.del(list, 'resque:queue:nowhere');
  await redis.client.srem('resque:failed_queues', 'some_failed');
  await redis.client.srem('resque:queues', 'nowhere');
});

test('one place that is none keeps no other job from it', async () => {
  await fill('bad-place', 2);
  const queue = await site.get('/queue?name=bad-place');
  const [first = '', second = ''] = boxes(queue);
  const told = await submitList(queue, '/jobs/remove', [first, 'made up', second], { sure: 'yes' });
  expect(told.text).toContain('2 done, 1 cannot be:');
  expect(await length('bad-place')).toBe(0);
  const line = site.log.lines.findLast(({ message }) => message === 'Changed from the dashboard');
  expect(line?.fields).toMatchObject({ change: 'jobs/remove', result: 'removed', n: 2, refused: 1 });
});

test('retry all of a group, after a question', async () => {
  const groups = await site.get('/failed');
  const asked = await submitGroup(groups, '/failed/retry-all', 'Import');
  expect(asked.text).toContain('class “Import”');
  const retried = await sure(asked, '/failed/retry-all');
  expect(retried.text).toContain('9 failed jobs put back');
  await eventually(() => expect(seeded.imported).toHaveLength(12));
});

test('remove one, all of a filter, and everything', async () => {
  const entries = await site.get('/failed/entries?class=Import');
  const asked = await submitList(entries, '/failed/remove', boxes(entries).slice(0, 1));
  expect(await redis.client.llen('resque:failed')).toBe(13);
  await sure(asked, '/failed/remove');
  expect(await redis.client.llen('resque:failed')).toBe(12);
  const all = await submitList(await site.get('/failed/entries?class=Import'), '/failed/remove-all', []);
  expect(all.text).toContain('class “Import”');
  const removed = await sure(all, '/failed/remove-all');
  expect(removed.text).toContain('11 entries removed from the failed list.');
  expect((await redis.client.lrange('resque:failed', 0, -1)).filter((one) => one.includes('customers.csv'))).toEqual(
    [],
  );
  const everything = await submitList(await site.get('/failed/entries'), '/failed/remove-all', []);
  expect(everything.text).toContain('Remove everything from the failed list?');
  await sure(everything, '/failed/remove-all');
  expect(await redis.client.llen('resque:failed')).toBe(0);
});

test('a cron entry: run once, paused, resumed', async () => {
  const cron = await site.get('/cron');
  const ran = await submitOf(cron, '/cron/run', 'nightly');
  expect(ran.text).toContain('Enqueued once');
  await eventually(() => expect(seeded.mailed.filter((args) => args.length === 0)).toHaveLength(1));
  await submitOf(cron, '/cron/pause', 'nightly');
  const paused = await site.get('/cron');
  expect(paused.text).toMatch(/nightly Redis paused/);
  await submitOf(paused, '/cron/resume', 'nightly');
  expect((await site.get('/cron')).text).not.toMatch(/nightly Redis paused/);
});

test('a dead worker is unregistered after a question; a live one has no such button, and is refused', async () => {
  const workers = await site.get('/workers');
  const asked = await site.submit(workers, '/workers/unregister');
  expect(asked.text).toContain('deadhost:1:mail');
  expect((await sure(asked, '/workers/unregister')).text).toContain('1 worker.');
  expect(await redis.client.smembers('resque:workers')).toHaveLength(1);
  const [alive = ''] = await redis.client.smembers('resque:workers');
  const refused = await site.submit(workers, '/workers/unregister', { id: alive, sure: 'yes' });
  expect(refused.status).toBe(409);
  expect(await redis.client.smembers('resque:workers')).toEqual([alive]);
});

test('a worker of which nobody knows whether it lives is unregistered after a question that says so', async () => {
  await redis.client.sadd('resque:workers', 'php.example:1:mail');
  const asked = await site.submit(await site.get('/workers'), '/workers/unregister');
  expect(asked.text).toContain('Make sure that its process has ended');
  await sure(asked, '/workers/unregister');
  expect(await redis.client.sismember('resque:workers', 'php.example:1:mail')).toBe(0);
});

test('a queue with a dangerous name is changed like any other', async () => {
  const queue = await site.get(`/queue?name=${encodeURIComponent(MARKUP)}`);
  await site.submit(queue, '/queue/pause');
  expect((await seeded.client.queues.get(MARKUP)).paused).toBe(true);
});

/** The form around a list: its buttons say where it goes. */
function submitList(
  page: Visited,
  action: string,
  places: readonly string[],
  more: Record<string, string> = {},
): Promise<Visited> {
  const form = (page.html.match(/<form method="post" data-choices[\s\S]*?<\/form>/) ?? [''])[0];
  return site.submit({ ...page, html: form.replace('data-choices', `action="${action}"`) }, action, {
    place: places,
    ...more,
  });
}

/** The form of one line of a table. */
function submitOf(page: Visited, action: string, name: string): Promise<Visited> {
  const row = [...page.html.matchAll(/<tr>[\s\S]*?<\/tr>/g)]
    .map(([html]) => html)
    .find((html) => html.includes(`>${name} `));
  return site.submit({ ...page, html: row ?? '' }, action);
}

function submitGroup(page: Visited, action: string, name: string): Promise<Visited> {
  const row = [...page.html.matchAll(/<tr>[\s\S]*?<\/tr>/g)]
    .map(([html]) => html)
    .find((html) => html.includes(`>${name}<`));
  return site.submit({ ...page, html: (row ?? '').replace('<form method="post"', `<form action="${action}"`) }, action);
}
