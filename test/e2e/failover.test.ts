import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { JobLog } from '../helpers/job-log.ts';
import { payloads, range } from '../helpers/queue-state.ts';
import { startCluster } from '../helpers/redis-cluster.ts';
import { startSentinels } from '../helpers/redis-sentinel.ts';
import type { TestRedis } from '../helpers/redis-server.ts';
import { JOBS, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 4 * PATIENCE, hookTimeout: PATIENCE });

/** Before and after the jobs that wait for the failover. */
const COUNT = 1_000;
const CONCURRENCY = 5;

let log: JobLog;
afterEach(() => log.remove());

interface System {
  readonly uri: string;
  readonly namespace: string;
  primary(): Promise<TestRedis>;
}

const systems = {
  async 'a Redis Cluster'(): Promise<System> {
    const cluster = await startCluster();
    onTestFinished(() => cluster.stop());
    const namespace = '{resque}:';
    return { uri: cluster.url(), namespace, primary: () => cluster.primaryOf(`${namespace}queues`) };
  },
  async Sentinels(): Promise<System> {
    const sentinels = await startSentinels();
    onTestFinished(() => sentinels.stop());
    const nodes = sentinels.ports.map((port) => `127.0.0.1:${port}`).join(',');
    const uri = `redis+sentinel://${nodes}/${sentinels.name}`;
    return { uri, namespace: 'resque:', primary: sentinels.primary };
  },
};

test.each(Object.entries(systems))('%s: every job runs though the primary is killed', async (_name, start) => {
  log = new JobLog();
  const { uri, namespace, primary } = await start();
  const old = await primary();
  const gates = range(1, CONCURRENCY).map((i) => `gate-${i}`);
  const jobs = [
    ...payloads('Nap', range(1, COUNT)),
    ...payloads('Gate', gates),
    ...payloads('Nap', range(COUNT + 1, 2 * COUNT)),
  ];
  await old.client.rpush(`${namespace}queue:work`, ...jobs);
  // Replication is asynchronous: what the replica does not have when it takes over, nobody can run.
  expect(await old.client.wait(1, PATIENCE)).toBeGreaterThan(0);

  const flags = [
    '--queues',
    'work',
    '--jobs',
    JOBS,
    '--uri',
    uri,
    '--lease',
    '1s',
    '--interval',
    '50ms',
    '--scheduler',
  ];
  const work = () =>
    lambdesque(['work', ...flags, '--concurrency', `${CONCURRENCY}`], { env: { JOB_LOG: log.folder } });
  const worker = work();
  await eventually(() => expect(log.names).toEqual(expect.arrayContaining(gates)));
  await old.kill();
  await eventually(async () => expect((await primary()).port).not.toBe(old.port));
  const next = await primary();
  for (const gate of gates) log.open(gate);
  await eventually(async () => expect(await next.client.llen(`${namespace}queue:work`)).toBe(0));
  worker.signal('SIGTERM');
  expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });

  // What was in flight at the time is given back when its lease has ended.
  const another = work();
  await another.line((line) => line.msg === 'working');
  await eventually(() => expect(new Set(log.names).size).toBe(jobs.length));
  another.signal('SIGTERM');
  expect(await another.ended).toMatchObject({ code: 0, stderr: '' });
  expect(await next.client.llen(`${namespace}failed`)).toBe(0);
});
