/** One real Redis for each test file, the same suite over both backends, and a database that is empty before each test. */
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { type Keys, keysOf } from '../../../shared/broker/keys.ts';
import type { RedisClient } from '../../../shared/broker/redis/client.ts';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { upstashClient } from '../../../shared/broker/redis/upstash.ts';
import type { Backend } from '../brokers.ts';
import { startRedis, type TestRedis } from '../redis-server.ts';
import { startUpstash, type UpstashServer } from '../upstash-server.ts';

export const NAMESPACE = 'resque:';

export interface Bed {
  readonly backend: Backend;
  readonly redis: TestRedis;
  readonly upstash: UpstashServer;
  /** To look at the database, and to do what other programs do. */
  readonly db: Redis;
  readonly keys: Keys;
  /** A client with a connection of its own, closed after the file. @param backend by default that of the suite */
  client(backend?: Backend): RedisClient;
  /** The payloads of a queue, from the head. */
  queued(queue: string): Promise<string[]>;
}

export function withBed(suite: (bed: Bed) => void, backends: readonly Backend[] = ['TCP', 'Upstash REST']): void {
  describe.each(backends)('over %s', (backend) => {
    const opened: RedisClient[] = [];
    const keys = keysOf(NAMESPACE);
    let redis: TestRedis;
    let upstash: UpstashServer;

    const bed: Bed = {
      backend,
      keys,
      get redis() {
        return redis;
      },
      get upstash() {
        return upstash;
      },
      get db() {
        return redis.client;
      },
      client(other = backend) {
        const { url, token } = upstash;
        const client = other === 'TCP' ? tcpClient({ url: redis.url }) : upstashClient({ url, token });
        opened.push(client);
        return client;
      },
      queued: (queue) => redis.client.lrange(keys.queue(queue), 0, -1),
    };

    beforeAll(async () => {
      redis = await startRedis();
      upstash = await startUpstash(redis.url);
    });

    afterEach(async () => {
      upstash.fault(undefined);
      upstash.requests.length = 0;
      await redis.client.flushall();
    });

    afterAll(async () => {
      await Promise.all(opened.map((one) => one.close()));
      await upstash.stop();
      await redis.stop();
    });

    suite(bed);
  });
}
