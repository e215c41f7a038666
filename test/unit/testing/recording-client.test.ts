import { AssertionError } from 'node:assert';
import { ManualClock, type RecordingClient, recordingClient } from 'lambdesque/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ArgumentsError, type Client, ConfigError, defineJob } from '../../../shared/index.ts';

const Welcome = defineJob({ class: 'Welcome', queue: 'mailers', args: z.tuple([z.string()]), perform() {} });
const Report = defineJob({ class: 'Report', queue: 'reports', perform() {} });
const Mail = defineJob({ class: 'mail:*', queue: 'mailers', perform() {} });

const START = 1_000_000_000_250;
let clock: ManualClock;
let client: RecordingClient;
beforeEach(() => {
  clock = new ManualClock(START);
  client = recordingClient({ clock, jobs: [Welcome, Report, Mail] });
});

/** What an assertion throws. */
function failureOf(assertion: () => unknown): AssertionError {
  try {
    assertion();
  } catch (error) {
    expect(error).toBeInstanceOf(AssertionError);
    return error as AssertionError;
  }
  throw new Error('the assertion held');
}

describe('a recording client', () => {
  test('stands in for a client', async () => {
    async function signUp(real: Client, name: string) {
      await real.enqueue(Welcome, [name], { in: '30s' });
    }
    await signUp(client, 'Zoë');
    expect(client.enqueued).toEqual([
      {
        class: 'Welcome',
        args: ['Zoë'],
        queue: 'mailers',
        at: new Date(1_000_000_030_000),
        enqueuedAt: new Date(START),
        id: undefined,
        payload: '{"class":"Welcome","args":["Zoë"],"queue":"mailers"}',
        run: undefined,
      },
    ]);
  });

  test('answers as a client does', async () => {
    const answer = await client.enqueue('Report', [1]);
    expect(answer).toEqual({
      id: undefined,
      queue: 'reports',
      payload: expect.any(String),
      at: undefined,
      duplicate: false,
    });
    const [first, second] = await client.enqueueAll([
      { job: Report, args: [1], at: new Date(START + 60_000) },
      { job: Welcome, args: ['Zoë'] },
    ]);
    expect(first).toMatchObject({ queue: 'reports', at: new Date(1_000_000_060_000) });
    expect(second).toMatchObject({ queue: 'mailers', at: undefined });
    expect(
      client.enqueued.map((one) => one.class),
      'in the order of the items',
    ).toEqual([...['Report', 'Report', 'Welcome']]);
  });

  test.each<[string, (client: RecordingClient) => Promise<unknown>, new (message: string) => Error, RegExp]>([
    ['what a schema refuses', (one) => one.enqueue('Welcome', [1]), ArgumentsError, /do not fit the schema of Welcome/],
    ['what JSON would change', (one) => one.enqueue(Report, [new Date(0)]), ArgumentsError, /args\.0 is a Date/],
    ['a job without a queue', (one) => one.enqueue('Elsewhere', []), ConfigError, /no queue/],
    ['a prefix', (one) => one.enqueue(Mail, []), ConfigError, /stands for many classes/],
    ['two times', (one) => one.enqueue(Report, [], { in: 1, at: new Date(1) }), ConfigError, /at and in/],
  ])('refuses %s, as a client does, and records nothing', async (_what, call, Kind, message) => {
    const refused = call(client);
    await expect(refused).rejects.toThrow(Kind);
    await expect(refused).rejects.toThrow(message);
    client.expectNothingEnqueued();
  });

  test('has what is delayed among what waits, to be looked at and changed', async () => {
    await client.enqueueAll([
      { job: Report, args: [1], in: '2s' },
      { job: Report, args: [2], in: '1s' },
      { job: Welcome, args: ['Zoë'], in: '2s' },
      { job: Report, args: [4] },
    ]);
    const { scheduled } = client;
    expect(await scheduled.count()).toEqual({ delayed: 3, retries: 0 });
    const waiting = await client.jobs.find({ limit: 2 });
    expect(waiting.items.map(({ state }) => state)).toEqual(['scheduled', 'scheduled']);
    const last = await client.jobs.find({ cursor: waiting.cursor as string });
    expect(last).toMatchObject({ items: [{ state: 'scheduled' }], complete: true });
    expect(await client.jobs.reschedule(last.items[0] as never, last.items[0]?.at as Date)).toBe(true);
    expect(await client.failed.page()).toMatchObject({ items: [], complete: true });
    expect((await client.failed.groups()).total).toBe(0);
    await expect(client.failed.import(['{"payload":{}}'])).rejects.toThrow(/has no failed list/);
    const { jobs, cursor } = await scheduled.page('delayed', { limit: 2 });
    expect(jobs.map((one) => one.args)).toEqual([[2], [1]]);
    expect((await scheduled.page('delayed', { cursor: cursor as string })).jobs).toMatchObject([{ args: ['Zoë'] }]);
    expect(await scheduled.page('retry')).toEqual({ jobs: [], cursor: undefined });

    const [one, two] = jobs;
    if (!one || !two) throw new Error('two jobs wait');
    expect(await scheduled.remove(one)).toBe(true);
    expect(await scheduled.remove(one), 'it is gone').toBe(false);
    expect(await scheduled.reschedule(two, new Date(2_000_000_000_000))).toBe(true);
    const left = await Array.fromAsync(scheduled.find({ kind: 'delayed' }));
    expect(left.map((job) => [job.class, job.at.getTime()])).toEqual([
      ['Welcome', 1_000_000_002_000],
      ['Report', 2_000_000_000_000],
    ]);
    expect(await scheduled.runNow(left[0] ?? one)).toBe(true);
    expect(await scheduled.count()).toEqual({ delayed: 1, retries: 0 });
    expect(client.enqueued, 'the record is of what was asked').toHaveLength(4);
  });

  test('has queues, of which no worker takes anything', async () => {
    await using fresh = recordingClient();
    const { queues, workers, stats } = fresh;
    for (const n of [1, 2, 3]) await fresh.enqueue('Hello', [n], { queue: 'a' });
    expect(await queues.list()).toMatchObject([{ name: 'a', size: 3, running: 0, paused: false, workers: [] }]);
    const page = await queues.peek('a', { limit: 2 });
    expect(page.items.map(({ args }) => args)).toEqual([[1], [2]]);
    expect((await queues.peek('a', { cursor: page.cursor ?? '' })).items).toMatchObject([{ args: [3] }]);
    await queues.pause('a');
    expect(await queues.move('a', 'b')).toBe(3);
    expect(await queues.list()).toMatchObject([
      { name: 'a', size: 0, paused: true },
      { name: 'b', size: 3, paused: false },
    ]);
    await queues.resume('a');
    expect(await queues.get('a')).toMatchObject({ paused: false });
    expect(await stats.totals()).toMatchObject({ queued: 3, processed: 0, paused: false });
    await queues.pauseAll();
    expect(await stats.totals()).toMatchObject({ paused: true });
    expect([await queues.clear('b'), await queues.remove('b'), await queues.clear('c')]).toEqual([3, 0, 0]);
    expect(await workers.list()).toEqual([]);
    expect((await stats.series({ unit: 'minute', last: 3 }))[0]?.points).toHaveLength(3);
    fresh.clear();
    expect(await queues.list()).toEqual([]);
  });

  test('has cron entries, checked as a client checks them', async () => {
    const { cron } = client;
    await cron.upsert('nightly', { cron: '0 3 * * *', class: 'Welcome', args: ['Zoë'] });
    await expect(cron.upsert('wrong', { cron: '0 3 * * *', class: 'Welcome', args: [1] })).rejects.toThrow(
      /do not fit the schema/,
    );
    await cron.pause('nightly');
    expect(await cron.list()).toMatchObject([
      { name: 'nightly', class: 'Welcome', queue: 'mailers', paused: true, next: new Date('2001-09-09T03:00:00Z') },
    ]);
    await cron.resume('nightly');
    expect(await cron.list()).toMatchObject([{ paused: false }]);
    const id = await cron.runNow('nightly');
    expect(client.expectEnqueued(Welcome, ['Zoë'])).toMatchObject({ id, queue: 'mailers', at: undefined });
    expect(await cron.remove('nightly')).toBe(true);
    expect(await cron.remove('nightly')).toBe(false);
  });

  test('shows static cron entries', async () => {
    const own = recordingClient({ jobs: [Report], cronEntries: { hourly: { cron: '@hourly', class: 'Report' } } });
    expect(await own.cron.list()).toMatchObject([{ name: 'hourly', source: 'static' }]);
    await own.cron.runNow('hourly');
    own.expectEnqueued(Report, []);
  });

  test('forgets everything', async () => {
    await client.enqueue(Report, [], { in: '1h' });
    await client.cron.upsert('nightly', { cron: '0 3 * * *', class: 'Report' });
    const { enqueued } = client;
    client.clear();
    expect(enqueued).toEqual([]);
    expect(await client.scheduled.count()).toEqual({ delayed: 0, retries: 0 });
    expect(await client.cron.list()).toEqual([]);
  });

  test('takes nothing once it is closed, and can still be looked at', async () => {
    {
      await using own = client;
      await own.enqueue(Report, []);
    }
    await expect(client.enqueue(Report, [])).rejects.toThrow(ConfigError);
    await expect(client.enqueue(Report, [], { in: '1h' })).rejects.toThrow(/is closed. Make a new one/);
    expect(client.enqueued).toHaveLength(1);
  });
});

