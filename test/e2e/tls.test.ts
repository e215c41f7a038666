import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { PATIENCE } from '../helpers/eventually.ts';
import { freePort, startRedis } from '../helpers/redis-server.ts';
import { tlsFiles } from '../helpers/tls.ts';
import { lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE });

async function withTls(args: readonly string[] = []) {
  const files = tlsFiles();
  onTestFinished(files.remove);
  const port = await freePort();
  const certificate = ['--tls-cert-file', files.certificate, '--tls-key-file', files.key];
  const tls = [
    '--tls-port',
    `${port}`,
    ...certificate,
    '--tls-ca-cert-file',
    files.certificate,
    '--tls-auth-clients',
    'no',
  ];
  const redis = await startRedis({ args: [...tls, ...args] });
  onTestFinished(() => redis.stop());
  const env = { NODE_EXTRA_CA_CERTS: files.certificate };
  const enqueue = (uri: string) =>
    lambdesque(['enqueue', 'K', '--queue', 'q', '--jobs', './none.ts', '--uri', uri], { env }).ended;
  return { redis, port, enqueue };
}

test('rediss:// with a CA that NODE_EXTRA_CA_CERTS names', async () => {
  const { redis, port, enqueue } = await withTls();
  for (const host of ['localhost', '127.0.0.1']) {
    expect(await enqueue(`rediss://${host}:${port}/2`)).toMatchObject({ code: 0, stderr: '' });
  }
  await redis.client.select(2);
  expect(await redis.client.llen('resque:queue:q')).toBe(2);
});

test('rediss://…?cluster', async () => {
  const { redis, port, enqueue } = await withTls([
    '--cluster-enabled',
    'yes',
    '--tls-cluster',
    'yes',
    '--cluster-port',
    `${await freePort()}`,
  ]);
  await redis.client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await expect.poll(() => redis.client.cluster('INFO'), { timeout: PATIENCE }).toContain('cluster_state:ok');
  expect(await enqueue(`rediss://localhost:${port}?cluster`)).toMatchObject({ code: 0, stderr: '' });
  expect(await redis.client.llen('{resque}:queue:q')).toBe(1);
});

describe('a URL of the other kind says how it begins', () => {
  const RIGHT = 'the URL begins with rediss:// instead of redis://';
  const LEFT = 'the URL begins with redis:// instead of rediss://';

  test('redis:// to a port that speaks TLS', async () => {
    const { port, enqueue } = await withTls();
    for (const url of [`redis://localhost:${port}`, `redis://localhost:${port}?cluster`]) {
      const { code, stderr } = await enqueue(url);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(RIGHT) });
    }
  });

  test('redis:// to one that says nothing to who speaks no TLS', async () => {
    const { enqueue } = await withTls();
    const silent = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void silent.close());
    await once(silent, 'listening');
    const { code, stderr } = await enqueue(`redis://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(RIGHT) });
  });

  test('rediss:// to a port without TLS', async () => {
    const { redis, enqueue } = await withTls();
    const urls = [`rediss://localhost:${redis.port}`, `rediss://localhost:${redis.port}?cluster`];
    for (const { code, stderr } of await Promise.all(urls.map(enqueue))) {
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(LEFT) });
    }
  });
});
