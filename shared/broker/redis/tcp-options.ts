import { parseRedisUrl, type RedisTarget } from './url.ts';

export type ServerTarget = Exclude<RedisTarget, { kind: 'cluster' }>;

export interface TcpOptions {
  /** As `parseRedisUrl` takes it: one server, a socket, a cluster or Sentinels. */
  readonly url: string;
  /** Instead of the URL's. */
  readonly username?: string | undefined;
  /** Instead of the URL's. */
  readonly password?: string | undefined;
  /** Milliseconds a command may take before it counts as lost. @default 10000 */
  readonly commandTimeout?: number;
}

export function targetOf(options: TcpOptions): { readonly target: RedisTarget; readonly timeout: number } {
  const parsed = parseRedisUrl(options.url);
  const { username = parsed.username, password = parsed.password, commandTimeout: timeout = 10_000 } = options;
  return { target: { ...parsed, username, password }, timeout };
}

/** What all connections have in common, as ioredis takes it. */
export function optionsOf(target: RedisTarget, timeout: number) {
  return {
    protocol: 2,
    ...(target.username === undefined ? {} : { username: target.username }),
    ...(target.password === undefined ? {} : { password: target.password }),
    ...(target.tls ? { tls: {} } : {}),
    family: target.family,
    commandTimeout: timeout,
    // A connection that is dead without a word is replaced, not only its commands given up.
    socketTimeout: timeout,
    connectTimeout: 5_000,
    // A command that was on its way when the connection broke is reported, never sent again: only the caller knows
    // whether that is safe.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // What Redis says to the first command is what it has to say: that it is loading, or takes no more clients.
    enableReadyCheck: false,
    disableClientInfo: true,
    lazyConnect: true,
  } as const;
}

/** Where a server is, as ioredis takes it. */
export function placeOf(target: ServerTarget) {
  switch (target.kind) {
    case 'server':
      return { host: target.host, port: target.port };
    case 'socket':
      return { path: target.path };
    case 'sentinel':
      return {
        sentinels: target.nodes.map((node) => ({ ...node })),
        name: target.name,
        // Only the reply to INFO tells a primary that has just become a replica.
        enableReadyCheck: true,
        sentinelRetryStrategy: () => null,
        sentinelCommandTimeout: 5_000,
        ...(target.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
        ...(target.sentinelUsername === undefined ? {} : { sentinelUsername: target.sentinelUsername }),
        ...(target.sentinelPassword === undefined ? {} : { sentinelPassword: target.sentinelPassword }),
      };
  }
}
