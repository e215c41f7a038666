import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { programHere } from '../helpers/cli-here.ts';
import { PATIENCE } from '../helpers/eventually.ts';
import { queued } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { serverTime } from '../helpers/server-time.ts';
import { startUpstash } from '../helpers/upstash-server.ts';
import { JOBS, jsonLines, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => redis.stop());

const enqueue = (...args: readonly string[]) => programHere(['enqueue', '--uri', redis.url, '--jobs', JOBS, ...args]);
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const TAIL = String.raw`,"id":"${UUID.source}","queue_time":\d+(\.\d+)?\}$`;

/** Exactly this text, then the metadata. */
const exactly = (start: string) =>
  expect.stringMatching(new RegExp(`^${start.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}${TAIL}`));

describe('enqueue', () => {
  test('pushes the bytes that Ruby Resque writes, with an id and the time, and says what it did', async () => {
    const before = await serverTime(redis.client);
    const args = ['enqueue', '--uri', redis.url, '--jobs', JOBS, 'Hello', 'hi', 'Zoë/1', '--queue', 'my:queue'];
    // The others run in this process, which tells the same.
    const { code, stdout, stderr } = await lambdesque(args).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('has no class Hello') });
    const [payload = '', ...others] = await queued(redis.client, 'my:queue');
    expect(others).toEqual([]);
    expect(payload).toEqual(exactly('{"class":"Hello","args":["hi","Zoë/1"]'));
    const { id, queue_time } = JSON.parse(payload) as { id: string; queue_time: number };
    expect(queue_time * 1000).toBeGreaterThanOrEqual(before);
    expect(queue_time * 1000).toBeLessThanOrEqual((await serverTime(redis.client)) + 1);
    expect(stdout).toBe(`Enqueued Hello in my:queue, id ${id}\n`);
    expect(await redis.client.smembers('resque:queues')).toEqual(['my:queue']);
  });

  test('takes the queue from the definition, and no arguments for none', async () => {
    expect(await enqueue('Note')).toMatchObject({ code: 0 });
    expect(await queued(redis.client, 'notes')).toEqual([exactly('{"class":"Note","args":[]')]);
  });

  test('takes arguments that look like flags after --', async () => {
    expect(await enqueue('Note', '--queue', 'a', '--', '-x', '--queues', '-5')).toMatchObject({ code: 0 });
    expect(await queued(redis.client, 'a')).toEqual([exactly('{"class":"Note","args":["-x","--queues","-5"]')]);
  });

  test('--json takes each argument as JSON, and keeps long integers', async () => {
    const args = ['42', '"42"', 'null', '{"b":[1],"a":{"__proto__":1}}', '12345678901234567890', '[-9007199254740993]'];
    expect(await enqueue('Note', ...args, '--json', '--queue', 'a')).toMatchObject({ code: 0 });
    expect(await queued(redis.client, 'a')).toEqual([exactly(`{"class":"Note","args":[${args.join(',')}]`)]);
  });

  test('checks the arguments of a class that has a schema, and pushes nothing that it refuses', async () => {
    const { code, stdout, stderr } = await enqueue('Strict', 'a', '--queue', 'a');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('The arguments do not fit the schema of Strict');
    expect(await redis.client.keys('*')).toEqual([]);
  });

  test('a class that the jobs module does not have is a mistake; with its queue it is a warning', async () => {
    const slip = await enqueue('Nots', 'hi');
    expect(slip).toMatchObject({ code: 2, stdout: '' });
    expect(slip.stderr).toMatch(/has no class Nots\. Did you mean Note\? It has Note, .*--queue/);
    expect(await redis.client.keys('*')).toEqual([]);

    const meant = await enqueue('Nots', 'hi', '--queue', 'q');
    expect(meant).toMatchObject({ code: 0, stdout: expect.stringContaining('Enqueued Nots in q') });
    expect(meant.stderr).toMatch(/^warning: .*has no class Nots\. Did you mean Note\?/);
    expect(await redis.client.llen('resque:queue:q')).toBe(1);

    const far = await enqueue('Nobody', '--queue', 'q');
    expect(far.stderr).not.toContain('Did you mean');
    expect(await enqueue('Note', '--queue', 'q')).toMatchObject({ code: 0, stderr: '' });
  });

  test('arguments that a schema refuses as strings are followed by how to give others', async () => {
    const { code, stderr } = await enqueue('Strict', 'a', '7', '--queue', 'a');
    expect(code).toBe(2);
    expect(stderr).toMatch(/schema of Strict.*\n.*--json/);
    expect((await enqueue('Strict', '7', '8', '--json', '--queue', 'a')).stderr).not.toContain('--json');
  });

  test('arguments that look like JSON go as text, and a hint says how they go as JSON', async () => {
    const { code, stdout, stderr } = await enqueue('Note', 'it is', '7', '{"a":"it\'s"}', '--queue', 'a');
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('Enqueued Note in a') });
    expect(await queued(redis.client, 'a')).toEqual([
      exactly(String.raw`{"class":"Note","args":["it is","7","{\"a\":\"it's\"}"]`),
    ]);
    expect(stderr).toBe(
      'hint: 7 and 1 more went as text, since --json was not given. As JSON it is:\n' +
        String.raw`  lambdesque enqueue Note --json '"it is"' 7 '{"a":"it'\''s"}'` +
        '\n',
    );
  });

  test.each(['hi', '', '007', '+7', '7up', '{', 'truely', '2026-12-01', '-', '-x'])(
    '%j looks like text',
    async (text) => {
      expect(await enqueue('Note', '--queue', 'a', '--', text)).toMatchObject({ code: 0, stderr: '' });
    },
  );

  test.each(['true', 'null', '-1.5e3', '[]', '"hi"'])('%j looks like JSON', async (text) => {
    const { stderr } = await enqueue('Note', '--queue', 'a', '--', text);
    expect(stderr).toMatch(/^hint: .* went as text/);
    expect((await enqueue('Note', '--json', '--queue', 'a', '--', text)).stderr).toBe('');
  });

  test('a schema that takes text needs no hint', async () => {
    expect(await enqueue('Text', '7')).toMatchObject({ code: 0, stderr: '' });
  });

  test('--namespace means the same with and without its colon', async () => {
    for (const namespace of ['app', 'app:']) {
      expect(await enqueue('Note', '--namespace', namespace)).toMatchObject({ code: 0, stderr: '' });
    }
    expect((await redis.client.keys('*')).sort()).toEqual(['app:queue:notes', 'app:queues']);
    expect(await redis.client.llen('app:queue:notes')).toBe(2);
  });

  test('--at writes what resque-scheduler writes: the list, the schedule and the index', async () => {
    const { code, stdout } = await enqueue(
      'Hello',
      'hi',
      'there',
      '--queue',
      'q',
      '--at',
      '2096-12-01T10:00:00.900+01:00',
    );
    expect(code).toBe(0);
    const ts = Date.UTC(2096, 11, 1, 9) / 1000;
    const [payload = ''] = await redis.client.lrange(`resque:delayed:${ts}`, 0, -1);
    expect(payload).toEqual(exactly('{"class":"Hello","args":["hi","there"],"queue":"q"'));
    expect((await redis.client.keys('*')).sort()).toEqual(
      [`resque:delayed:${ts}`, 'resque:delayed_queue_schedule', `resque:timestamps:${payload}`].sort(),
    );
    expect(await redis.client.zscore('resque:delayed_queue_schedule', String(ts))).toBe(String(ts));
    expect(await redis.client.smembers(`resque:timestamps:${payload}`)).toEqual([`delayed:${ts}`]);
    expect(stdout).toMatch(/^Enqueued Hello in q, due 2096-12-01T09:00:00\.900Z, id /);
  });

  test('--in is from now, --at in the past is at once', async () => {
    const before = await serverTime(redis.client);
    expect(await enqueue('Note', 'later', '--queue', 'q', '--in', '2h')).toMatchObject({ code: 0 });
    const [ts = ''] = await redis.client.zrange('resque:delayed_queue_schedule', '0', '-1');
    expect(Number(ts)).toBeGreaterThanOrEqual(Math.floor(before / 1000) + 7200);
    expect(Number(ts)).toBeLessThanOrEqual((await serverTime(redis.client)) / 1000 + 7200);
    expect(await enqueue('Note', 'now', '--queue', 'q', '--at', '2001-01-01T00:00:00Z')).toMatchObject({ code: 0 });
    expect(await queued(redis.client, 'q')).toEqual([exactly('{"class":"Note","args":["now"]')]);
  });
});

