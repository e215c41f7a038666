import { isIPv6 } from 'node:net';
import { environment } from '../../env.ts';
import { ConfigError } from '../../errors.ts';
import { kindOf, type OptionsOf, shown } from '../../options.ts';
import type { RedisClient } from './client.ts';
import { namedUrl } from './named-url.ts';
import { checkRest } from './rest.ts';
import { shownUrl } from './shown-url.ts';
import { parseRedisUrl } from './url.ts';

/** Which Redis: a URL, or the parts of one. */
export interface RedisOptions {
  /**
   * `redis://[user:password@]host[:port][/database]`, `rediss://…` with TLS, `redis://host:port,…?cluster`,
   * `redis+sentinel://host:port,…/name`, the path of a socket; or `https://…` of Upstash's REST API, with its `token`.
   * @default what `REDIS_URL` has, or the variable that `REDIS_PROVIDER` names; else `UPSTASH_REDIS_REST_URL`; else
   * `redis://localhost:6379/`
   */
  readonly url?: string | undefined;
  /** Of Upstash's REST API. @default `UPSTASH_REDIS_REST_TOKEN` */
  readonly token?: string | undefined;
  /** Instead of a URL. @default 'localhost' where another part is given */
  readonly host?: string | undefined;
  /** @default 6379 */
  readonly port?: number | undefined;
  /** Instead of the URL's. */
  readonly username?: string | undefined;
  /** Instead of the URL's. */
  readonly password?: string | undefined;
  /** Number of the database. @default 0 */
  readonly database?: number | undefined;
  /** TLS, where there is no URL to say so. @default false */
  readonly tls?: boolean | undefined;
}

export const redisOptionNames = {
  url: true,
  token: true,
  host: true,
  port: true,
  username: true,
  password: true,
  database: true,
  tls: true,
} satisfies OptionsOf<RedisOptions>;

/** How messages name the options: in a program or on a command line. */
interface RedisOptionNames {
  readonly token: string;
}

const inPrograms: RedisOptionNames = { token: 'token' };

/**
 * A client of any Redis. Its library is loaded, and a connection made, with the first command: only the one that is needed.
 * @throws ConfigError for what cannot be a Redis
 */
export function openRedis(given: RedisOptions, env = environment, names = inPrograms): RedisClient {
  const options = resolved(given, env);
  const isRest = options.token !== undefined || /^https?:/i.test(options.url);
  return isRest ? overRest(options, env, names) : overTcp(options);
}

interface Resolved extends RedisOptions {
  readonly url: string;
}

function resolved(given: RedisOptions, env: typeof environment): Resolved {
  checkParts(given);
  const { host, port, database, tls, url } = given;
  const byParts = host !== undefined || port !== undefined || database !== undefined || tls !== undefined;
  if (url !== undefined && byParts) {
    throw new ConfigError('url goes alone: host, port, database and tls are parts of it. Give one or the other.');
  }
  if (url !== undefined) return { ...given, url };
  if (byParts) return { ...given, url: urlOf(given) };
  return { ...given, url: namedUrl(env)?.url ?? env['UPSTASH_REDIS_REST_URL'] ?? 'redis://localhost:6379/' };
}

/** @throws ConfigError naming the part; of what may be secret it tells nothing */
function checkParts(given: RedisOptions): void {
  for (const name of ['url', 'token', 'username', 'password'] as const) {
    const value: unknown = given[name];
    if (value === undefined || typeof value === 'string') continue;
    throw new ConfigError(`${name} must be a text; got one of the type ${kindOf(value)}.`);
  }
  const { host, port, database, tls } = given;
  if (host !== undefined && !isHost(host)) {
    throw new ConfigError(
      `host must be a name or an address, such as 'localhost', without a port; a URL goes into url. ` +
        `Got ${typeof host === 'string' && host.includes('@') ? 'a text with an @' : shown(host)}.`,
    );
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw new ConfigError(`port must be a whole number from 1 to 65535; got ${shown(port)}.`);
  }
  if (database !== undefined && !(Number.isInteger(database) && database >= 0)) {
    throw new ConfigError(`database must be a whole number, 0 or more; got ${shown(database)}.`);
  }
  if (tls !== undefined && typeof tls !== 'boolean') {
    throw new ConfigError(`tls must be one of true, false; got ${shown(tls)}.`);
  }
}

function isHost(host: unknown): boolean {
  if (typeof host !== 'string' || !/^[^\s/@?#,]+$/.test(host)) return false;
  return !host.includes(':') || isIPv6(host.replace(/^\[(.*)\]$/, '$1'));
}

function urlOf({ host = 'localhost', port = 6379, database = 0, tls = false }: RedisOptions): string {
  const shown = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `redis${tls ? 's' : ''}://${shown}:${port}/${database}`;
}

function overTcp({ url, username, password }: Resolved): RedisClient {
  const { address, kind } = parseRedisUrl(url);
  const client = loadedLater(address, kind === 'cluster', async () => {
    const { tcpClient } = await import('./tcp.ts');
    return tcpClient({ url, username, password });
  });
  return {
    ...client,
    async connect(at) {
      const { tcpConnection } = await import('./tcp.ts');
      return tcpConnection({ url, username, password }, at);
    },
  };
}

function overRest(options: Resolved, env: typeof environment, names: RedisOptionNames): RedisClient {
  const { url, token = env['UPSTASH_REDIS_REST_TOKEN'] } = options;
  if (!token) {
    throw new ConfigError(
      `${shownUrl(url)} is a URL of Upstash's REST API, which needs its token: give ${names.token}, or set UPSTASH_REDIS_REST_TOKEN.`,
    );
  }
  if (options.username !== undefined || options.password !== undefined) {
    throw new ConfigError(`Upstash's REST API takes a ${names.token}, and no username or password.`);
  }
  checkRest(url, token);
  return loadedLater(new URL(url).host, false, async () => {
    const { upstashClient } = await import('./upstash.ts');
    return upstashClient({ url, token });
  });
}

/** A client whose library is loaded when it is first needed. */
function loadedLater(address: string, cluster: boolean, load: () => Promise<RedisClient>): RedisClient {
  let loading: Promise<RedisClient> | undefined;
  let loaded: RedisClient | undefined;
  let closed = false;
  const client = async () => {
    if (closed) throw new ConfigError(`The client of Redis at ${address} is closed. Make a new one.`);
    loading ??= load();
    const one = await loading;
    if (!closed) loaded = one;
    return one;
  };
  return {
    address,
    ...(cluster ? { cluster } : {}),
    command: (args) => (loaded ? loaded.command(args) : client().then((one) => one.command(args))),
    script: (script, keys, args) =>
      loaded ? loaded.script(script, keys, args) : client().then((one) => one.script(script, keys, args)),
    async close() {
      closed = true;
      loaded = undefined;
      await (await loading)?.close();
    },
  };
}
