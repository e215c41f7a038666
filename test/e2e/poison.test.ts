import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { JobLog } from '../helpers/job-log.ts';
import { expectIdle, failed, failedTexts, inFlight, payloads, push, range, tickAhead } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { type Ended, JOBS, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
let log: JobLog;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  log.remove();
  await redis.client.flushall();
});
afterAll(() => redis.stop());

const work = (...flags: readonly string[]) =>
  lambdesque(['work', '--queues', 'work', '--jobs', JOBS, '--uri', redis.url, ...flags], {
    env: { JOB_LOG: log.folder },
  });

/** Spaces, escapes and numbers that show if it is written anew. */
const poison = (className: string, args: string) =>
  String.raw`{ "class" : "${className}", "args":[${args},1.0,12345678901234567890,"\/"] }`;

describe.each([
  ['calls process.exit', poison('Exit', '"poison"'), { code: 1, signal: null }],
  ['kills its process', poison('Kill', '"poison"'), { code: null, signal: 'SIGKILL' }],
] as const)('a handler that %s', (_name, payload, death) => {
  test('fails after three deaths, byte for byte, and none of the jobs beside it does', async () => {
    log = new JobLog();
    const beside = range(1, 60);
    await push(redis.client, 'work', ...payloads('Note', beside.slice(0, 12)), payload);
    await push(redis.client, 'work', ...payloads('Note', beside.slice(12)));
    const deaths: Pick<Ended, 'code' | 'signal'>[] = [];
    for (;;) {
      const { code, signal } = await work('--exit-on-complete').ended;
      if (code === 0) break;
      deaths.push({ code, signal });
      expect(deaths.length, 'deaths').toBeLessThan(10);
      expect((await tickAhead(redis)).reclaimed).toBeGreaterThan(0);
    }

    expect(deaths).toEqual([death, death, death]);
    const starts = log.starts;
    expect(starts.filter((start) => start.name === 'poison').map((start) => start.attempt)).toEqual([1, 2, 3]);
    const [text = '', ...others] = await failedTexts(redis.client);
    expect(others, 'innocent jobs in the failed list').toEqual([]);
    expect(text).toContain(`"payload":${payload},"exception":"LostLeaseError"`);
    expect((await failed(redis.client))[0]).toMatchObject({
      error: expect.stringMatching(/lease on this job was lost 3 times.*worker that held it died/),
      queue: 'work',
    });
    expect(new Set(starts.map((start) => start.name))).toEqual(new Set(['poison', ...beside.map(String)]));
    await expectIdle(redis.client, 'work');
  });
});

test('two such jobs side by side both fail, and no other', async () => {
  log = new JobLog();
  await push(redis.client, 'work', poison('Exit', '"p1"'), ...payloads('Note', range(1, 20)), poison('Exit', '"p2"'));
  await push(redis.client, 'work', ...payloads('Note', range(21, 40)));
  let workers = 0;
  while ((await work('--exit-on-complete').ended).code !== 0) {
    expect(++workers, 'deaths').toBeLessThan(15);
    await tickAhead(redis);
  }
  const entries = await failed(redis.client);
  expect(entries.map((entry) => entry.payload)).toEqual([
    expect.objectContaining({ class: 'Exit' }),
    expect.objectContaining({ class: 'Exit' }),
  ]);
  expect(new Set(log.names).size).toBe(42);
  await expectIdle(redis.client, 'work');
});

test('a handler that blocks the event loop for longer than the lease fails likewise; its worker lives on', async () => {
  log = new JobLog();
  const payload = poison('Block', '"poison"');
  const beside = range(1, 40);
  await push(redis.client, 'work', ...payloads('Note', beside.slice(0, 10)), payload);
  await push(redis.client, 'work', ...payloads('Note', beside.slice(10)));
  const worker = work('--interval', '50ms');
  for (const attempt of [1, 2, 3]) {
    await eventually(() => {
      expect(log.starts).toContainEqual({ name: 'poison', attempt, pid: worker.pid });
    });
    expect((await tickAhead(redis)).reclaimed).toBeGreaterThan(0);
    log.open(`poison-${attempt}`);
  }
  await eventually(async () => expect(await redis.client.llen('resque:failed')).toBe(1));
  await eventually(async () => {
    expect(await redis.client.llen('resque:queue:work')).toBe(0);
    expect(await inFlight(redis.client)).toBe(0);
  });
  worker.signal('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0 });

  const texts = await failedTexts(redis.client);
  expect(texts).toEqual([expect.stringContaining(`"payload":${payload},"exception":"LostLeaseError"`)]);
  expect(new Set(log.names)).toEqual(new Set(['poison', ...beside.map(String)]));
  const lost = worker.lines.filter((line) => line.msg.startsWith('The lease ended before it was extended'));
  expect(lost).toHaveLength(3);
  expect(lost.every((line) => line.level === 'error')).toBe(true);
  await expectIdle(redis.client, 'work');
});
