import { ConfigError } from '../../shared/index.ts';
import { checkOptions, type OptionsOf, openRedis, type RedisClient } from '../../shared/internal.ts';
import { type ReadSecret, settingValue } from '../backends/backend.ts';
import type { SecretRef } from '../contract/settings.ts';

/**
 * Where a value is kept that must not stand in a template: a secret of Secrets Manager, one field of it where it is a JSON
 * object, or a SecureString parameter of SSM. The function's role has to be allowed to read it.
 */
export type StoredSecret = ManagedSecret | SecureParameter;

/** In Secrets Manager. */
export interface ManagedSecret {
  /** Which service keeps it. */
  readonly service: 'secretsmanager';
  /** Name or ARN. */
  readonly id: string;
  /** A key of the JSON object that the secret is. @default the secret is the whole value */
  readonly field?: string;
}

/** In the Systems Manager's parameters. */
export interface SecureParameter {
  /** Which service keeps it. */
  readonly service: 'ssm';
  /** Name or ARN. */
  readonly name: string;
}

/** How a handler reaches Redis. */
export interface LambdaRedis {
  /**
   * `https://…` of Upstash, or `rediss://…`, with a password only where it is a stored one.
   * @default the environment's `REDIS_URL`, else `UPSTASH_REDIS_REST_URL`
   */
  readonly url?: string | StoredSecret;
  /** Of Upstash's REST API. @default the environment's `UPSTASH_REDIS_REST_TOKEN`, where the URL is from there too */
  readonly token?: string | StoredSecret;
  /** Of a Redis over TCP. @default what the URL has */
  readonly password?: string | StoredSecret;
  /** With the password. @default what the URL has */
  readonly username?: string;
}

const OPTIONS = { url: true, token: true, password: true, username: true } satisfies OptionsOf<LambdaRedis>;

const form = { accepts: (value: string) => value !== '', like: 'some text' };

/** Makes the connection of an environment; what is stored is read anew each time, since it may have been rotated. */
export function connector(where: string, redis: LambdaRedis = {}): (readSecret: ReadSecret) => Promise<RedisClient> {
  checkOptions(`${where}: redis`, redis, OPTIONS, true);
  for (const [name, value] of Object.entries(redis)) {
    const isRef = typeof value === 'object' && value !== null && 'service' in value;
    if (value === undefined || typeof value === 'string' || (isRef && name !== 'username')) continue;
    throw new ConfigError(
      `${where}: redis.${name} must be a text, or say where it is stored: { service: 'secretsmanager', id: '<name>' }; got ${typeof value}.`,
    );
  }
  return async (readSecret) => {
    const value = (one: string | StoredSecret | undefined) =>
      one === undefined ? undefined : settingValue(one as string | SecretRef, readSecret, form);
    const [url, token, password] = await Promise.all([redis.url, redis.token, redis.password].map(value));
    return openRedis({ url, token, password, username: redis.username });
  };
}
