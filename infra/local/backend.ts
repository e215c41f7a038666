import { ConfigError } from '../../shared/index.ts';
import { type Broker, namespaceOf, openRedis, type RedisClient, redisBroker } from '../../shared/internal.ts';
import { omitUndefined } from '../omit-undefined.ts';
import type { Env } from './redis/install.ts';

/** Which Redis, as the flags say. */
export interface BackendFlags {
  readonly uri?: string;
  readonly upstashUrl?: string;
  readonly upstashToken?: string;
  readonly namespace?: string;
}

export interface Backend {
  readonly redis: RedisClient;
  readonly store: Broker;
  readonly namespace: string;
}

const flagNames = { token: '--upstash-token' };

/**
 * The Redis of the flags; else of `REDIS_PROVIDER` or `REDIS_URL`; else of `UPSTASH_REDIS_REST_URL` and `_TOKEN`; else
 * goworker's default.
 * @throws ConfigError
 */
export function connect({ uri, upstashUrl, upstashToken, namespace }: BackendFlags, env: Env): Backend {
  if (uri !== undefined && upstashUrl !== undefined) {
    throw new ConfigError('--uri and --upstash-url name two servers. Give one of them.');
  }
  const token = upstashUrl === undefined ? upstashToken : (upstashToken ?? env['UPSTASH_REDIS_REST_TOKEN'] ?? '');
  const redis = openRedis(omitUndefined({ url: uri ?? upstashUrl, token }), env, flagNames);
  const prefix = namespaceOf(namespace, redis.cluster);
  return { redis, store: redisBroker(redis, prefix), namespace: prefix };
}
