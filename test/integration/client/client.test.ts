import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openRedis } from '../../../shared/broker/redis/open.ts';
import { createClient, defineJob } from '../../../shared/index.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { startUpstash, type UpstashServer } from '../../helpers/upstash-server.ts';

let redis: TestRedis;
let upstash: UpstashServer;
beforeAll(async () => {
  redis = await startRedis();
  upstash = await startUpstash(redis.url);
});
afterEach(() => redis.client.flushall());
afterAll(async () => {
  await upstash.stop();
  await redis.stop();
});

const Hello = defineJob({ class: 'Hello', queue: 'greetings', perform() {} });
const port = () => Number(new URL(redis.url).port);

describe('a client', () => {
  test.each([
    ['the URL of a server', () => ({ url: redis.url })],
    ['the parts of a URL', () => ({ host: '127.0.0.1', port: port(), database: 0 })],
    ['the URL of a REST API, with its token', () => ({ url: upstash.url, token: upstash.token })],
  ])('takes %s', async (_what, options) => {
    await using client = createClient({ ...options(), jobs: [Hello], namespace: 'app' });
    await client.enqueue('Hello', [1]);
    await client.enqueue(Hello, [2], { in: '1h' });
    await client.cron.upsert('nightly', { cron: '0 3 * * *', class: 'Hello' });

    expect(await redis.client.lrange('app:queue:greetings', 0, -1)).toEqual(['{"class":"Hello","args":[1]}']);
    expect(await client.scheduled.count()).toEqual({ delayed: 1, retries: 0 });
    expect(await client.cron.list()).toMatchObject([{ name: 'nightly', source: 'dynamic', queue: 'greetings' }]);
  });

  test('lists static cron entries as well', async () => {
    await using client = createClient({
      url: redis.url,
      jobs: [Hello],
      cronEntries: { hourly: { cron: '0 * * * *', class: 'Hello' } },
    });
    expect(await client.cron.list()).toMatchObject([{ name: 'hourly', source: 'static' }]);
  });

  test('sends nothing before the first call, and has no connection once it is closed', async () => {
    const connections = async () =>
      String(await redis.client.client('LIST'))
        .trim()
        .split('\n').length;
    const before = await connections();
    const client = createClient({ url: redis.url });
    expect(await connections()).toBe(before);
    await client.enqueue('Hello', [], { queue: 'q' });
    expect(await connections()).toBe(before + 1);
    await client.close();
    await client.close();
    await expect.poll(connections).toBe(before);
    await expect(client.enqueue('Hello', [], { queue: 'q' })).rejects.toThrow(/is closed. Make a new one/);
  });

  test.each([
    [{ url: 'localhost' }, /must look like redis:\/\/.* got "localhost"/],
    [{ url: 'redis://localhost', host: 'other' }, /url goes alone/],
    [{ url: 'https://x.upstash.io', password: 'secret-word', token: 't' }, /no username or password/],
    [{ url: 'https://x.upstash.io' }, /"https:\/\/x.upstash.io" is a URL of Upstash's REST API, .* give token/],
    [{ url: 'redis://localhost', token: 't' }, /Upstash URL must look like https/],
    [{ url: 'redis://localhost?cluster', namespace: 'app' }, /cannot be used in a Redis Cluster/],
    [{ host: 'local host' }, /^host must be a name or an address, .* Got "local host"\.$/],
    [{ host: 'x:1' }, /^host must be a name or an address, .* without a port/],
    [{ host: 'x', port: 99_999 }, /^port must be a whole number from 1 to 65535; got 99999\.$/],
    [{ port: '6379' as never }, /^port must be .* got "6379"\.$/],
    [{ database: -1 }, /^database must be a whole number, 0 or more; got -1\.$/],
    [{ tls: 'yes' as never }, /^tls must be one of true, false; got "yes"\.$/],
    [{ url: 5 as never }, /^url must be a text; got one of the type number\.$/],
    [{ uri: 'redis://:secret-word@x' } as never, /^createClient: there is no option "uri" \(did you mean "url"\?\)\. /],
    [{ jobs: {} as never }, /^jobs must be a list of what defineJob returns, .* got \{\}\.$/],
    [{ namespace: 5 as never }, /^The namespace must be a text, such as resque:; got 5\.$/],
    [{ cronEntries: { x: { cron: 'bad', queue: 'q' } } }, /^cron entry "x": cron must have 5 fields.*"bad"/],
    [{ jobs: [{}] as never }, /must hold what defineJob returns/],
  ])('refuses %j when it is made', (options, message) => {
    expect(() => createClient(options)).toThrow(message);
    expect(() => createClient(options)).not.toThrow(/secret-word/);
  });
});

describe('without a URL', () => {
  const address = (env: Record<string, string>) => openRedis({}, env).address;

  test.each([
    [{}, 'localhost:6379'],
    [{ REDIS_URL: 'redis://one:1' }, 'one:1'],
    [{ REDIS_PROVIDER: 'OTHER', OTHER: 'redis://two:2', REDIS_URL: 'redis://one:1' }, 'two:2'],
    [{ UPSTASH_REDIS_REST_URL: 'https://x.upstash.io', UPSTASH_REDIS_REST_TOKEN: 't' }, 'x.upstash.io'],
    [{ UPSTASH_REDIS_REST_URL: 'https://x.upstash.io', REDIS_URL: 'redis://one:1' }, 'one:1'],
  ])('the environment says where: %j', (env, expected) => {
    expect(address(env)).toBe(expected);
  });

  test('a REDIS_PROVIDER that names nothing is an error', () => {
    expect(() => openRedis({}, { REDIS_PROVIDER: 'OTHER' })).toThrow(/OTHER is not set/);
  });
});
