import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { push } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { startUpstash, type UpstashServer } from '../helpers/upstash-server.ts';
import { type Ended, JOBS, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

const SECRET = 'hunter2s3cret';

let redis: TestRedis;
let upstash: UpstashServer;
beforeAll(async () => {
  redis = await startRedis({ password: SECRET });
  upstash = await startUpstash(redis.url, { token: SECRET });
});
afterEach(() => redis.client.flushall());
afterAll(async () => {
  await upstash.stop();
  await redis.stop();
});

type Run = readonly [args: readonly string[], env?: Readonly<Record<string, string>>];
const run = ([args, env = {}]: Run): Promise<Ended> => lambdesque([...args, '--jobs', JOBS], { env }).ended;
const url = (login: string, port: number | string = redis.port) => `redis://${login}@127.0.0.1:${port}`;

describe('the password does not show', () => {
  test.each<[string, () => Run]>([
    ['in what work says', () => [['work', '--queues', '*', '--exit-on-complete', '--uri', redis.url]]],
    ['in what enqueue says', () => [['enqueue', 'Note', 'one', '--uri', redis.url]]],
    ['in what tick says, with REDIS_URL', () => [['tick'], { REDIS_URL: redis.url }]],
    ['in what tick says, with REDIS_PROVIDER', () => [['tick'], { REDIS_PROVIDER: 'MINE', MINE: redis.url }]],
    ['with Upstash', () => [['tick', '--upstash-url', upstash.url, '--upstash-token', SECRET]]],
  ])('%s when all is well', async (_name, args) => {
    await push(redis.client, 'notes', '{"class":"Note","args":[1]}', 'not JSON');
    const { code, stdout, stderr } = await run(args());
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toContain(SECRET);
  });

  test.each<[string, number, () => Run, RegExp]>([
    ['wrong', 1, () => [['tick', '--uri', url(`:${SECRET}x`)]], /127\.0\.0\.1:\d+ refuses the credentials/],
    ['of an unknown user', 1, () => [['tick', '--uri', url(`nobody:${SECRET}`)]], /refuses the credentials/],
    [
      'missing',
      1,
      () => [['work', '--queues', 'a', '--uri', `redis://127.0.0.1:${redis.port}`]],
      /refuses the credentials/,
    ],
    [
      'for a Redis that is away',
      1,
      () => [['work', '--queues', 'a', '--uri', url(`u:${SECRET}`, 1)]],
      /127\.0\.0\.1:1 cannot be reached.*Check/,
    ],
    [
      'for a host that is unknown',
      1,
      () => [['tick', '--uri', `redis://:${SECRET}@no.such.invalid:7000`]],
      /no\.such\.invalid:7000 cannot be reached/,
    ],
    ['in a URL with a bad port', 2, () => [['tick', '--uri', url(`:${SECRET}`, 'x')]], /must look like redis:/],
    [
      'in a URL of another kind',
      2,
      () => [['tick', '--uri', `http://u:${SECRET}@127.0.0.1`]],
      /is a URL of Upstash's REST API/,
    ],
    [
      'in a URL without a kind',
      2,
      () => [['tick', '--uri', `u:${SECRET}@127.0.0.1:${redis.port}`]],
      /must look like redis:/,
    ],
    ['in a URL without //', 2, () => [['tick', '--uri', `redis:u:${SECRET}@127.0.0.1:1`]], /must look like redis:/],
    [
      'with @ and / in it',
      2,
      () => [['tick', '--uri', `http://u:p@${SECRET}/x@127.0.0.1`]],
      /is a URL of Upstash's REST API/,
    ],
    [
      'in REDIS_PROVIDER, which wants a name',
      2,
      () => [['tick'], { REDIS_PROVIDER: redis.url }],
      /not the name of an environment variable/,
    ],
    [
      'of an Upstash that refuses it',
      1,
      () => [['tick', '--upstash-url', upstash.url, '--upstash-token', `${SECRET}x`]],
      /127\.0\.0\.1:\d+ refuses the credentials.*token/,
    ],
    [
      'of an Upstash that is away',
      1,
      () => [['tick', '--upstash-url', 'http://127.0.0.1:1', '--upstash-token', SECRET]],
      /127\.0\.0\.1:1 cannot be reached/,
    ],
    [
      'of a Redis URL given as Upstash’s',
      2,
      () => [['tick', '--upstash-url', `rediss://default:${SECRET}@x.upstash.io`, '--upstash-token', 't']],
      /must look like https:/,
    ],
    [
      'in Upstash’s URL',
      2,
      () => [['tick', '--upstash-url', `http://u:${SECRET}@127.0.0.1:1`, '--upstash-token', 't']],
      /Upstash URL/,
    ],
    [
      'in a token with white space',
      2,
      () => [['tick', '--upstash-url', upstash.url, '--upstash-token', `${SECRET} x`]],
      /token/,
    ],
  ])('%s: exit code %i', async (_name, exit, args, says) => {
    const { code, stdout, stderr } = await run(args());
    expect(stdout + stderr).not.toContain(SECRET);
    expect(stderr).toMatch(says);
    expect(stderr, 'no stack').not.toMatch(/^\s+at .*:\d+:\d+/m);
    expect(code).toBe(exit);
  });
});

describe('a Redis that refuses', () => {
  test('because it is a replica: the host, the reason, the remedy, and no job lost', async () => {
    await push(redis.client, 'notes', '{"class":"Note","args":[1]}');
    await redis.client.call('REPLICAOF', '127.0.0.1', '1');
    const args = ['work', '--queues', 'notes', '--exit-on-complete', '--uri', redis.url];
    const refused = await run([args]);
    await redis.client.call('REPLICAOF', 'NO', 'ONE');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(new RegExp(`127\\.0\\.0\\.1:${redis.port} answered "READONLY.*primary`));
    expect(await run([args])).toMatchObject({ code: 0, stdout: expect.stringContaining('"outcome":"succeeded"') });
  });

  test('because it is out of memory: new jobs are refused with the remedy, but those that wait can be worked off', async () => {
    await push(redis.client, 'notes', '{"class":"Note","args":[1]}', 'not JSON', '{"class":"Throws","args":[2]}');
    await redis.client.config('SET', 'maxmemory', '1mb');
    try {
      const refused = await run([['enqueue', 'Note', 'one', '--uri', redis.url]]);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toMatch(/answered "OOM.*maxmemory/);
      const args = ['work', '--queues', 'notes', '--exit-on-complete', '--uri', redis.url];
      expect(await run([args])).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await redis.client.config('SET', 'maxmemory', '0');
    }
    expect(await redis.client.llen('resque:queue:notes')).toBe(0);
    expect(await redis.client.llen('resque:failed')).toBe(1);
    expect(await redis.client.zcard('resque:retry')).toBe(1);
    expect(await redis.client.get('resque:stat:processed')).toBe('3');
  });

  test('because a password was set while a worker runs: it goes on when it is let in again', async () => {
    const open = await startRedis();
    try {
      const worker = lambdesque(['work', '--queues', 'notes', '--interval', '50ms', '--jobs', JOBS, '--uri', open.url]);
      await eventually(async () => expect(await open.client.scard('resque:workers')).toBe(1));
      await open.client.config('SET', 'requirepass', SECRET);
      await open.client.call('AUTH', SECRET);
      await open.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      const line = await worker.line((one) => one.level === 'error');
      expect(line.error).toMatch(/refuses the credentials/);
      await open.client.config('SET', 'requirepass', '');
      await push(open.client, 'notes', '{"class":"Note","args":[1]}');
      await worker.line((one) => one.outcome === 'succeeded');
      worker.signal('SIGTERM');
      expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await open.stop();
    }
  });
});
