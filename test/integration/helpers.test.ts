import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { Redis as UpstashRedis } from '@upstash/redis';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startRedis, type TestRedis, type TestRedisOptions } from '../helpers/redis-server.ts';
import { startUpstash, type UpstashServer } from '../helpers/upstash-server.ts';

describe('startRedis', () => {
  it('gives each caller an empty server of its own', async () => {
    const [one, other] = await Promise.all([redisForThisTest(), redisForThisTest()]);

    await one.client.set('key', 'value');

    expect(await other.client.dbsize()).toBe(0);
    expect(new Set([one.port, other.port, 6379]).size).toBe(3);
    expect(one.url).toBe(`redis://127.0.0.1:${one.port}`);
  });

  it('leaves no server, no open client and no folder behind', async () => {
    const redis = await startRedis();
    const dir = await dirOf(redis);

    await redis.stop();
    await redis.stop();

    expect(await isListening(redis.port)).toBe(false);
    expect(redis.client.status).toBe('end');
    expect(existsSync(dir)).toBe(false);
  });

  it('asks for the password, if it has one', async () => {
    const redis = await redisForThisTest({ password: 'p@ss/word' });

    const refused = redis.client.duplicate({ password: 'wrong' }).on('error', () => {});
    onTestFinished(() => refused.disconnect());
    await expect(refused.ping()).rejects.toThrow();
    expect(redis.url).toBe(`redis://:p%40ss%2Fword@127.0.0.1:${redis.port}`);
    expect(await redis.client.ping()).toBe('PONG');
  });

  it('passes further arguments on', async () => {
    const redis = await redisForThisTest({ args: ['--maxmemory', '50mb'] });

    expect(await redis.client.config('GET', 'maxmemory')).toEqual(['maxmemory', `${50 * 1024 * 1024}`]);
  });

  it('keeps the data over kill and start, with appendonly', async () => {
    const redis = await redisForThisTest({ appendonly: true });
    const { port } = redis;
    await redis.client.rpush('list', 'a', 'b');

    await redis.kill();
    await expect(redis.client.ping()).rejects.toThrow();
    await redis.start();

    expect(redis.port).toBe(port);
    expect(await redis.client.lrange('list', 0, -1)).toEqual(['a', 'b']);
  });

  it('loses the data over kill and start, without appendonly', async () => {
    const redis = await redisForThisTest();
    await redis.client.set('key', 'value');

    await redis.kill();
    await redis.start();

    expect(await redis.client.dbsize()).toBe(0);
  });

  it('says what the server says when it cannot start', async () => {
    await expect(startRedis({ args: ['--no-such-option', 'x'] })).rejects.toThrow(/no-such-option/);
  });

  it('says what to install when there is no server', async () => {
    vi.stubEnv('PATH', '/nowhere');
    onTestFinished(() => void vi.unstubAllEnvs());

    await expect(startRedis()).rejects.toThrow(
      /redis-server, valkey-server is on the PATH.*install Debian's redis-server/,
    );
  });

  it.each([
    ['exits', 'process.exit(0)'],
    ['throws', "throw new Error('on purpose')"],
    ['is terminated', "process.kill(process.pid, 'SIGTERM')"],
  ])('ends the server when the process that started it %s', async (_, end) => {
    const helper = new URL('../helpers/redis-server.ts', import.meta.url).href;
    const script = `const { startRedis } = await import(${JSON.stringify(helper)});
      const { port, client } = await startRedis();
      console.log(port, (await client.config('GET', 'dir'))[1]);
      process.stdin.once('data', () => { ${end} });`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const [port, dir] = (await firstLine(child)).split(' ') as [string, string];
    expect(await isListening(port)).toBe(true);
    expect(existsSync(dir)).toBe(true);

    child.stdin.write('go\n');
    await once(child, 'exit');

    await expect.poll(() => isListening(port)).toBe(false);
    expect(existsSync(dir)).toBe(false);
  });
});

