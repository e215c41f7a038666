import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { lambdesqueHere, programHere } from '../../helpers/cli-here.ts';
import { eventually } from '../../helpers/eventually.ts';
import { failedTexts, push, queued } from '../../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';

/** The command line over several databases. */

const NAMES = ['a', 'b'] as const;
let servers: TestRedis[];
let flags: string[];
beforeAll(async () => {
  servers = await Promise.all(NAMES.map(() => startRedis({ appendonly: true })));
  flags = NAMES.flatMap((name, i) => ['--redis', `${name}=${servers[i]?.url}`]);
});
afterEach(() => Promise.all(servers.map((one) => one.client.flushall())));
afterAll(() => Promise.all(servers.map((one) => one.stop())));

const JOBS = 'test/helpers/smoke-jobs.ts';
const job = (name: string) => `{"class":"${name}","args":[]}`;
const work = (...more: readonly string[]) => {
  const args = ['infra/local/cli.ts', 'work', '--queues', 'q', '--jobs', JOBS, ...flags, ...more];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
};

test('work drains each, with what is the scheduler’s, tells Prometheus of both, and goes on where one is killed', async () => {
  const [a, b] = servers as [TestRedis, TestRedis];
  for (const one of servers) {
    await push(one.client, 'q', job('Unknown'));
    await one.client.zadd('resque:delayed_queue_schedule', 1_000, '1000');
    await one.client.rpush('resque:delayed:1000', '{"class":"Unknown","args":["late"],"queue":"q"}');
  }
  const child = work('--scheduler', '--metrics', '127.0.0.1:0', '--lease', '1', '--interval', '100ms');
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const exited = once(child, 'exit');
  try {
    for (const one of servers) await eventually(async () => expect(await failedTexts(one.client)).toHaveLength(2));
    expect(log).toMatch(/"?shards"?/);
    const [, port] = /metrics[^\d]+(\d+)/.exec(log) ?? [];
    const scrape = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const told = await scrape();
    for (const name of NAMES) expect(told).toContain(`lambdesque_redis_up{shard="${name}"} 1`);
    expect(told.match(/# TYPE lambdesque_redis_up /g)).toHaveLength(1);
    expect(told).toMatch(/lambdesque_failed_list\S*\{shard="b"\} 2|shard="b"[^\n]* 2\n/);

    await b.kill();
    await push(a.client, 'q', job('Unknown'));
    await eventually(async () => expect(await failedTexts(a.client)).toHaveLength(3));
    expect(await scrape()).toContain('lambdesque_redis_up{shard="b"} 0');
    await b.start();
    await push(b.client, 'q', job('Unknown'));
    await eventually(async () => expect(await failedTexts(b.client)).toHaveLength(3));
  } finally {
    child.kill('SIGTERM');
  }
  expect(await exited).toEqual([0, null]);
  for (const one of servers) expect(await one.client.zcard('resque:leases')).toBe(0);
});

test('work ends when all are empty', async () => {
  for (const one of servers) await push(one.client, 'q', job('Unknown'));
  const child = work('--exit-on-complete');
  child.stdout.resume();
  expect(await once(child, 'exit')).toEqual([0, null]);
  for (const one of servers) expect(await queued(one.client, 'q')).toEqual([]);
});

test('the inspector shows and changes each, and says which could not be asked', async () => {
  const [a, b] = servers as [TestRedis, TestRedis];
  await push(a.client, 'mail', job('Hello'));
  await push(b.client, 'mail', job('Hello'), job('Hello'));
  const run = (...args: readonly string[]) => lambdesqueHere([...args, ...flags], {});
  const shown = await run('queues');
  expect(shown.code).toBe(0);
  expect(shown.stdout).toMatch(/^a: [^\n]+\nqueue[^\n]+\nmail +1 .*\nb: [^\n]+\nqueue[^\n]+\nmail +2 /s);
  const objects = (await run('queues', '--json')).stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(objects).toMatchObject([
    { shard: 'a', name: 'mail', size: 1 },
    { shard: 'b', name: 'mail', size: 2 },
  ]);
  await run('queues', 'pause', 'mail');
  for (const one of servers) expect(await one.client.smembers('resque:queues:paused')).toEqual(['mail']);
  await a.kill();
  try {
    const half = await run('queues', '--json');
    expect(half.code).toBe(1);
    expect(half.stderr).toMatch(/^a: .*\n.*error: /s);
    expect(half.stdout).toContain('"shard":"b"');
  } finally {
    await a.start();
  }
});

test.each([
  [['--redis', 'redis://one'], /such as a=redis:\/\/one:6379/],
  [['--redis', 'a=redis://one', '--redis', 'a=redis://two'], /The shard a is given twice/],
  [['--redis', 'a=redis://one', '--redis', 'b=redis://one'], /the shards a and b are the same/],
  [['--redis', 'a=redis://one', '--uri', 'redis://two'], /--redis and --uri both say which Redis/],
  [['--redis', 'a=redis://one', '--redis', 'b=redis://two', '--concurrency', '1'], /--concurrency must be 2 or more/],
])('%j is refused', async (args, message) => {
  const { code, stderr } = await programHere(['work', '--queues', 'q', '--jobs', JOBS, ...args]);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});
