import { ConfigError } from '../../errors.ts';
import { shownUrl } from './shown-url.ts';

/**
 * The one grammar of Redis URLs, for the command line, the functions and programs alike:
 *
 *     redis://[user:password@]host[:port][/database]          one server; rediss:// with TLS
 *     redis://[user:password@]host:port[,host:port…]?cluster  a Redis Cluster; some of its nodes are enough
 *     redis+sentinel://[user:password@]host:port[,…]/name[/database]    the primary that Sentinels know by this name
 *     redis+unix://[user:password@]/path/of.sock[?db=1]       a Unix socket; unix:// and the path alone mean the same
 *
 * `valkey` may stand for `redis`; `rediss+sentinel` speaks TLS to the Sentinels as well. Options in the query:
 * `cluster`, `db`, `username`, `password`, `family` (4 or 6), `sentinelUsername` and `sentinelPassword`.
 */
export type RedisTarget =
  | (Common & { readonly kind: 'server'; readonly host: string; readonly port: number })
  | (Common & { readonly kind: 'socket'; readonly path: string })
  | (Common & { readonly kind: 'cluster'; readonly nodes: readonly HostPort[] })
  | (Common & {
      readonly kind: 'sentinel';
      readonly nodes: readonly HostPort[];
      /** What the Sentinels call the primary. */
      readonly name: string;
      readonly sentinelUsername: string | undefined;
      readonly sentinelPassword: string | undefined;
    });

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

interface Common {
  /** For messages: hosts and ports, or the path; never credentials. */
  readonly address: string;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** IP version; 0 for both. */
  readonly family: 0 | 4 | 6;
}

const FORM =
  'redis://[user:password@]host[:port][/database], rediss://… with TLS, redis://host:port,…?cluster, ' +
  'redis+sentinel://host:port,…/<name of the primary>[/database] or redis+unix:///path/of.sock';
const ENCODE =
  'In a user or password, percent-encode # as %23, / as %2F, ? as %3F, @ as %40, % as %25 and a space as %20, ' +
  'as encodeURIComponent does.';

