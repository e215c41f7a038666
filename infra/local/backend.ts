import { type Broker, ConfigError, namespaceOf, type RedisClient, redisBroker } from 'lambdesque';
import type { Env } from './redis/install.ts';
import { namedUrl } from './redis/local-redis.ts';

/** Which Redis, as the flags say. */
export interface BackendFlags {
  readonly uri?: string;
  readonly upstashUrl?: string;
  readonly upstashToken?: string;
  readonly namespace?: string;
}

export interface Backend {
  readonly client: RedisClient;
  readonly store: Broker;
  readonly namespace: string;
}

/**
 * The Redis of the flags; else of `REDIS_PROVIDER` or `REDIS_URL`; else of `UPSTASH_REDIS_REST_URL` and `_TOKEN`; else
 * goworker's default. Only the library that it needs is loaded.
 */
export async function connect(flags: BackendFlags, env: Env): Promise<Backend> {
  const client = await clientFor(flags, env);
  const namespace = namespaceOf(flags.namespace, client.cluster);
  return { client, store: redisBroker(client, namespace), namespace };
}

async function clientFor(flags: BackendFlags, env: Env): Promise<RedisClient> {
  if (flags.uri !== undefined && flags.upstashUrl !== undefined) {
    throw new ConfigError('--uri and --upstash-url name two servers. Give one of them.');
  }
  if (flags.uri !== undefined) return tcp(flags.uri);
  if (flags.upstashUrl !== undefined)
    return upstash(flags.upstashUrl, flags.upstashToken ?? env['UPSTASH_REDIS_REST_TOKEN']);
  const named = namedUrl(env);
  if (named) return tcp(named.url);
  const url = env['UPSTASH_REDIS_REST_URL'];
  if (url) return upstash(url, flags.upstashToken ?? env['UPSTASH_REDIS_REST_TOKEN']);
  return tcp('redis://localhost:6379/');
}

async function tcp(url: string): Promise<RedisClient> {
  const { tcpClient } = await import('lambdesque/tcp');
  return tcpClient({ url });
}

async function upstash(url: string, token: string | undefined): Promise<RedisClient> {
  if (!token) {
    throw new ConfigError('The Upstash REST API needs a token: give --upstash-token, or set UPSTASH_REDIS_REST_TOKEN.');
  }
  const { upstashClient } = await import('lambdesque/upstash');
  return upstashClient({ url, token });
}