describe('the Redis', () => {
  const env = { ELSEWHERE: '', REDIS_URL: 'redis://127.0.0.1:1' };
  const tick = (vars: Readonly<Record<string, string>>, ...flags: readonly string[]) =>
    lambdesque(['tick', '--jobs', JOBS, ...flags], { env: vars }).ended;

  test('is that of --uri, else of the variable that REDIS_PROVIDER names, else of REDIS_URL', async () => {
    expect(await tick({ REDIS_URL: redis.url })).toMatchObject({ code: 0, stderr: '' });
    expect(await tick({ ...env, REDIS_PROVIDER: 'ELSEWHERE', ELSEWHERE: redis.url })).toMatchObject({ code: 0 });
    expect(await tick({ ...env, REDIS_PROVIDER: 'ELSEWHERE' }, '--uri', redis.url)).toMatchObject({ code: 0 });
  });

  test('is not guessed where REDIS_PROVIDER names an empty variable', async () => {
    const { code, stderr } = await tick({ ...env, REDIS_URL: redis.url, REDIS_PROVIDER: 'ELSEWHERE' });
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/REDIS_PROVIDER is ELSEWHERE, but ELSEWHERE is empty/);
  });

  test('is Upstash’s where the flags or the variables say so', async () => {
    const upstash = await startUpstash(redis.url);
    try {
      const flags = ['--upstash-url', upstash.url, '--upstash-token', upstash.token];
      expect(await tick({ REDIS_URL: 'redis://127.0.0.1:1' }, ...flags)).toMatchObject({ code: 0, stderr: '' });
      const requests = upstash.requests.length;
      expect(requests).toBeGreaterThan(0);
      const vars = { UPSTASH_REDIS_REST_URL: upstash.url, UPSTASH_REDIS_REST_TOKEN: upstash.token };
      expect(await tick(vars)).toMatchObject({ code: 0, stderr: '' });
      expect(upstash.requests.length).toBeGreaterThan(requests);
    } finally {
      await upstash.stop();
    }
  });

  test('tick promotes what is due and reclaims, once, and says how much', async () => {
    await redis.client.rpush('resque:delayed:1700000000', '{"class":"Note","args":[1],"queue":"q"}');
    await redis.client.zadd('resque:delayed_queue_schedule', 1700000000, 1700000000);
    await redis.client.hset('resque:inflight:lambdesque-h-abc:1:q', '0:q', '{"class":"Note","args":[2]}', 'call', '1');
    await redis.client.zadd('resque:leases', 1, 'lambdesque-h-abc:1:q');
    await redis.client.hset('resque:retry:payloads', 'r-1:q', '{"class":"Note","args":[3]}');
    await redis.client.zadd('resque:retry', 1, 'r-1:q');
    const { code, stdout } = await tick({ REDIS_URL: redis.url });
    expect(code).toBe(0);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ msg: 'tick', promoted: 1, retried: 1, reclaimed: 1, failed: 0 });
    const args = (await queued(redis.client, 'q')).map((text) => (JSON.parse(text) as { args: number[] }).args[0]);
    expect(args.sort()).toEqual([1, 2, 3]);
    expect(jsonLines((await tick({ REDIS_URL: redis.url })).stdout).at(-1)).toMatchObject({
      promoted: 0,
      reclaimed: 0,
    });
  });
});