describe('expectEnqueued', () => {
  beforeEach(async () => {
    await client.enqueue(Welcome, ['Zoë']);
    await client.enqueue(Welcome, ['Ada'], { queue: 'other', in: '30s' });
    await client.enqueue('mail:goodbye', [{ to: 2n ** 64n, cc: null }]);
  });

  test('holds for what was enqueued, and returns the first that fits', () => {
    expect(client.expectEnqueued(Welcome)).toBe(client.enqueued[0]);
    expect(client.expectEnqueued('Welcome', ['Ada'])).toBe(client.enqueued[1]);
    expect(client.expectEnqueued(Mail, [{ to: 2n ** 64n, cc: null }])).toBe(client.enqueued[2]);
    client.expectEnqueued(Mail, ([mail]) => (mail as { cc: unknown }).cc === null);
    client.expectEnqueued(Welcome, ['Zoë'], { queue: 'mailers', in: 0, times: 1 });
    client.expectEnqueued(Welcome, ['Ada'], { queue: 'other', in: '30s' });
    client.expectEnqueued(Welcome, ['Ada'], { in: 30_000 });
    client.expectEnqueued(Welcome, ['Ada'], { at: new Date(1_000_000_030_999) });
    client.expectEnqueued(Welcome, undefined, { times: 2 });
    client.expectEnqueued(Report, [], { times: 0 });
  });

  test.each<[string, () => unknown, string]>([
    ['another class', () => client.expectEnqueued(Report), 'Report'],
    ['other arguments', () => client.expectEnqueued(Welcome, ['Zoe']), 'Welcome ["Zoe"]'],
    ['arguments that do not fit', () => client.expectEnqueued(Welcome, () => false), 'Welcome with arguments that fit'],
    ['too few arguments', () => client.expectEnqueued(Mail, []), 'mail:* []'],
    ['another queue', () => client.expectEnqueued(Welcome, ['Zoë'], { queue: 'x' }), 'Welcome ["Zoë"] in the queue x'],
    ['another wait', () => client.expectEnqueued(Welcome, ['Ada'], { in: '32s' }), 'Welcome ["Ada"] in 32s'],
    ['no wait', () => client.expectEnqueued(Welcome, ['Ada'], { in: 0 }), 'Welcome ["Ada"] in 0 ms'],
    ['a wait', () => client.expectEnqueued(Welcome, ['Zoë'], { in: '2s' }), 'Welcome ["Zoë"] in 2s'],
    [
      'another time',
      () => client.expectEnqueued(Welcome, ['Ada'], { at: new Date(1_000_000_031_000) }),
      'Welcome ["Ada"] at 2001-09-09T01:47:11.000Z',
    ],
    ['fewer', () => client.expectEnqueued(Welcome, undefined, { times: 1 }), '1 × Welcome; it was enqueued 2 ×'],
    ['more', () => client.expectEnqueued(Welcome, undefined, { times: 3 }), '3 × Welcome; it was enqueued 2 ×'],
  ])('fails for %s, and lists what was enqueued', (_what, assertion, wanted) => {
    const { message, actual } = failureOf(assertion);
    expect(message).toBe(
      [
        `Expected to be enqueued: ${wanted}`,
        'Enqueued were:',
        '  Welcome ["Zoë"] in the queue mailers',
        '  Welcome ["Ada"] in the queue other at 2001-09-09T01:47:10.000Z',
        '  mail:goodbye [{"to":18446744073709551616,"cc":null}] in the queue mailers',
      ].join('\n'),
    );
    expect(actual).toHaveLength(3);
  });

  test('compares the arguments as they arrive', async () => {
    await client.enqueue(Report, [-0, 5n]);
    client.expectEnqueued(Report, [-0, 5n]);
    client.expectEnqueued(Report, [0, 5]);
    failureOf(() => client.expectEnqueued(Report, ['0', 5]));
  });

  test('says where nothing was enqueued, and shows no more than can be read', async () => {
    client.clear();
    expect(failureOf(() => client.expectEnqueued(Welcome)).message).toBe(
      'Expected to be enqueued: Welcome\nNothing was enqueued.',
    );
    await client.enqueueAll(Array.from({ length: 30 }, (_, i) => ({ job: Report, args: [i, 'x'.repeat(500)] })));
    const lines = failureOf(() => client.expectEnqueued(Welcome)).message.split('\n');
    expect(lines).toHaveLength(23);
    expect(lines.at(-1)).toBe('  and 10 more');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(300);
  });

  test('refuses what makes no sense', () => {
    expect(() => client.expectEnqueued(Welcome, ['Zoë'], { in: 1, at: new Date(1) })).toThrow(ConfigError);
    expect(() => client.expectEnqueued(Welcome, ['Zoë'], { in: 'soon' as never })).toThrow(/must be a duration/);
    expect(() => client.expectEnqueued(Report, [new Date(0)])).toThrow(ArgumentsError);
  });
});

describe('expectNothingEnqueued', () => {
  test('holds while nothing was, or nothing of a class', async () => {
    client.expectNothingEnqueued();
    await client.enqueue(Report, [1]);
    client.expectNothingEnqueued(Welcome);
    client.expectNothingEnqueued('mail:*');
    expect(failureOf(() => client.expectNothingEnqueued()).message).toBe(
      'Expected nothing to be enqueued\nEnqueued were:\n  Report [1] in the queue reports',
    );
    expect(failureOf(() => client.expectNothingEnqueued(Report)).message).toMatch(/^Expected no Report to be enqueued/);
  });
});

test('enqueuedOf has those of one class, or of many', async () => {
  await client.enqueue('mail:a', [1]);
  await client.enqueue(Report, [2]);
  await client.enqueue('mail:b', [3]);
  const argsOf = (job: Parameters<RecordingClient['enqueuedOf']>[0]) =>
    client.enqueuedOf(job).map((one) => one.args[0]);
  expect(argsOf(Mail)).toEqual([1, 3]);
  expect(argsOf('mail:b')).toEqual([3]);
  expect(argsOf(Report)).toEqual([2]);
  expect(argsOf(Welcome)).toEqual([]);
});