describe('startUpstash', () => {
  let redis: TestRedis;
  let server: UpstashServer;
  let upstash: UpstashRedis;

  beforeAll(async () => {
    redis = await startRedis();
    server = await startUpstash(redis.url);
    upstash = new UpstashRedis({
      url: server.url,
      token: server.token,
      automaticDeserialization: false,
      enableTelemetry: false,
      enableAutoPipelining: false,
      retry: { retries: 0 },
    });
  });

  afterEach(async () => {
    server.fault(undefined);
    server.requests.length = 0;
    await redis.client.flushall();
    await redis.client.script('FLUSH');
  });

  afterAll(async () => {
    await server.stop();
    await redis.stop();
  });

  async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(server.url + path, {
      method: 'POST',
      headers: { Authorization: `Bearer ${server.token}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as unknown };
  }

  describe('answers', () => {
    it('gives the client what Redis holds', async () => {
      expect(await upstash.set('key', 'héllo')).toBe('OK');
      expect(await upstash.get('key')).toBe('héllo');
      expect(await upstash.rpush('list', '9007199254740993', '1.0')).toBe(2);
      expect(await upstash.lrange('list', 0, -1)).toEqual(['9007199254740993', '1.0']);
      expect(await upstash.get('missing')).toBeNull();
      expect(await upstash.hset('hash', { field: 'OK' })).toBe(1);
      expect(await upstash.hgetall('hash')).toEqual(['field', 'OK']);
    });

    it('encodes every string in base64, but not OK, integers and null', async () => {
      const base64 = { 'Upstash-Encoding': 'base64' };
      const nested = "return {'a', 1, false, {'OK', {'b'}}}";

      expect(await post('/', ['SET', 'key', 'value'], base64)).toEqual({ status: 200, body: { result: 'OK' } });
      expect(await post('/', ['GET', 'key'], base64)).toEqual({ status: 200, body: { result: 'dmFsdWU=' } });
      expect(await post('/', ['PING'], base64)).toEqual({ status: 200, body: { result: 'UE9ORw==' } });
      expect(await post('/', ['EVAL', nested, 0], base64)).toEqual({
        status: 200,
        body: { result: ['YQ==', 1, null, ['T0s=', ['Yg==']]] },
      });
      expect(await upstash.eval(nested, [], [])).toEqual(['a', 1, null, ['OK', ['b']]]);
    });

    it('keeps bytes that are not UTF-8 intact in base64 only', async () => {
      const bytes = Buffer.from([0xef, 0xbb, 0xbf, 0x00, 0xff, 0xfe, 0x80, 0x22, 0x0a]);
      await redis.client.set('key', bytes);

      const { body } = await post('/', ['GET', 'key'], { 'Upstash-Encoding': 'base64' });
      expect(Buffer.from((body as { result: string }).result, 'base64')).toEqual(bytes);
      expect((await post('/', ['GET', 'key'])).body).toEqual({ result: bytes.toString() });
    });

    it('takes numbers and booleans as text', async () => {
      await post('/', ['RPUSH', 'list', 1, 1.5, true, '']);
      expect(await redis.client.lrange('list', 0, -1)).toEqual(['1', '1.5', 'true', '']);
    });

    it('carries a request of many megabytes', async () => {
      const values = Array.from({ length: 20_000 }, (_, i) => `${i}`.padStart(400, 'x'));
      expect(await upstash.rpush('list', ...values)).toBe(values.length);
      expect(await upstash.lrange('list', 0, -1)).toEqual(values);
    });
  });

  describe('errors', () => {
    it('answers 400 with the words of Redis', async () => {
      const error = "ERR wrong number of arguments for 'get' command";
      expect(await post('/', ['GET'])).toEqual({ status: 400, body: { error } });
      await expect(upstash.exec(['GET'])).rejects.toThrow(error);
    });

    it('answers 401 to a wrong token', async () => {
      const error = 'WRONGPASS invalid or missing auth token';
      expect(await post('/', ['PING'], { Authorization: 'Bearer wrong' })).toEqual({ status: 401, body: { error } });
    });

    it.each([
      ['/', '{"not":"an array"}'],
      ['/', '[]'],
      ['/', '["SET","key",null]'],
      ['/', '["SET","key",{}]'],
      ['/pipeline', '[["PING"'],
      ['/set/key/value', '[]'],
    ])('answers 400 to POST %s %s', async (path, body) => {
      expect(await post(path, body)).toMatchObject({ status: 400, body: { error: expect.stringMatching(/^ERR /) } });
    });

    it.each([['BLPOP list 0'], ['XREAD BLOCK 0 STREAMS s 0'], ['SUBSCRIBE channel'], ['MULTI'], ['SELECT 1']])(
      'refuses %s',
      async (command) => {
        const error = expect.stringContaining('ERR Command is not available') as string;
        expect(await post('/', command.split(' '))).toEqual({ status: 400, body: { error } });
      },
    );
  });

  describe('pipelines and transactions', () => {
    it('answers each command of a pipeline, failed ones too', async () => {
      const commands = [['SET', 'key', 'value'], ['INCR', 'key'], ['BLPOP', 'list', 0], [], ['GET', 'key']];
      expect(await post('/pipeline', commands)).toEqual({
        status: 200,
        body: [
          { result: 'OK' },
          { error: 'ERR value is not an integer or out of range' },
          { error: expect.stringContaining('not available') },
          { error: 'ERR empty command' },
          { result: 'value' },
        ],
      });
      expect(await upstash.pipeline().get('key').llen('key').exec({ keepErrors: true })).toMatchObject([
        { result: 'value' },
        { error: expect.stringContaining('WRONGTYPE') },
      ]);
    });

    it('executes a transaction, errors at run time included', async () => {
      const commands = [
        ['SET', 'key', 'value'],
        ['INCR', 'key'],
        ['MGET', 'key', 'missing'],
      ];
      expect(await post('/multi-exec', commands)).toEqual({
        status: 200,
        body: [{ result: 'OK' }, { error: 'ERR value is not an integer or out of range' }, { result: ['value', null] }],
      });
      expect(await upstash.multi().set('key', 'other').get('key').exec()).toEqual(['OK', 'other']);
    });

    it.each([[['NO-SUCH-COMMAND']], [['GET']], [['BLPOP', 'list', 0]]])(
      'executes nothing of a transaction with %j in it',
      async (command) => {
        const answer = await post('/multi-exec', [['SET', 'key', 'value'], command]);
        expect(answer).toEqual({ status: 400, body: { error: expect.any(String) } });
        expect(await redis.client.dbsize()).toBe(0);
      },
    );

    it('keeps transactions apart from each other and from other requests', async () => {
      const increments = Array.from({ length: 20 }, () => ['INCR', 'counter']);
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, i) => post(i % 2 ? '/multi-exec' : '/pipeline', increments)),
      );
      for (const { body } of all.filter((_, i) => i % 2)) {
        const results = (body as Array<{ result: number }>).map(({ result }) => result);
        expect(results).toEqual(results.map((_, i) => (results[0] as number) + i));
      }
      expect(await redis.client.get('counter')).toBe('400');
    });

    it('counts what came in', async () => {
      await upstash.get('key');
      await upstash.pipeline().get('a').get('b').get('c').exec();
      await upstash.multi().get('a').get('b').exec();
      await post('/', 'no JSON');
      expect(server.requests).toEqual([
        { path: '/', commands: 1 },
        { path: '/pipeline', commands: 3 },
        { path: '/multi-exec', commands: 2 },
        { path: '/', commands: 0 },
      ]);
    });
  });

  describe('scripts', () => {
    const body = "\nreturn redis.call('INCRBY', KEYS[1], ARGV[1])";
    const script = `#!lua flags=allow-key-locking${body}`;
    const sha = sha1(script);
    const noScript = 'NOSCRIPT No matching script. Please use EVAL.';

    it('knows a script by the sha of its text with the shebang, after EVAL', async () => {
      await expect(upstash.evalsha(sha, ['key'], ['2'])).rejects.toThrow(noScript);
      expect(await upstash.eval(script, ['key'], ['2'])).toBe(2);
      expect(await upstash.evalsha(sha, ['key'], ['2'])).toBe(4);
      expect(await upstash.evalsha(sha.toUpperCase(), ['key'], ['2'])).toBe(6);
      await expect(upstash.evalsha(sha1(body), ['key'], ['2'])).rejects.toThrow(noScript);
    });

    it('knows it after SCRIPT LOAD, in the same request too', async () => {
      expect(await upstash.scriptLoad(script)).toBe(sha);
      expect(await upstash.scriptExists(sha, sha1(body), sha1('return 1'))).toEqual([1, 0, 0]);
      const commands = [
        ['SCRIPT', 'LOAD', script],
        ['EVALSHA', sha, 1, 'key', 3],
      ];
      for (const path of ['/pipeline', '/multi-exec']) {
        await redis.client.flushall();
        expect((await post(path, commands)).body).toEqual([{ result: sha }, { result: 3 }]);
      }
    });

    it('knows a script without a shebang by its sha', async () => {
      expect(await upstash.eval('return 7', [], [])).toBe(7);
      expect(await upstash.evalsha(sha1('return 7'), [], [])).toBe(7);
    });

    it('runs read-only scripts', async () => {
      const readOnly = "#!lua flags=no-writes,allow-key-locking\nreturn redis.call('GET', KEYS[1])";
      await upstash.set('key', 'value');
      expect(await upstash.evalRo(readOnly, ['key'], [])).toBe('value');
      expect(await upstash.evalshaRo(sha1(readOnly), ['key'], [])).toBe('value');
    });

    it('forgets scripts at SCRIPT FLUSH, whoever sends it', async () => {
      await upstash.scriptLoad(script);
      await upstash.scriptFlush();
      await expect(upstash.evalsha(sha, ['key'], ['1'])).rejects.toThrow(noScript);

      await upstash.scriptLoad(script);
      await redis.client.script('FLUSH');
      await expect(upstash.evalsha(sha, ['key'], ['1'])).rejects.toThrow(noScript);
    });

    it('forgets scripts when Redis restarts', async () => {
      await upstash.scriptLoad(script);
      await redis.kill();
      await expect(upstash.evalsha(sha, ['key'], ['1'])).rejects.toThrow(/Redis behind this server is away/);
      await redis.start();
      await expect(upstash.evalsha(sha, ['key'], ['1'])).rejects.toThrow(noScript);
      expect(await upstash.eval(script, ['key'], ['1'])).toBe(1);
      expect(await upstash.multi().get('key').exec()).toEqual(['1']);
    });

    it('lets Redis refuse a flag that Upstash does not know', async () => {
      await expect(upstash.eval(`#!lua flags=allow-typos${body}`, ['key'], ['1'])).rejects.toThrow(/allow-typos/);
    });

    it('keeps the line numbers of errors', async () => {
      await expect(upstash.eval("#!lua flags=allow-key-locking\n\nerror('here')", [], [])).rejects.toThrow(/:3: here/);
    });
  });

  describe('faults', () => {
    it('drops a request before executing it', async () => {
      server.fault('drop-before');
      await expect(upstash.set('key', 'value')).rejects.toThrow('fetch failed');
      expect(await redis.client.exists('key')).toBe(0);
      expect(await upstash.ping()).toBe('PONG');
    });

    it('drops a request after executing it', async () => {
      server.fault('drop-after');
      await expect(upstash.set('key', 'value')).rejects.toThrow('fetch failed');
      expect(await redis.client.get('key')).toBe('value');
      expect(await upstash.ping()).toBe('PONG');
    });

    it('answers 500 without executing', async () => {
      server.fault('http-500');
      expect(await post('/', ['SET', 'key', 'value'])).toEqual({ status: 500, body: { error: 'ERR internal error' } });
      expect(await redis.client.exists('key')).toBe(0);
    });

    it('answers a page of HTML without executing', async () => {
      server.fault('html-502');
      await expect(upstash.set('key', 'value')).rejects.toThrow(/Unable to parse response body: <html>/);
      expect(await redis.client.exists('key')).toBe(0);
    });

    it('hangs until it is stopped, without executing', async () => {
      const other = await startUpstash(redis.url, { token: 'of this test' });
      onTestFinished(() => other.stop());
      other.fault('hang');
      const request = fetch(other.url, {
        method: 'POST',
        headers: { Authorization: 'Bearer of this test' },
        body: '["SET","key","value"]',
      });
      const failed = expect(request).rejects.toThrow('fetch failed');
      await expect.poll(() => other.requests).toEqual([{ path: '/', commands: 1 }]);

      await other.stop();

      await failed;
      expect(await redis.client.exists('key')).toBe(0);
    });

    it('meets one request each, in order, and counts them', async () => {
      server.fault('http-500');
      server.fault('drop-before');
      await expect(upstash.ping()).rejects.toThrow('ERR internal error');
      await expect(upstash.ping()).rejects.toThrow('fetch failed');
      expect(await upstash.ping()).toBe('PONG');
      expect(server.requests).toHaveLength(3);

      server.fault('http-500');
      server.fault(undefined);
      expect(await upstash.ping()).toBe('PONG');
    });
  });

  it('runs as a process of its own until SIGTERM', async () => {
    const file = new URL('../helpers/upstash-server.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [file, redis.url], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const { url, token } = JSON.parse(await firstLine(child)) as { url: string; token: string };
    expect(await new UpstashRedis({ url, token }).ping()).toBe('PONG');

    child.kill('SIGTERM');

    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('says so when there is no Redis', async () => {
    const gone = await startRedis();
    await gone.stop();
    await expect(startUpstash(gone.url)).rejects.toThrow(`No Redis answers at ${gone.url}`);
  });
});

async function redisForThisTest(options?: TestRedisOptions): Promise<TestRedis> {
  const redis = await startRedis(options);
  onTestFinished(() => redis.stop());
  return redis;
}

async function dirOf(redis: TestRedis): Promise<string> {
  const [, dir] = (await redis.client.config('GET', 'dir')) as string[];
  return dir as string;
}

async function isListening(port: number | string): Promise<boolean> {
  const socket = connect(Number(port), '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  const [chunk] = stdout ? await once(stdout, 'data') : [];
  return `${chunk}`.trim();
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}
