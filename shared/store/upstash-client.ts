import { Redis, type RedisConfigNodejs } from '@upstash/redis';
import { ConfigError } from '../errors.ts';
import type { Argument, RedisClient, Reply, Script } from './redis-client.ts';
import { defineScript, evaluate } from './redis-client.ts';
import { redisError } from './redis-errors.ts';

export interface UpstashOptions {
  /** `https://<name>.upstash.io` */
  readonly url: string;
  readonly token: string;
  /** Milliseconds a request may take before it counts as lost. @default 10000 */
  readonly commandTimeout?: number;
}

/**
 * Upstash's REST API through `@upstash/redis`. Answers are asked for in base64 and decoded here, to bytes: the library
 * decodes them to text, in which a byte that is not UTF-8 would be lost.
 */
export function upstashClient(options: UpstashOptions): RedisClient {
  if (!/^https?:\/\/[^\s/@]+(\/[^@]*)?$/.test(options.url)) {
    throw new ConfigError(
      `The Upstash URL must look like https://<name>.upstash.io, without credentials; got ${JSON.stringify(options.url.replace(/^(.*\/\/)?.*@/s, '$1…@'))}.`,
    );
  }
  if (!/^\S+$/.test(options.token)) throw new ConfigError('The Upstash token is empty or holds white space.');
  const { host } = new URL(options.url);
  const timeout = options.commandTimeout ?? 10_000;
  const redis = new Base64Redis({
    url: options.url,
    token: options.token,
    automaticDeserialization: false,
    enableAutoPipelining: false,
    enableTelemetry: false,
    // Only the caller knows whether a lost command may be sent again. (`retry: false` would still send it twice.)
    retry: { retries: 0 },
    signal: () => AbortSignal.timeout(timeout),
  });

  async function command(args: readonly Argument[]): Promise<Reply> {
    try {
      return decode(await redis.exec<Encoded>(args as [string, ...Argument[]]));
    } catch (error) {
      throw redisError(withoutCommand(error), host);
    }
  }

  return {
    address: host,
    command,
    script: (script, keys, args) => evaluate(command, withKeyLocking(script), keys, args),
    close: async () => {},
  };
}

/** A reply as it comes over REST: its strings are base64. */
type Encoded = number | string | null | Encoded[];

/** Asks for base64 per request while the library's own decoding of it is off. */
class Base64Redis extends Redis {
  constructor(config: RedisConfigNodejs) {
    super({ ...config, responseEncoding: false });
    const inner = this.client;
    this.client = {
      ...(inner.readYourWrites === undefined ? {} : { readYourWrites: inner.readYourWrites }),
      request: (request) =>
        inner.request({ ...request, headers: { ...request.headers, 'Upstash-Encoding': 'base64' } }),
    };
  }
}

/** @see https://upstash.com/docs/redis/sdks/ts — only the status OK comes unencoded. */
function decode(value: Encoded): Reply {
  if (typeof value === 'string') return value === 'OK' ? Buffer.from('OK') : Buffer.from(value, 'base64');
  return Array.isArray(value) ? value.map(decode) : value;
}

const locked = new Map<string, Script>();

/** Our scripts touch only their KEYS, so Upstash need not take its global lock. Plain Redis refuses the flag. */
function withKeyLocking(script: Script): Script {
  let found = locked.get(script.sha);
  if (!found) {
    found = defineScript(script.name, `#!lua flags=allow-key-locking\n${script.lua}`);
    locked.set(script.sha, found);
  }
  return found;
}

/** The library appends the whole command, payloads and all, to an error's message: not for a log. */
function withoutCommand(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown.name !== 'UpstashError') return thrown;
  const error = new Error(thrown.message.replace(/, command was: \[[\s\S]*$/, ''));
  error.name = thrown.name;
  return error;
}
