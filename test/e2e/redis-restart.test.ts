import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { JobLog } from '../helpers/job-log.ts';
import { expectIdle, failed, inFlight, payloads, push, queued, range, tickAhead } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { JOBS, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
let log: JobLog;
beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
  log = new JobLog();
});
afterEach(() => redis.client.flushall());
afterAll(async () => {
  await redis.stop();
  log.remove();
});

const work = (...flags: readonly string[]) =>
  lambdesque(['work', '--jobs', JOBS, '--uri', redis.url, ...flags], { env: { JOB_LOG: log.folder } });

test('a Redis killed and started again mid-run costs none of 20,000 jobs, and runs none twice', async () => {
  const ROUNDS = 5;
  const PER_ROUND = 4_000;
  const worker = work('--queues', 'load,serial', '--interval', '100ms', '--scheduler');
  for (let round = 0; round < ROUNDS; round++) {
    const first = round * PER_ROUND + 1;
    await push(redis.client, 'load', ...payloads('Nap', range(first, first + PER_ROUND - 1)));
    const killAt = first + 200 + Math.floor(Math.random() * PER_ROUND * 0.7);
    await eventually(() => expect(log.names.length).toBeGreaterThanOrEqual(killAt));
    await redis.kill();
    await worker.line((line) => line.level === 'error' && line['tries'] !== undefined);
    await redis.start();
  }
  await eventually(async () => {
    expect(await redis.client.llen('resque:queue:load')).toBe(0);
    expect(await inFlight(redis.client)).toBe(0);
  });
  expect(worker.running).toBe(true);
  worker.signal('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });

  expect(log.names.length).toBe(ROUNDS * PER_ROUND);
  expect(new Set(log.names).size).toBe(ROUNDS * PER_ROUND);
  expect(worker.lines.filter((line) => line.outcome === 'succeeded')).toHaveLength(ROUNDS * PER_ROUND);
  expect(await redis.client.get('resque:stat:processed')).toBe(String(ROUNDS * PER_ROUND));
  expect(worker.lines.some((line) => line.msg === 'Redis answers again')).toBe(true);
  expect(await failed(redis.client)).toEqual([]);
  await expectIdle(redis.client, 'load');
});

test('a serial queue stays in order over restarts of Redis, and runs each job once', async () => {
  const before = log.names.length;
  const JOBS_IN_ALL = 900;
  await push(redis.client, 'serial', ...payloads('Nap', range(1, JOBS_IN_ALL)));
  const worker = work('--queues', 'serial', '--concurrency', '1', '--exit-on-complete');
  for (const killAt of [150, 400, 650]) {
    await eventually(() => expect(log.names.length - before).toBeGreaterThanOrEqual(killAt));
    await redis.kill();
    await redis.start();
  }
  expect(await worker.ended).toMatchObject({ code: 0 });
  expect(log.names.slice(before)).toEqual(range(1, JOBS_IN_ALL).map(String));
  await expectIdle(redis.client, 'serial');
});

test('a worker stopped while Redis is away ends when its lease has, and its jobs are there for others', async () => {
  await push(redis.client, 'away', ...payloads('Gate', ['a']), ...payloads('Note', ['b']));
  const worker = work('--queues', 'away', '--concurrency', '1', '--lease', '1s', '--shutdown-timeout', '0');
  await eventually(() => expect(log.names.at(-1)).toBe('a'));
  await redis.kill();
  worker.signal('SIGTERM');
  await worker.ended;
  expect(worker.lines.some((line) => line.msg.startsWith('Redis did not take the last outcomes'))).toBe(true);
  await redis.start();
  await tickAhead(redis);
  const back = await queued(redis.client, 'away');
  expect(back.map((payload) => /"args":\["(.)"\]/.exec(payload)?.[1]).sort()).toEqual(['a', 'b']);
});
