import { mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Broker } from '../../../shared/broker/broker.ts';
import { redisBroker } from '../../../shared/broker/redis/broker.ts';
import { tcpClient, tcpConnection } from '../../../shared/broker/redis/tcp.ts';
import { ConfigError, type LambdesqueError, RedisAuthError, RedisUnavailableError } from '../../../shared/errors.ts';
import { eventually, PATIENCE } from '../../helpers/eventually.ts';
import { freePort, startRedis, type TestRedis, type TestRedisOptions } from '../../helpers/redis-server.ts';
import { tlsFiles } from '../../helpers/tls.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

const JOB = { queue: 'q', payload: '{"class":"A","args":["private"]}' };
/** Everything in it that would have to be encoded. */
const PASSWORD = 'a#b/c?d@e%f: gä';
const encoded = encodeURIComponent(PASSWORD);

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis({ args: ['--enable-debug-command', 'local', '--enable-protected-configs', 'local'] });
});
afterEach(async () => {
  await redis.client.flushall();
});
afterAll(() => redis.stop());

function open(url: string, commandTimeout = 10_000): Broker {
  const client = tcpClient({ url, commandTimeout });
  onTestFinished(() => client.close());
  return redisBroker(client, 'resque');
}

async function server(options: TestRedisOptions): Promise<TestRedis> {
  const started = await startRedis(options);
  onTestFinished(() => started.stop());
  return started;
}

type ErrorClass = new (message: string) => LambdesqueError;

async function refusal(broker: Broker, kind: ErrorClass, call = broker.enqueue([JOB])): Promise<string> {
  const error = await call.then(
    () => undefined,
    (one: unknown) => one,
  );
  expect(error).toBeInstanceOf(kind);
  expect(inspect(error, { depth: Infinity })).not.toContain('private');
  expect((error as Error).message).toContain(broker.address);
  return (error as Error).message;
}

/** Keys by database. */
async function keyspace(one = redis): Promise<Record<string, string>> {
  const lines = (await one.client.info('keyspace')).matchAll(/^(db\d+):keys=(\d+)/gm);
  return Object.fromEntries([...lines].map(([, name = '', keys = '']) => [name, keys]));
}

