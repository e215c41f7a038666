import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  createShardedClient,
  createShardedWorker,
  defineJob,
  RedisUnavailableError,
  type ShardedClient,
} from '../../../shared/index.ts';
import { afterEachTest } from '../../helpers/cleanup.ts';
import { eventually } from '../../helpers/eventually.ts';
import { JobLog } from '../../helpers/job-log.ts';
import { inFlight } from '../../helpers/queue-state.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';

const NAMES = ['a', 'b', 'c'] as const;
let servers: TestRedis[];
let shards: Record<string, { url: string }>;
let client: ShardedClient;
beforeAll(async () => {
  servers = await Promise.all(NAMES.map(() => startRedis({ appendonly: true })));
  shards = Object.fromEntries(NAMES.map((name, i) => [name, { url: servers[i]?.url ?? '' }]));
  client = createShardedClient({ shards });
});
afterEach(async () => {
  await Promise.all(servers.map((one) => one.client.flushall()));
  ran.length = 0;
  open.clear();
});
afterAll(async () => {
  await client.close();
  await Promise.all(servers.map((one) => one.stop()));
});

const ran: unknown[] = [];
const open = new Map<unknown, () => void>();
const Good = defineJob({ class: 'Good', perform: ([id]) => void ran.push(id) });
const Gated = defineJob({
  class: 'Gated',
  perform: ([id], { signal }) =>
    new Promise<void>((resolve, reject) => {
      ran.push(id);
      open.set(id, resolve);
      signal.addEventListener('abort', () => reject(signal.reason));
    }),
});
const jobs = [Good, Gated];
const keyOf = (name: string) =>
  Array.from({ length: 100 }, (_, i) => `k${i}`).find((key) => client.shardOf(key) === name) ?? '';
const into = (name: string, job: string, ids: readonly unknown[]) =>
  client.enqueueAll(ids.map((id) => ({ job, args: [id], queue: 'q', shardKey: keyOf(name) })));
const range = (count: number) => Array.from({ length: count }, (_, i) => i);

describe('a worker of three shards', () => {
  test('drains all, each in order, and sums what it did', async () => {
    for (const name of NAMES)
      await into(
        name,
        'Good',
        range(200).map((i) => `${name}${i}`),
      );
    const log = recordingLogger();
    const worker = createShardedWorker({ shards, jobs, queues: 'q', concurrency: 3, exitOnComplete: true, log });
    const events: string[] = [];
    worker.on('succeeded', ({ class: name }) => void events.push(String(name)));
    worker.on('idle', (why) => void events.push(why));
    const done = worker.run();
    expect(worker.run()).toBe(done);
    expect(await done).toMatchObject({ processed: 600, succeeded: 600, stopped: 'empty' });
    for (const name of NAMES) {
      expect(ran.filter((id) => String(id).startsWith(name))).toEqual(range(200).map((i) => `${name}${i}`));
      expect(worker.summaries[name]).toMatchObject({ succeeded: 200 });
    }
    expect(events.filter((one) => one === 'Good')).toHaveLength(600);
    expect(Object.keys(worker.ids)).toEqual(['a', 'b', 'c']);
    expect(
      new Set(log.lines.filter(({ message }) => message === 'job succeeded').map(({ fields }) => fields?.['shard'])),
    ).toEqual(new Set(NAMES));
    for (const one of servers) expect(await one.client.keys('resque:worker*')).toEqual([]);
  });

  test('has one limit for all: an idle shard’s places are used, and given back when it has jobs', async () => {
    await into(
      'a',
      'Gated',
      range(12).map((i) => `a${i}`),
    );
    await using worker = createShardedWorker({
      shards,
      jobs,
      queues: 'q',
      concurrency: 6,
      interval: '50ms',
      log: recordingLogger(),
    });
    const running = worker.run();
    await eventually(() => expect(ran).toHaveLength(6));
    await into('b', 'Gated', ['b0', 'b1', 'b2', 'b3']);
    // Each end in a is followed by a start: of b, as soon as it knows of its jobs, until both have their parts.
    await eventually(() => {
      for (const [id, end] of open) {
        open.delete(id);
        end();
        break;
      }
      expect(ran).toHaveLength(16);
    });
    for (const end of open.values()) end();
    await eventually(() => expect(worker.summary.succeeded).toBe(16));
    expect(ran.indexOf('b0')).toBeLessThan(ran.indexOf('a11'));
    worker.stop();
    await running;
  });

  test('is idle when all shards are, takes nothing while it is paused, and ticks each shard', async () => {
    const ticked: string[] = [];
    const worker = createShardedWorker({
      shards: {
        ...shards,
        b: { ...shards['b'], cron: { often: { every: '1s', class: 'Good', queue: 'q', args: ['cron'] } } },
      },
      jobs,
      queues: 'q',
      interval: '20ms',
      scheduler: true,
      log: recordingLogger(),
    });
    await using _end = worker;
    worker.pause();
    const idle = once(worker as never, 'idle');
    worker.on('ticked', () => void ticked.push('tick'));
    // Overdue in each shard.
    for (const one of servers) {
      await one.client.zadd('resque:delayed_queue_schedule', 1_000, '1000');
      await one.client.rpush('resque:delayed:1000', JSON.stringify({ class: 'Good', args: ['late'], queue: 'q' }));
    }
    const running = worker.run();
    await eventually(async () => {
      for (const one of servers) expect(await one.client.exists('resque:delayed:1000')).toBe(0);
      expect(await servers[1]?.client.llen('resque:queue:q')).toBeGreaterThan(1);
    });
    expect(ran).toEqual([]);
    worker.resume();
    await idle;
    await eventually(() => expect(ran.filter((id) => id === 'late')).toHaveLength(3));
    expect(ran).toContain('cron');
    expect(ticked.length).toBeGreaterThanOrEqual(3);
    for (const [i, one] of servers.entries()) {
      expect(await one.client.hlen('resque:cron:last')).toBe(i === 1 ? 1 : 0);
    }
    worker.stop();
    expect(await running).toMatchObject({ stopped: 'shutdown' });
  });
});