const SCHEME = /^(?:unix|(?:redis|valkey)(s?)(?:[+-](unix|socket|sentinel|cluster))?)$/;
const PARTS = /^([a-z][a-z+-]*):\/\/(?:([^/?#]*)@)?([^/?#]*)([^?#]*)(?:\?([^#]*))?$/is;
const PORTS = { redis: 6379, sentinel: 26379 } as const;

/**
 * Takes a Redis URL apart.
 * @throws ConfigError that says what is wrong and how to write it; of what may be a password it shows nothing
 */
export function parseRedisUrl(url: string): RedisTarget {
  const text = url.trim();
  if (text.includes('#')) {
    throw new ConfigError(`The Redis URL holds a #, which would end it. ${ENCODE} Got ${shownUrl(text)}.`);
  }
  const [, scheme, userinfo, hosts = '', path = '', query] = PARTS.exec(text.replace(/^(?=\/)/, 'unix://')) ?? [];
  const [known, tls, how = scheme === 'unix' ? 'unix' : 'server'] = SCHEME.exec(scheme?.toLowerCase() ?? '') ?? [];
  if (known === undefined) {
    const upstash = /^https?:/i.test(text)
      ? " An https:// URL is one of Upstash's REST API, which goes with a token: give it as Upstash's."
      : '';
    throw new ConfigError(`The Redis URL must look like ${FORM}; got ${shownUrl(text)}.${upstash}`);
  }

  const options = optionsOf(query);
  const isSocket = how === 'unix' || how === 'socket';
  if (query?.includes('@') || (path.includes('@') && (!isSocket || hosts !== ''))) {
    throw new ConfigError(`The Redis URL has an @ behind a / or ?, which ends the user and password. ${ENCODE}`);
  }
  const common = { tls: tls === 's', ...credentialsOf(userinfo, options), family: familyOf(options) };
  if (isSocket) return socketOf(hosts, path, options, common);
  if (how === 'sentinel') return sentinelOf(hosts, path, options, common);
  if (/^\/.*[/.]/.test(path) && hosts === '') {
    throw new ConfigError('A Redis URL with the path of a socket is written redis+unix:///path/of.sock.');
  }
  const nodes = nodesOf(hosts, PORTS.redis);
  const database = databaseOf(path.slice(1), options);
  if (how === 'cluster' || clusterOf(options)) {
    if (database !== 0)
      throw new ConfigError(`A Redis Cluster has only the database 0; the Redis URL says ${database}.`);
    return { kind: 'cluster', nodes, ...common, database, address: listNodes(nodes) };
  }
  const [node = { host: '', port: 0 }, ...others] = nodes;
  if (others.length > 0) {
    throw new ConfigError(
      'The Redis URL names several hosts. For the nodes of a Redis Cluster, add ?cluster; for Sentinels, write ' +
        'redis+sentinel://host:port,host:port/<name of the primary>.',
    );
  }
  return { kind: 'server', ...node, ...common, database, address: listNodes(nodes) };
}

type Credentials = Pick<Common, 'username' | 'password'>;
type Given = Omit<Common, 'address' | 'database'>;

function socketOf(hosts: string, path: string, options: Options, common: Given): RedisTarget {
  if (hosts !== '' || path === '') {
    throw new ConfigError(`A socket's URL has three slashes before its path, as redis+unix:///path/of.sock. ${ENCODE}`);
  }
  if (clusterOf(options)) throw new ConfigError('A socket leads to one Redis: the option cluster does not go with it.');
  const file = decoded(path);
  return { kind: 'socket', path: file, ...common, database: databaseOf('', options), address: file };
}

function sentinelOf(hosts: string, path: string, options: Options, common: Given): RedisTarget {
  const [, name = '', database = ''] = path.split('/');
  if (name === '' || path.split('/').length > 3 || clusterOf(options)) {
    throw new ConfigError(
      'The URL of Sentinels names the primary that they watch: redis+sentinel://host:port,host:port/<name>[/database], ' +
        'such as redis+sentinel://10.0.0.1:26379,10.0.0.2:26379/mymaster.',
    );
  }
  const nodes = nodesOf(hosts, PORTS.sentinel);
  const primary = decoded(name);
  return {
    kind: 'sentinel',
    nodes,
    name: primary,
    sentinelUsername: options.get('sentinelusername'),
    sentinelPassword: options.get('sentinelpassword'),
    ...common,
    database: databaseOf(database, options),
    address: `${primary} (Sentinels ${listNodes(nodes)})`,
  };
}

function credentialsOf(userinfo: string | undefined, options: Options): Credentials {
  const query = { username: options.get('username') ?? options.get('user'), password: options.get('password') };
  if (userinfo === undefined || userinfo === '') return query;
  if (query.username !== undefined || query.password !== undefined) {
    throw new ConfigError('The Redis URL has a user or password twice: before the @ and in its query. Leave one out.');
  }
  const colon = userinfo.indexOf(':');
  const [user, password] = colon === -1 ? [userinfo, undefined] : [userinfo.slice(0, colon), userinfo.slice(colon + 1)];
  return { username: decoded(user) || undefined, password: password === undefined ? undefined : decoded(password) };
}

/** What is not valid percent-encoding is most often a password with a % of its own. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError(`The Redis URL holds a % that is not followed by the hexadecimal code of UTF-8. ${ENCODE}`);
  }
}

function nodesOf(hosts: string, defaultPort: number): readonly HostPort[] {
  return hosts.split(',').map((one) => {
    const [, bracketed, plain = '', port] = /^(?:\[([\da-f:.]+)\]|([^\s:[\]]*))(?::(\d+))?$/i.exec(one) ?? [
      '',
      '',
      '',
      'x',
    ];
    const number = port === undefined ? defaultPort : Number(port);
    if (!(number >= 1 && number <= 65_535)) {
      throw new ConfigError(
        `The Redis URL must look like ${FORM}; between // and the next / it has no host with a port from 1 to 65535. ${ENCODE}`,
      );
    }
    return { host: bracketed ?? (plain || '127.0.0.1'), port: number };
  });
}

/** `host:port,host:port` */
export function listNodes(nodes: readonly HostPort[]): string {
  return nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
}

function databaseOf(inPath: string, options: Options): number {
  const inQuery = options.get('db') ?? options.get('database');
  if (inPath !== '' && inQuery !== undefined && inPath !== inQuery) {
    throw new ConfigError('The Redis URL names two databases: in its path and in its query. Leave one out.');
  }
  const text = inPath || (inQuery ?? '0');
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const got = /^[\w-]{1,20}$/.test(text) ? `; got ${JSON.stringify(text)}` : '';
  throw new ConfigError(
    `The database in a Redis URL is a whole number, such as 0 in redis://host:6379/0${got}. ` +
      'Most servers have the databases 0 to 15, a cluster and many hosted ones only 0.',
  );
}

/** By name in lower case, without - and _. */
type Options = ReadonlyMap<string, string>;
const OPTIONS = 'cluster, db, username, password, family, sentinelUsername and sentinelPassword';
const NAMES = new Set([...OPTIONS.toLowerCase().split(/, | and /), 'user', 'database']);

function optionsOf(query = ''): Options {
  const pairs = query.split('&').filter((one) => one !== '');
  return new Map(
    pairs.map((pair) => {
      const [name = '', ...value] = pair.split('=');
      const key = name.toLowerCase().replace(/[-_]/g, '');
      if (!NAMES.has(key)) {
        throw new ConfigError(`The Redis URL has an option that is not known; there are ${OPTIONS}. ${ENCODE}`);
      }
      return [key, decoded(value.join('='))];
    }),
  );
}

function clusterOf(options: Options): boolean {
  const value = options.get('cluster');
  if (value === undefined || /^(false|0)$/i.test(value)) return false;
  if (/^(true|1|)$/i.test(value)) return true;
  throw new ConfigError('The option cluster of a Redis URL is given as ?cluster, or as true or false.');
}

function familyOf(options: Options): Common['family'] {
  const value = Number(options.get('family') ?? 0);
  if (value === 0 || value === 4 || value === 6) return value;
  throw new ConfigError('The option family of a Redis URL is 4 or 6, or 0 for both.');
}
