/** One real Redis for each test file, the same suite over both ways to it, and a database that is empty before each test. */
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { type Keys, keysOf } from '../../shared/broker/keys.ts';
import type { RedisClient } from '../../shared/broker/redis/client.ts';
import { tcpClient } from '../../shared/broker/redis/tcp.ts';
import { upstashClient } from '../../shared/broker/redis/upstash.ts';
import { startRedis, type TestRedis } from './redis-server.ts';
import { startUpstash, type UpstashServer } from './upstash-server.ts';

export const NAMESPACE = 'resque:';

export const BACKENDS = ['TCP', 'Upstash REST'] as const;
export type Backend = (typeof BACKENDS)[number];

export interface ClientOptions {
  /** @default that of the suite */
  readonly backend?: Backend;
  /** Of something between it and the Redis, over TCP. @default the Redis itself */
  readonly url?: string;
  /** Milliseconds. @default the client's own */
  readonly commandTimeout?: number;
}

export interface OneBackend {
  readonly backend: Backend;
  readonly redis: TestRedis;
  readonly upstash: UpstashServer;
  /** To look at the database, and to do what other programs do. */
  readonly db: Redis;
  readonly keys: Keys;
  /** A client with a connection of its own, closed after the file. */
  client(options?: ClientOptions): RedisClient;
  /** The payloads of a queue, from the head. */
  queued(queue: string): Promise<string[]>;
}

/** Runs the same suite over each backend. */
export function withBackends(suite: (one: OneBackend) => void, backends: readonly Backend[] = BACKENDS): void {
  describe.each(backends)('over %s', (backend) => {
    const opened: RedisClient[] = [];
    const keys = keysOf(NAMESPACE);
    let redis: TestRedis;
    let upstash: UpstashServer;

    beforeAll(async () => {
      redis = await startRedis();
      upstash = await startUpstash(redis.url);
    });

    // The last of its kind: hooks of the suite see what its tests have left.
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

    suite({
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
      client({ backend: other = backend, url = redis.url, commandTimeout } = {}) {
        const timeout = commandTimeout === undefined ? {} : { commandTimeout };
        const one =
          other === 'TCP'
            ? tcpClient({ url, ...timeout })
            : upstashClient({ url: upstash.url, token: upstash.token, ...timeout });
        opened.push(one);
        return one;
      },
      queued: (queue) => redis.client.lrange(keys.queue(queue), 0, -1),
    });
  });
}
