import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { JobLog } from '../helpers/job-log.ts';
import { failed, payloads, push, range } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { type Ended, JOBS, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 4 * PATIENCE, hookTimeout: PATIENCE });

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

const LEASE = 1_000;

function work(...flags: readonly string[]) {
  const args = ['work', '--queues', 'work', '--jobs', JOBS, '--uri', redis.url, '--lease', `${LEASE}ms`, ...flags];
  return lambdesque(args, { env: { JOB_LOG: log.folder } });
}

/** Epoch ms of Redis's clock; where a worker lost a lease and has begun anew, of the later one. */
async function leaseEnd(): Promise<number> {
  const [, score] = await redis.client.zrange('resque:leases', '-1', '-1', 'WITHSCORES');
  if (score === undefined) throw new Error('There is no lease.');
  return Number(score);
}

async function leaseLeft(): Promise<number> {
  const [seconds] = await redis.client.time();
  return (await leaseEnd()) - Number(seconds) * 1_000;
}

test.each([
  ['an endless loop', 'Loop', / at Object\.perform \(.*worker-jobs\.ts:\d+:\d+\)\. Running: .*Loop \(id [^)]+\)/],
  ['a wait that is not JavaScript', 'Native', /in code that is not JavaScript\. Running: .*Native \(id [^)]+\)/],
])('%s ends the process, and its last words say which job and where', async (_what, name, says) => {
  log = new JobLog();
  await push(redis.client, 'work', ...payloads('Gate', ['g']), ...payloads(name, [1]));
  const worker = work('--concurrency', '2');
  const { code, signal, stderr } = await worker.ended;
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
  expect(stderr).toMatch(says);
  expect(stderr).toMatch(
    /^lambdesque: the event loop stood still for longer than the lease of 1 s.*Gate \(id [^)]+\).*\n$/,
  );
  expect(log.names.sort()).toEqual(['1', 'g']);
});

test('with a supervisor that starts it again, the job ends in the failed list, and the others run', async () => {
  log = new JobLog();
  await push(redis.client, 'work', ...payloads('Loop', ['poison']), ...payloads('Note', range(1, 5)));
  const lives: Ended[] = [];
  let done = false;
  const supervisor = (async () => {
    while (!done) lives.push(await work('--scheduler', '--interval', '20ms', '--concurrency', '1').ended);
  })();
  await eventually(async () => {
    const [entry] = await failed(redis.client);
    expect(entry).toMatchObject({ payload: { class: 'Loop' } });
    expect(new Set(log.names)).toEqual(new Set(['poison', ...range(1, 5).map(String)]));
  });
  done = true;
  expect(lives.length).toBeGreaterThan(0);
  for (const { signal, stderr } of lives) {
    expect(signal).toBe('SIGKILL');
    expect(stderr).toMatch(/Running: Loop \(id/);
  }
  void supervisor;
});

test('a process that was stopped for longer than its lease goes on', async () => {
  log = new JobLog();
  await push(redis.client, 'work', ...payloads('Note', [1]));
  const worker = work('--interval', '20ms');
  await eventually(() => expect(log.names).toEqual(['1']));
  worker.signal('SIGSTOP');
  await eventually(async () => expect(await leaseLeft()).toBeLessThan(-LEASE));
  worker.signal('SIGCONT');
  await push(redis.client, 'work', ...payloads('Note', [2]));
  await eventually(() => expect(log.names).toEqual(['1', '2']));
  // It would have ended by then, had the time of the stop been counted.
  const end = (await leaseEnd()) + 2 * LEASE;
  await eventually(async () => expect(await leaseEnd()).toBeGreaterThan(end));
  worker.signal('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
});

test('a handler that blocks for less than the lease is left alone', async () => {
  log = new JobLog();
  await push(redis.client, 'work', ...payloads('Busy', [LEASE / 2]), ...payloads('Busy', [LEASE / 2]));
  const { code, stderr } = await work('--exit-on-complete', '--concurrency', '1').ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
