import { expect, test } from 'vitest';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { ConfigError } from '../../../shared/errors.ts';

test.each([
  ['redis://cache.example', 'cache.example:6379', undefined],
  ['redis://app:s3cret@cache.example:6380/2', 'cache.example:6380', undefined],
  ['redis://', '127.0.0.1:6379', undefined],
  ['unix:///run/x.sock', '/run/x.sock', undefined],
  ['redis://:s3cret@a:1,b:2?cluster', 'a:1,b:2', true],
  ['redis+sentinel://:s3cret@a,b:2/m', 'm (Sentinels a:26379,b:2)', undefined],
])('%s has the address %s, and is not connected to before it is needed', async (url, address, cluster) => {
  const client = tcpClient({ url });
  expect(client.address).toBe(address);
  expect(client.cluster).toBe(cluster);
  await client.close();
});

test('a URL that cannot be used is refused at once', () => {
  expect(() => tcpClient({ url: 'redis://:12#3@h' })).toThrow(ConfigError);
});
