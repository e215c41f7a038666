import { namedUrl } from '../../../shared/internal.ts';
import { type Env, findServer, installServer, type Machine, thisMachine } from './install.ts';
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

interface LocalRedisOptions {
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
 * @throws LocalRedisError, ConfigError
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

// Host and port only, and only where no part of a password (a `/` or `?` left unescaped) can pass for one of them.
const PLAIN_URL = /^rediss?:\/\/(?:[^/?#]*@)?((?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?)(?:\/\d*)?(?:\?[^@]*)?$/i;

function describeUrl(url: string, variable: string): string {
  const host = PLAIN_URL.exec(url)?.[1];
  return host === undefined ? `the Redis that ${variable} names` : `Redis at ${host}, from ${variable}`;
}
