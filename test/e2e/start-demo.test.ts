import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { push } from '../helpers/queue-state.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE });

function refuses(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

test('npm run demo shows the life of each job on a Redis of its own, and ends with 0', async () => {
  const demo = lambdesque([], { command: ['npm', 'run', '--silent', 'demo'] });
  const { code, stdout, stderr } = await demo.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^Redis: own server on 127\.0\.0\.1:\d+/);
  for (const said of ['Ruby', 'PHP', 'redis-cli', 'retried', 'attempt 2', 'delayed', 'Nobody', 'failed']) {
    expect(stdout).toContain(said);
  }
  const table = stdout.slice(stdout.indexOf('what happened')).split('\n').slice(1);
  const rows = table.slice(0, table.indexOf(''));
  expect(rows).toHaveLength(10);
  for (const row of rows) expect(row).toMatch(/as it should$/);
  expect(await refuses(Number(/127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]))).toBe(true);
});

test('start runs what redis-cli pushes and what comes due, and stops its Redis on SIGINT', async () => {
  const start = lambdesque(['start']);
  const port = await eventually(() => {
    const found = /redis-cli -p (\d+) RPUSH resque:queue:myqueue/.exec(start.stdout)?.[1];
    if (found === undefined) throw new Error(`Not started yet: ${start.stdout}${start.stderr}`);
    return Number(found);
  });
  const redis = new Redis(port, '127.0.0.1', { protocol: 2 });
  redis.on('error', () => {});
  try {
    // As the line that it prints: nobody adds the queue to the set.
    await push(redis, 'myqueue', '{"class":"Hello","args":["hi","there11"]}');
    await start.line((line) => line.msg === 'hi, there11!');
    const hint = /npm run lambdesque -- (enqueue Hello hi there --in .*)/.exec(start.stdout)?.[1] ?? '';
    const { code } = await lambdesque(hint.replace('--in 5s', '--in 1s').split(' ')).ended;
    expect(code).toBe(0);
    await start.line((line) => line.msg === 'hi, there!');
  } finally {
    redis.disconnect();
  }
  start.signal('SIGINT');
  expect(await start.ended).toMatchObject({ code: 0, stderr: '' });
  expect(await refuses(port)).toBe(true);
});

test('start uses the Redis that REDIS_URL names, does not show its password, and leaves it running', async () => {
  const redis = await startRedis({ password: 'hunter2' });
  try {
    const start = lambdesque(['start'], { env: { REDIS_URL: redis.url } });
    await push(redis.client, 'myqueue', '{"class":"Hello","args":["hi","you"]}');
    await start.line((line) => line.msg === 'hi, you!');
    start.signal('SIGTERM');
    const { code, stdout, stderr } = await start.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain('hunter2');
    expect(stdout).toContain(`Redis at 127.0.0.1:${redis.port}, from REDIS_URL`);
    expect(await redis.client.ping()).toBe('PONG');
  } finally {
    await redis.stop();
  }
});
