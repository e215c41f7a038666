import { type Env, findServer, installServer, LocalRedisError, type Machine, thisMachine } from './install.ts';
import { startServer } from './server.ts';

/** A Redis for the commands that run the system on one machine. */
export interface LocalRedis {
  readonly url: string;
  /** true: we started it, and it stops with us. */
  readonly started: boolean;
  /** One readable line: where it came from; never the password. */
  readonly description: string;
  /** Ends a server that we started and removes its folder; leaves any other alone. Safe to call again. */
  stop(): Promise<void>;
}

export interface LocalRedisOptions {
  readonly env: Env;
  /** Gets a line for each thing done to the machine. */
  readonly say: (line: string) => void;
  /** @default the machine this process runs on */
  readonly machine?: Machine;
  /** @default startServer */
  readonly start?: typeof startServer;
}

/**
 * The Redis that the environment names (`REDIS_URL`, or the variable that `REDIS_PROVIDER` names); else an own server
 * from the PATH, installed first where that needs no question. An own server is separate from any service on port 6379.
 * @throws LocalRedisError
 */
export async function localRedis(options: LocalRedisOptions): Promise<LocalRedis> {
  const { env, say, machine = thisMachine(env), start = startServer } = options;
  const named = namedUrl(env);
  if (named) {
    return {
      url: named.url,
      started: false,
      description: describeUrl(named.url, named.variable),
      stop: async () => {},
    };
  }

  const program = findServer(machine) ?? (await installServer(machine, say));
  const { port, stop } = await start(program, env);
  return {
    url: `redis://127.0.0.1:${port}`,
    started: true,
    description: `own server on 127.0.0.1:${port} (${program}), in memory only, ends with this process`,
    stop,
  };
}

/**
 * The URL that the environment names, and the variable that holds it; `REDIS_PROVIDER` goes first, as in goworker.
 * @throws LocalRedisError if `REDIS_PROVIDER` names nothing
 */
export function namedUrl(env: Env): { readonly url: string; readonly variable: string } | undefined {
  const variable = urlVariable(env);
  const url = env[variable];
  return url ? { url, variable } : undefined;
}

function urlVariable(env: Env): string {
  const provider = env['REDIS_PROVIDER'];
  if (!provider) return 'REDIS_URL';
  if (!/^\w+$/.test(provider)) {
    // Often the URL itself: not repeated, for the password in it.
    throw new LocalRedisError(
      'REDIS_PROVIDER is not the name of an environment variable. Set it to the name of the variable that holds the ' +
        'URL, or put the URL itself in REDIS_URL and unset REDIS_PROVIDER.',
    );
  }
  if (!env[provider]) {
    throw new LocalRedisError(
      `REDIS_PROVIDER is ${provider}, but ${provider} is ${env[provider] === '' ? 'empty' : 'not set'}. ` +
        `Set ${provider} to a redis:// or rediss:// URL, or unset REDIS_PROVIDER.`,
    );
  }
  return provider;
}

// Host and port only, and only where no part of a password (a `/` or `?` left unescaped) can pass for one of them.
const PLAIN_URL = /^rediss?:\/\/(?:[^/?#]*@)?((?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?)(?:\/\d*)?(?:\?[^@]*)?$/i;

function describeUrl(url: string, variable: string): string {
  const host = PLAIN_URL.exec(url)?.[1];
  return host === undefined ? `the Redis that ${variable} names` : `Redis at ${host}, from ${variable}`;
}