describe('a database', () => {
  test('that is there is used, also after a reconnection', async () => {
    const broker = open(`${redis.url}/3`);
    await broker.enqueue([JOB]);
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await eventually(() => broker.enqueue([JOB]));
    expect(await keyspace()).toEqual({ db3: '2' });
  });

  test('that is not there is an error each time, and nothing is done in another', async () => {
    const broker = open(`${redis.url}/99`);
    const calls = [broker.ping(), broker.queues(), broker.enqueue([JOB]), broker.enqueue([JOB])];
    for (const call of calls) {
      const message = await refusal(broker, ConfigError, call as Promise<void>);
      expect(message).toMatch(/has no database 99.*DB index is out of range.*Allowed are 0 to one less.*databases/);
    }
    await refusal(broker, ConfigError, broker.ping());
    expect(await keyspace()).toEqual({});
  });

  test('into which the user may not go is an error, from the beginning and after a reconnection', async () => {
    await redis.client.call('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '+@all');
    const url = `redis://app:${encoded}@127.0.0.1:${redis.port}/2`;
    const before = open(url);
    await before.enqueue([JOB]);
    await redis.client.call('ACL', 'SETUSER', 'app', '-select');
    const after = open(url);
    expect(await refusal(after, RedisAuthError)).toMatch(/does not let this user into database 2.*NOPERM.*\+select/);

    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await eventually(() => refusal(before, RedisAuthError));
    for (let i = 0; i < 3; i++) await refusal(before, RedisAuthError);
    expect(await keyspace()).toEqual({ db2: '2' });

    await redis.client.call('ACL', 'SETUSER', 'app', '+select');
    await eventually(() => before.enqueue([JOB]));
    expect(await keyspace()).toEqual({ db2: '2' });
    await redis.client.call('ACL', 'DELUSER', 'app');
  });

  test('that a server has no more when it comes back is an error', async () => {
    const port = await freePort();
    const many = await server({ port });
    const broker = open(`redis://127.0.0.1:${port}/9`);
    await broker.ping();
    await many.kill();
    const few = await server({ port, args: ['--databases', '4'] });
    await eventually(() => refusal(broker, ConfigError));
    expect(await keyspace(few)).toEqual({});
  });
});

describe('a Unix socket', () => {
  test.each([
    ['redis+unix://', 0, (path: string) => `redis+unix://:${encoded}@${path}`],
    ['unix:// with a query', 2, (path: string) => `unix://${path}?db=2&password=${encoded}`],
    ['the path alone', 3, (path: string) => `${path}?db=3&password=${encoded}`],
  ])('is used: %s, in database %i', async (_form, database, url) => {
    const folder = await mkdtemp(join(tmpdir(), 'lambdesque-socket-'));
    const path = join(folder, 'redis.sock');
    const one = await server({ password: PASSWORD, args: ['--unixsocket', path, '--unixsocketperm', '700'] });
    onTestFinished(() => rm(folder, { recursive: true }));
    const broker = open(url(path));
    await broker.enqueue([JOB]);
    expect(broker.address).toBe(path);
    expect(await keyspace(one)).toEqual({ [`db${database}`]: '2' });
    await one.kill();
    expect(await refusal(broker, RedisUnavailableError)).toMatch(/redis\.sock cannot be reached.*unixsocket/);
    await one.start();
    await eventually(() => broker.ping());
  });
});

describe('TLS', () => {
  async function withTls() {
    const files = tlsFiles();
    onTestFinished(files.remove);
    const port = await freePort();
    const certificate = ['--tls-cert-file', files.certificate, '--tls-key-file', files.key];
    const args = ['--tls-port', `${port}`, ...certificate, '--tls-ca-cert-file', files.certificate];
    await server({ args: [...args, '--tls-auth-clients', 'no'] });
    return port;
  }

  test('left out where the port speaks it, or with a certificate that nobody knows', async () => {
    const port = await withTls();
    for (let i = 0; i < 2; i++) {
      const message = await refusal(open(`redis://127.0.0.1:${port}`), RedisUnavailableError);
      expect(message).toMatch(/the URL begins with rediss:\/\/ instead of redis:\/\//);
    }
    const unknown = await refusal(open(`rediss://127.0.0.1:${port}`), RedisUnavailableError);
    expect(unknown).toMatch(/self-signed certificate.*NODE_EXTRA_CA_CERTS/);
  });

  test('to a port without it', async () => {
    const message = await refusal(open(`rediss://127.0.0.1:${redis.port}`), RedisUnavailableError);
    expect(message).toMatch(/the URL begins with redis:\/\/ instead of rediss:\/\//);
  });
});

describe('a server that does not take us', () => {
  test('since it has no connection left', async () => {
    const one = await server({ args: ['--maxclients', '5'] });
    const others = Array.from({ length: 5 }, () => one.client.duplicate({ retryStrategy: () => null }));
    for (const other of others) other.on('error', () => {});
    onTestFinished(() => others.forEach((other) => void other.disconnect()));
    await Promise.all(others.map((other) => other.ping().catch(() => {})));
    for (const url of [one.url, `${one.url}/1`, `redis://:x@127.0.0.1:${one.port}`]) {
      expect(await refusal(open(url), RedisUnavailableError)).toMatch(
        /max number of clients reached.*raise maxclients/,
      );
    }
    const broker = open(one.url);
    await refusal(broker, RedisUnavailableError);
    for (const other of others) other.disconnect();
    await eventually(() => broker.ping());
  });

  test('since it is in protected mode', async () => {
    const outside = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .find((one) => one.family === 'IPv4' && !one.internal)?.address;
    if (outside === undefined) throw new Error('This machine has no address but the loopback.');
    const one = await server({ args: ['--bind', '0.0.0.0', '--protected-mode', 'yes'] });
    const broker = open(`redis://${outside}:${one.port}`);
    expect(await refusal(broker, RedisAuthError)).toMatch(/"DENIED [^.]*".*protected mode.*requirepass/);
  });

  test('since it wants a password, or another, or the user may not', async () => {
    const one = await server({ password: PASSWORD });
    expect(await refusal(open(`redis://127.0.0.1:${one.port}`), RedisAuthError)).toMatch(/NOAUTH.*none was given/);
    expect(await refusal(open(`redis://127.0.0.1:${one.port}/4`), RedisAuthError)).toMatch(/NOAUTH.*none was given/);
    expect(await refusal(open(`redis://:wrong@127.0.0.1:${one.port}`), RedisAuthError)).toMatch(
      /WRONGPASS.*Check user/,
    );
    await open(`redis://:${encoded}@127.0.0.1:${one.port}`).enqueue([JOB]);
    await one.client.call('ACL', 'SETUSER', 'app', 'on', '>x', '~resque:*', '+@read');
    expect(await refusal(open(`redis://app:x@127.0.0.1:${one.port}`), RedisAuthError)).toMatch(/NOPERM.*\+@scripting/);
    await one.client.call('ACL', 'SETUSER', 'app', '~other:*', 'resetkeys', '+@all');
    expect(await refusal(open(`redis://app:x@127.0.0.1:${one.port}`), RedisAuthError)).toMatch(/keys ~<namespace>/);
  });
});

describe('a server that is not ready', () => {
  test('since it cannot write its snapshot', async () => {
    await redis.client.config('SET', 'save', '900 1');
    await redis.client.config('SET', 'dir', '/proc');
    await redis.client.bgsave();
    await eventually(async () => expect(await redis.client.info('persistence')).toMatch(/last_bgsave_status:err/));
    try {
      expect(await refusal(open(redis.url), RedisUnavailableError)).toMatch(/MISCONF.*Free disk space/);
    } finally {
      await redis.client.config('SET', 'save', '');
    }
    await open(redis.url).enqueue([JOB]);
  });

  test('since it is loading its data', async () => {
    const loading = ['--key-load-delay', '2000', '--loading-process-events-interval-bytes', '1024'];
    const one = await server({ args: ['--enable-debug-command', 'local', ...loading] });
    await one.client.call('DEBUG', 'POPULATE', '2000', 'filler', '100');
    await one.client.save();
    await one.kill();
    const started = one.start();
    const broker = open(one.url);
    const message = await eventually(async () => {
      const text = await refusal(broker, RedisUnavailableError);
      expect(text).toContain('LOADING');
      return text;
    });
    expect(message).toMatch(/LOADING.*as soon as that is done/);
    await started;
    await eventually(() => broker.enqueue([JOB]));
  });
});

test('a connection of its own that has ended leaves no timer behind when it is closed', async () => {
  const connection = await tcpConnection({ url: redis.url });
  await redis.client.client('KILL', 'ID', Number(await connection.command(['CLIENT', 'ID'])));
  await connection.closed;
  const timeouts = vi.spyOn(globalThis, 'setTimeout');
  connection.close();
  expect(timeouts).not.toHaveBeenCalled();
});
