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
 * Upstash's REST API, one command to a request, through `fetch`. `@upstash/redis` does the same with a class for each
 * command, which cannot be left out: 95 of a function's 190 kB, and 20 ms of its start. Answers are asked for in base64,
 * and are bytes: a payload need not be valid UTF-8. Nothing is sent again: only the caller knows whether it may be.
 * @see https://upstash.com/docs/redis/features/restapi
 */
export function upstashClient(options: UpstashOptions): RedisClient {
  if (!/^https?:\/\/[^\s/]+/.test(options.url)) {
    throw new ConfigError(
      `The Upstash URL must look like https://<name>.upstash.io; got ${JSON.stringify(options.url)}.`,
    );
  }
  if (!/^\S+$/.test(options.token)) throw new ConfigError('The Upstash token is empty or holds white space.');
  const { host } = new URL(options.url);
  const timeout = options.commandTimeout ?? 10_000;
  const headers = {
    Authorization: `Bearer ${options.token}`,
    'Content-Type': 'application/json',
    'Upstash-Encoding': 'base64',
  };
  // What a database in several regions gives with each answer, so that the next one knows of all that came before.
  let syncToken = '';

  async function command(args: readonly Argument[]): Promise<Reply> {
    try {
      const response = await fetch(options.url, {
        method: 'POST',
        headers: { ...headers, 'Upstash-Sync-Token': syncToken },
        body: JSON.stringify(args),
        signal: AbortSignal.timeout(timeout),
      });
      syncToken = response.headers.get('Upstash-Sync-Token') ?? syncToken;
      return decode(await resultOf(response));
    } catch (error) {
      throw redisError(error, host);
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
type Encoded = number | string | null | readonly Encoded[];

/** What of a page that is no answer of Redis goes into an error. */
const MOST_TEXT = 200;

async function resultOf(response: Response): Promise<Encoded> {
  const text = await response.text();
  let answer: { result?: Encoded; error?: string };
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw new Error(`it answered ${response.status} with ${JSON.stringify(text.slice(0, MOST_TEXT))}`, { cause });
  }
  if (answer.error === undefined && response.ok) return answer.result ?? null;
  const error = new Error(answer.error ?? `HTTP ${response.status}`);
  // What Redis says comes with 400, and wrong credentials with 401; above that it is the service that has trouble.
  if (response.status < 500) error.name = 'UpstashError';
  throw error;
}

/** Only the status OK comes unencoded. */
function decode(value: Encoded): Reply {
  if (typeof value === 'string') return value === 'OK' ? Buffer.from('OK') : Buffer.from(value, 'base64');
  return Array.isArray(value) ? value.map(decode) : (value as number | null);
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
