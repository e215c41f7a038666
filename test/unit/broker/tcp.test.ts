import { expect, test } from 'vitest';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { ConfigError } from '../../../shared/errors.ts';

const shape = 'The Redis URL must look like redis://[user:password@]host[:port][/database] or rediss://…; got ';

test.each([
  ['', '""'],
  ['localhost:6379', '"localhost:6379"'],
  ['http://localhost', '"http://localhost"'],
  ['https://app:s3cret@host:6379', '"https://…@host:6379"'],
  ['redis://app:s3cret@host:port', '"redis://…@host:port"'],
  ['redis://app:s3@cret@host:port', '"redis://…@host:port"'],
  ['redis://app:s3/cret@host:port', '"redis://…@host:port"'],
  ['app:s3cret@host:6379', '"…@host:6379"'],
])('the URL %j is refused, without its password', (url, got) => {
  expect(() => tcpClient({ url })).toThrow(new ConfigError(`${shape}${got}.`));
});

test.each([
  ['redis://cache.example', 'cache.example:6379'],
  ['redis://app:s3cret@cache.example:6380/2', 'cache.example:6380'],
  ['rediss://:s3cret@10.0.0.5', '10.0.0.5:6379'],
  ['redis://', '127.0.0.1:6379'],
])('%s has the address %s, and is not connected to before it is needed', async (url, address) => {
  const client = tcpClient({ url });
  expect(client.address).toBe(address);
  await client.close();
});
