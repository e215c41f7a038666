import { Cluster, Command, Redis, type RedisOptions } from 'ioredis';
import type { Argument, RedisClient, Reply } from './client.ts';
import { evaluate } from './client.ts';
import { databaseError, redisError } from './errors.ts';
import { sentinelError } from './sentinel-errors.ts';
import { type HostPort, parseRedisUrl, type RedisTarget } from './url.ts';

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

type ServerTarget = Exclude<RedisTarget, { kind: 'cluster' }>;
type ClusterTarget = Extract<RedisTarget, { kind: 'cluster' }>;
type SentinelTarget = Extract<RedisTarget, { kind: 'sentinel' }>;

/** One way of talking to Redis through the library. */
interface Connection {
  send(command: Command): Promise<unknown>;
  /** The reason behind what the library threw; it often says only that a connection was closed. */
  reason(thrown: unknown): Promise<unknown>;
  close(): void;
}

/** Answers of a server that is not the primary (any more). */
const ANOTHER_SERVER = /^(READONLY|MASTERDOWN)/;
const CLOSED = 'Connection is closed.';

/**
 * Redis or Valkey over TCP or a Unix socket, through ioredis. Commands fail fast while the server is away; who calls
 * decides to try again.
 * @throws ConfigError for a URL that cannot be used; nothing is connected to before the first command
 */
export function tcpClient(options: TcpOptions): RedisClient {
  const parsed = parseRedisUrl(options.url);
  const { username = parsed.username, password = parsed.password } = options;
  const target = { ...parsed, username, password };
  const timeout = options.commandTimeout ?? 10_000;
  const connection = target.kind === 'cluster' ? toCluster(target, timeout) : toServer(target, timeout);
  let answered = false;

  async function command(args: readonly Argument[]): Promise<Reply> {
    const [name, ...rest] = args;
    try {
      // Not redis.callBuffer(name, ...rest): a hundred thousand arguments do not fit on the stack.
      const reply = await connection.send(new Command(String(name), rest as string[], { replyEncoding: null }));
      answered = true;
      return reply as Reply;
    } catch (error) {
      const reason = withoutCommand(await connection.reason(error));
      throw redisError(reason, { address: target.address, tls: target.tls, answered });
    }
  }

  return {
    address: target.address,
    ...(target.kind === 'cluster' ? { cluster: true } : {}),
    command,
    script: (script, keys, args) => evaluate(command, script, keys, args),
    close: async () => connection.close(),
  };
}

/** What all connections have in common. */
function optionsOf(target: RedisTarget, timeout: number) {
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
  } as const satisfies RedisOptions;
}

function toServer(target: ServerTarget, timeout: number): Connection {
  let failures = 0;
  let closed = false;
  let lastError: Error | undefined;
  let wrongDatabase: Error | undefined;
  let sentinelErrors: string[] = [];
  const options: Omit<RedisOptions, 'replyMapping'> = {
    ...optionsOf(target, timeout),
    ...placeOf(target),
    db: target.database,
    // Behind one name there may be another server after a failover: look it up anew.
    reconnectOnError: (error) => ANOTHER_SERVER.test(error.message),
    // Counted up to the next answer, not to the next connection: a server may accept one and hang up.
    retryStrategy: () => Math.min(50 * 2 ** ++failures, 1_000),
  };
  const redis = new Redis(options);
  // Each failed command rejects by itself with the reason; without a listener ioredis would print to the console.
  redis.on('error', (error: Error) => {
    lastError = error;
    if (!isRefusedSelect(error)) return;
    // The library would go on in database 0.
    wrongDatabase = error;
    redis.disconnect(true);
  });
  redis.on('sentinelError', (error: Error) => sentinelErrors.push(error.message));
  redis.on('connecting', () => {
    sentinelErrors = [];
  });
  let endWatch: (() => void) | undefined;
  redis.on('connect', () => {
    lastError = undefined;
    wrongDatabase = undefined;
    if (target.kind === 'sentinel') endWatch ??= onFailover(target, timeout, () => redis.disconnect(true));
  });

  return {
    async send(command) {
      // That is how it ends when no Sentinel has answered.
      if (redis.status === 'end' && !closed) redis.connect().catch(() => {});
      const reply = await redis.sendCommand(command);
      failures = 0;
      return reply;
    },
    async reason(thrown) {
      if (wrongDatabase) return databaseError(withoutCommand(wrongDatabase), target.database, target);
      if (target.kind === 'sentinel' && sentinelErrors.length > 0) {
        return sentinelError(sentinelErrors, target) ?? (await whyClosed(target, timeout)) ?? thrown;
      }
      if (!(thrown instanceof Error)) return thrown;
      if (ANOTHER_SERVER.test(thrown.message)) lastError = thrown;
      // "Reached the max retries per request limit" hides why; what the socket said does not.
      const hidden = thrown.name === 'MaxRetriesPerRequestError' || (thrown.message === CLOSED && !closed);
      return hidden ? (lastError ?? new Error('the connection was closed')) : thrown;
    },
    close() {
      closed = true;
      endWatch?.();
      redis.disconnect();
    },
  };
}

