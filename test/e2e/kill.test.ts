import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { JobLog } from '../helpers/job-log.ts';
import { expectIdle, failed, inFlight, payloads, push, queued, range, tickAhead } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { type CliProcess, JOBS, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
let log: JobLog;
beforeAll(async () => {
  redis = await startRedis();
  log = new JobLog();
});
afterEach(() => redis.client.flushall());
afterAll(async () => {
  await redis.stop();
  log.remove();
});

/** @param killAt the worker kills itself soon after the start of so many jobs */
function work(queue: string, flags: readonly string[], killAt?: number): CliProcess {
  const env = { JOB_LOG: log.folder, ...(killAt === undefined ? {} : { JOB_KILL_AT: String(killAt) }) };
  return lambdesque(['work', '--queues', queue, '--jobs', JOBS, '--uri', redis.url, ...flags], { env });
}

/** Runs one worker after the other: each is killed, but for the last. */
async function killAgainAndAgain(killPoints: readonly number[]): Promise<CliProcess> {
  const flags = ['--lease', '3s', '--interval', '100ms'];
  for (const killAt of killPoints) expect((await work('load', flags, killAt).ended).signal).toBe('SIGKILL');
  return work('load', flags);
}

test('workers killed with SIGKILL again and again lose none of 12,000 jobs, and run only those in flight twice', async () => {
  const JOBS_IN_ALL = 12_000;
  await push(redis.client, 'load', ...payloads('Nap', range(1, JOBS_IN_ALL)));
  const scheduler = work('nothing', ['--scheduler', '--interval', '60s']);
  // Further apart than the jobs that wait for a dead worker's lease to end, so that no job sees three deaths by chance;
  // and fewer in all than there are jobs, so that every one of them comes.
  const survivors = await Promise.all([
    killAgainAndAgain([1_203, 2_048, 1_711]),
    killAgainAndAgain([1_600, 1_157, 1_999]),
  ]);
  await eventually(async () => {
    expect(await redis.client.llen('resque:queue:load')).toBe(0);
    expect(await inFlight(redis.client)).toBe(0);
    expect(await redis.client.zcard('resque:leases')).toBe(3);
  });
  for (const one of [...survivors, scheduler]) {
    one.signal('SIGTERM');
    expect(await one.ended).toMatchObject({ code: 0, stderr: '' });
  }

  const starts = log.names;
  expect(new Set(starts).size).toBe(JOBS_IN_ALL);
  const ended = scheduler.lines.filter((line) => line.msg.startsWith('The lease of a worker ended'));
  const reclaimed = ended.reduce((sum, line) => sum + Number(line['jobs']), 0);
  expect(ended.length, 'workers found dead').toBeGreaterThanOrEqual(6);
  expect(reclaimed, 'jobs that were in flight at a kill').toBeGreaterThan(0);
  expect(starts.length - JOBS_IN_ALL, 'runs beyond the first').toBeLessThanOrEqual(reclaimed);
  expect(await failed(redis.client)).toEqual([]);
  await expectIdle(redis.client, 'load');
});

test('a worker killed while it holds jobs that have not started loses none of them', async () => {
  const before = log.starts.length;
  await push(redis.client, 'ahead', ...payloads('Note', range(1, 2_000)), '{"class":"Gate","args":["never"]}');
  await push(redis.client, 'ahead', ...payloads('Note', range(2_001, 2_050)));
  const worker = work('ahead', ['--concurrency', '1']);
  await eventually(() => expect(log.names.at(-1)).toBe('never'));
  await worker.kill();
  const held = await inFlight(redis.client);
  expect(held).toBeGreaterThan(0);
  await tickAhead(redis);
  // At the tail, each with one death more, and its bytes as they were pushed.
  const back = await queued(redis.client, 'ahead');
  const returned = back.slice(-held).map((payload) => payload.replace(/^\{"lambdesque":\{[^}]*"deaths":1\},/, '{'));
  expect(returned).toContain('{"class":"Gate","args":["never"]}');
  expect(returned).toEqual(expect.arrayContaining(payloads('Note', range(2_001, 2_000 + Math.min(held - 1, 50)))));
  log.open('never');
  expect(await work('ahead', ['--concurrency', '1', '--exit-on-complete']).ended).toMatchObject({ code: 0 });

  const names = log.names.slice(before);
  expect(new Set(names)).toEqual(new Set(['never', ...range(1, 2_050).map(String)]));
  expect(names.length).toBeLessThanOrEqual(2_051 + held);
  expect(await failed(redis.client)).toEqual([]);
  await expectIdle(redis.client, 'ahead');
});