describe('where one shard is away', () => {
  test('from the start or meanwhile, the others go on, it is told once, and its jobs come when it is back', async () => {
    await into('b', 'Good', ['b-before']);
    await servers[1]?.kill();
    const log = recordingLogger();
    await using worker = createShardedWorker({ shards, jobs, queues: 'q', interval: '20ms', scheduler: true, log });
    const running = worker.run();
    await into('a', 'Good', ['a1']);
    await into('c', 'Good', ['c1']);
    await eventually(() => expect([...ran].sort()).toEqual(['a1', 'c1']));
    await eventually(() =>
      expect(log.lines.map(({ message }) => message)).toContainEqual(expect.stringContaining('A shard cannot be used')),
    );
    await servers[1]?.start();
    await eventually(() => expect(ran).toContain('b-before'));
    await servers[1]?.kill();
    await into('a', 'Good', ['a2']);
    await eventually(() => expect(ran).toContain('a2'));
    await servers[1]?.start();
    await into('b', 'Good', ['b-after']);
    await eventually(() => expect(ran).toContain('b-after'));
    const told = log.lines.filter(({ message }) => message.startsWith('A shard cannot be used'));
    expect(told).toHaveLength(1);
    expect(told[0]?.fields).toMatchObject({ shard: 'b' });
    expect(new Set(ran).size).toBe(ran.length);
    worker.stop();
    expect(await running).toMatchObject({ succeeded: 5 });
  });

  test('and it is to end when all is done, the others are drained, and it rejects with what that one says', async () => {
    await servers[2]?.kill();
    await into('a', 'Good', range(10));
    const worker = createShardedWorker({ shards, jobs, queues: 'q', exitOnComplete: true, log: recordingLogger() });
    await expect(worker.run()).rejects.toThrow(RedisUnavailableError);
    expect(ran).toHaveLength(10);
    await servers[2]?.start();
  });
});

test('processes that are killed again and again lose none of the jobs of any shard', async () => {
  const JOBS = 6_000;
  const log = new JobLog();
  afterEachTest(() => log.remove());
  await client.enqueueAll(range(JOBS).map((i) => ({ job: 'Nap', args: [String(i)], queue: 'q' })));
  const program = fileURLToPath(new URL('../../helpers/sharded-worker-program.ts', import.meta.url));
  const start = () =>
    spawn(process.execPath, [program, log.folder, ...servers.map(({ url }) => url)], { stdio: 'ignore' });
  for (const jobs of [1_000, 2_500, 4_000]) {
    const child = start();
    await eventually(() => expect(new Set(log.names).size).toBeGreaterThan(jobs));
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
  const last = start();
  await eventually(async () => {
    for (const one of servers) {
      expect(await one.client.llen('resque:queue:q')).toBe(0);
      expect(await inFlight(one.client)).toBe(0);
    }
  });
  const exited = once(last, 'exit');
  last.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  expect(new Set(log.names).size).toBe(JOBS);
  for (const one of servers) {
    expect(await one.client.llen('resque:failed')).toBe(0);
    expect(await one.client.zcard('resque:leases')).toBe(0);
  }
});