function placeOf(target: ServerTarget): RedisOptions {
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

/**
 * Hears of a failover from the Sentinels: an old primary that lives goes on taking writes for ten seconds, and loses them.
 * @returns ends it
 */
function onFailover(target: SentinelTarget, timeout: number, call: () => void): () => void {
  const { sentinelUsername: username, sentinelPassword: password } = target;
  // A connection that only listens is silent for days.
  const { socketTimeout, ...options } = optionsOf({ ...target, username, password }, timeout);
  const clients = target.nodes.map((node) => {
    const client = new Redis({ ...options, ...node, autoResubscribe: false, retryStrategy: () => 5_000 });
    // One Sentinel that is away is no harm, and all of them are noticed elsewhere.
    client.on('error', () => {});
    client.on('ready', () => client.subscribe('+switch-master').catch(() => {}));
    client.on('message', (_channel: string, text: string) => {
      if (text.startsWith(`${target.name} `)) call();
    });
    client.connect().catch(() => {});
    return client;
  });
  return () => {
    for (const client of clients) client.disconnect();
  };
}

function isRefusedSelect(error: Error): boolean {
  const { command } = error as { command?: { name?: unknown } };
  return command?.name === 'select';
}

function toCluster(target: ClusterTarget, timeout: number): Connection {
  const { lazyConnect, ...redisOptions } = optionsOf(target, timeout);
  const cluster = new Cluster([...target.nodes], {
    redisOptions,
    lazyConnect,
    enableReadyCheck: false,
    // Certificates are made out to names, so a name is not replaced by its address.
    dnsLookup: (name, callback) => callback(null, name),
    // Commands are not sent again after a broken connection, and wait for none: see above. The next one connects anew.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    clusterRetryStrategy: () => null,
    slotsRefreshTimeout: 5_000,
  });
  let closed = false;
  let opening: Promise<void> | undefined;
  let nodeError: Error | undefined;
  let onlyNode: Connection | undefined;
  cluster.on('error', () => {});
  cluster.on('node error', (error: Error) => {
    nodeError = error;
  });

  function open(): Promise<void> {
    nodeError = undefined;
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        cluster.off('ready', onReady).off('end', onEnd);
        settle();
      };
      const onReady = () => done(resolve);
      const onEnd = () => done(() => reject(nodeError ?? new Error(CLOSED)));
      cluster.once('ready', onReady).once('end', onEnd);
      if (cluster.status === 'wait' || cluster.status === 'end') cluster.connect().catch(() => {});
    });
  }

  return {
    async send(command) {
      if (onlyNode) return onlyNode.send(command);
      while (cluster.status !== 'ready' && !closed) {
        opening ??= open().finally(() => {
          opening = undefined;
        });
        await opening;
        // A node that has met no other does not know its own address, and the library then knows none at all.
        const [node] = target.nodes;
        if (node && cluster.nodes().length === 0)
          onlyNode ??= toServer({ ...target, ...node, kind: 'server' }, timeout);
        if (onlyNode) return onlyNode.send(command);
      }
      return cluster.sendCommand(command);
    },
    async reason(thrown) {
      if (onlyNode) return onlyNode.reason(thrown);
      if (closed || !(thrown instanceof Error) || thrown.message !== CLOSED) return thrown;
      return nodeError && nodeError.message !== CLOSED ? nodeError : ((await whyClosed(target, timeout)) ?? thrown);
    },
    close() {
      closed = true;
      onlyNode?.close();
      cluster.disconnect();
    },
  };
}

/** The library hides why no node of a cluster, or no Sentinel, can be reached: asked as single servers, they tell. */
async function whyClosed({ nodes, tls, family }: ClusterTarget | SentinelTarget, timeout: number): Promise<unknown> {
  const ask = async ({ host, port }: HostPort) => {
    const at = { address: `${host}:${port}`, host, port, tls, family, username: undefined, password: undefined };
    const single = toServer({ kind: 'server', ...at, database: 0 }, timeout);
    try {
      await single.send(new Command('PING', []));
      return undefined;
    } catch (error) {
      return await single.reason(error);
    } finally {
      single.close();
    }
  };
  // Who wants a password was reached.
  const reasons = (await Promise.all(nodes.map(ask))).filter((one) => !/NOAUTH/.test(String(one)));
  return reasons.find((one) => one !== undefined);
}

/** The library hangs the command on its errors: passwords and payloads, not for a log. */
function withoutCommand<Thrown>(thrown: Thrown): Thrown {
  if (thrown instanceof Error && 'command' in thrown) delete thrown.command;
  return thrown;
}
