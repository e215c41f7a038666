import { Command, Redis } from 'ioredis';
import { ConfigError } from '../../errors.ts';
import type { Argument, RedisClient, Reply } from './client.ts';
import { evaluate } from './client.ts';
import { redisError } from './errors.ts';

export interface TcpOptions {
  /** `redis[s]://[user:password@]host[:port][/database]`. */
  readonly url: string;
  /** Milliseconds a command may take before it counts as lost. @default 10000 */
  readonly commandTimeout?: number;
}

/** Answers of a server that is not the primary (any more). */
const ANOTHER_SERVER = /^(READONLY|MASTERDOWN)/;

/** Redis or Valkey over TCP, through ioredis. Commands fail fast while the server is away; who calls decides to try again. */
export function tcpClient(options: TcpOptions): RedisClient {
  const { host, port } = address(options.url);
  const timeout = options.commandTimeout ?? 10_000;
  const redis = new Redis(options.url, {
    protocol: 2,
    lazyConnect: true,
    commandTimeout: timeout,
    // A connection that is dead without a word is replaced, not only its commands given up.
    socketTimeout: timeout,
    // Behind one name there may be another server after a failover: look it up anew.
    reconnectOnError: (error) => ANOTHER_SERVER.test(error.message),
    connectTimeout: 5_000,
    // A command that was on its way when the connection broke is reported, never sent again: only the caller knows
    // whether that is safe.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(50 * 2 ** times, 1_000),
  });
  // Each failed command rejects by itself with the reason; without a listener ioredis would print to the console.
  let lastError: Error | undefined;
  redis.on('error', (error: Error) => {
    lastError = error;
  });
  redis.on('ready', () => {
    lastError = undefined;
  });

  async function command(args: readonly Argument[]): Promise<Reply> {
    const [name, ...rest] = args;
    try {
      // Not redis.callBuffer(name, ...rest): a hundred thousand arguments do not fit on the stack.
      return (await redis.sendCommand(new Command(String(name), rest as string[], { replyEncoding: null }))) as Reply;
    } catch (error) {
      // "Reached the max retries per request limit" hides why; what the socket said does not.
      const flushed = error instanceof Error && error.name === 'MaxRetriesPerRequestError';
      if (error instanceof Error && ANOTHER_SERVER.test(error.message)) lastError = error;
      const reason = flushed ? (lastError ?? new Error('the connection was closed')) : error;
      throw redisError(withoutCommand(reason), `${host}:${port}`);
    }
  }

  return {
    address: `${host}:${port}`,
    command,
    script: (script, keys, args) => evaluate(command, script, keys, args),
    close: async () => redis.disconnect(),
  };
}

/** The library hangs the command on its errors: passwords and payloads, not for a log. */
function withoutCommand(thrown: unknown): unknown {
  if (thrown instanceof Error && 'command' in thrown) delete thrown.command;
  return thrown;
}

function address(url: string): { host: string; port: string } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !/^rediss?:\/\//.test(url)) {
    throw new ConfigError(
      `The Redis URL must look like redis://[user:password@]host[:port][/database] or rediss://…; got ${JSON.stringify(withoutPassword(url))}.`,
    );
  }
  return { host: parsed.hostname || '127.0.0.1', port: parsed.port || '6379' };
}

/** A URL that could not be parsed may still hold a password. */
function withoutPassword(url: string): string {
  return url.replace(/^(.*\/\/)?.*@/s, '$1…@');
}
