import { ConfigError } from '../../errors.ts';
import type { Argument, RedisClient, Reply, Script } from './client.ts';
import { defineScript, evaluate } from './client.ts';
import { redisError } from './errors.ts';
import { shownUrl } from './shown-url.ts';

export interface UpstashOptions {
  /** `https://<name>.upstash.io` */
  readonly url: string;
  readonly token: string;
  /** Milliseconds a request may take before it counts as lost. @default 10000 */
  readonly commandTimeout?: number;
}

/** What `@upstash/redis` is configured with; its `Redis` and its `HttpClient` both take this. */
export interface HttpConfig {
  /** The library's own decoding of base64 is off. */
  readonly responseEncoding: false;
  readonly retry: { readonly retries: number };
  readonly cache: 'no-store';
  readonly signal: () => AbortSignal;
}

/** The part of `@upstash/redis` that sends a command (its `Requester`). */
export interface Http {
  request<Result>(request: {
    readonly body: readonly Argument[];
    readonly headers: Readonly<Record<string, string>>;
  }): Promise<{ readonly result?: Result | undefined; readonly error?: string | undefined }>;
}

/** @throws ConfigError for what cannot be the URL and the token of a database; it shows neither credentials nor token */
export function checkRest(url: string, token: string): void {
  if (!/^https?:\/\/[^\s/@]+(\/[^@]*)?$/.test(url)) {
    throw new ConfigError(
      `The Upstash URL must look like https://<name>.upstash.io, without credentials; got ${shownUrl(url)}.`,
    );
  }
  if (!/^\S+$/.test(token)) throw new ConfigError('The Upstash token is empty or holds white space.');
}

/**
 * Upstash's REST API on an HTTP client of `@upstash/redis`. Answers are asked for in base64 and decoded here, to bytes:
 * the library decodes them to text, in which a byte that is not UTF-8 would be lost.
 */
export function restClient(
  options: UpstashOptions,
  connect: (options: UpstashOptions, config: HttpConfig) => Http,
): RedisClient {
  checkRest(options.url, options.token);
  const { host } = new URL(options.url);
  const timeout = options.commandTimeout ?? 10_000;
  const http = connect(options, {
    responseEncoding: false,
    // Only the caller knows whether a lost command may be sent again. (`retry: false` would still send it twice.)
    retry: { retries: 0 },
    cache: 'no-store',
    signal: () => AbortSignal.timeout(timeout),
  });

  async function command(args: readonly Argument[]): Promise<Reply> {
    try {
      const { result, error } = await http.request<Encoded>({ body: args, headers: BASE64 });
      if (error !== undefined) throw upstashError(error);
      return decode(result as Encoded);
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

const BASE64 = { 'Upstash-Encoding': 'base64' };

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
  return upstashError(thrown.message.replace(/, command was: \[[\s\S]*$/, ''));
}

function upstashError(message: string): Error {
  const error = new Error(message);
  error.name = 'UpstashError';
  return error;
}
