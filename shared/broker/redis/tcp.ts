import { isIP, type Socket } from 'node:net';
import { Cluster, Command, Redis, type RedisOptions } from 'ioredis';
import type { Argument, RedisClient, RedisConnection, Reply, ServerPlace } from './client.ts';
import { evaluate } from './client.ts';
import { databaseError, redisError } from './errors.ts';
import { sentinelError } from './sentinel-errors.ts';
import { isRefusedSelect, withoutCommand } from './tcp-errors.ts';
import { optionsOf, placeOf, type ServerTarget, type TcpOptions, targetOf } from './tcp-options.ts';
import type { HostPort, RedisTarget } from './url.ts';

type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>;
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
/** Of a connection that only listens, ms: so that nothing on the way forgets it, and a dead one is found. */
const KEEP_ALIVE = 15_000;

/**
 * Redis or Valkey over TCP or a Unix socket, through ioredis. Commands fail fast while the server is away; who calls
 * decides to try again.
 * @throws ConfigError for a URL that cannot be used; nothing is connected to before the first command
 */
export function tcpClient(options: TcpOptions): RedisClient {
  const { target, timeout } = targetOf(options);
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

/**
 * One connection to one server, which may be silent for days. It is not made anew when it breaks.
 * @param at the server @default the one of the URL; of a cluster, the first node that answers
 */
export async function tcpConnection(options: TcpOptions, at?: ServerPlace): Promise<RedisConnection> {
  const { target, timeout } = targetOf(options);
  if (target.kind === 'cluster' && !at) {
    const tries = target.nodes.map((node) => () => tcpConnection(options, node));
    const [first, ...more] = tries as [() => Promise<RedisConnection>];
    return more.reduce((found, next) => found.catch(next), first());
  }
  const { socketTimeout, ...common } = optionsOf(target, timeout);
  const place = at ? { host: at.host, port: at.port } : placeOf(target as ServerTarget);
  const name = at ? at.servername : target.kind === 'server' ? target.host : undefined;
  const redis = new Redis({
    ...common,
    ...place,
    ...(target.tls && name !== undefined && isIP(name) === 0 ? { tls: { servername: name } } : {}),
    db: 'database' in target ? target.database : 0,
    keepAlive: KEEP_ALIVE,
    autoResubscribe: false,
    retryStrategy: () => null,
  } as ConnectionOptions);
  const failed = (error: unknown) => redisError(withoutCommand(error), { address: target.address, tls: target.tls });
  let reason: Error | undefined;
  redis.on('error', (error: Error) => {
    reason = error;
  });
  const closed = new Promise<void>((resolve) => redis.once('end', () => resolve()));
  /** Of one that has ended already, the library would wait two seconds for the end, and keep the process alive. */
  const close = () => {
    if (redis.status !== 'end') redis.disconnect();
  };
  try {
    await redis.connect();
  } catch (error) {
    close();
    throw failed(reason ?? error);
  }
  const { remoteAddress: host, remotePort: port } = redis.stream as Socket;
  return {
    server: host !== undefined && port !== undefined ? { host, port, servername: name } : undefined,
    async command(args) {
      const [command, ...rest] = args;
      try {
        return (await redis.sendCommand(
          new Command(String(command), rest as string[], { replyEncoding: null }),
        )) as Reply;
      } catch (error) {
        throw failed(error);
      }
    },
    async subscribe(channel, onMessage) {
      redis.on('messageBuffer', (_channel: Buffer, message: Reply) => onMessage(message));
      await redis.subscribe(channel).catch((error: unknown) => Promise.reject(failed(error)));
    },
    closed,
    close,
  };
}

function toServer(target: ServerTarget, timeout: number): Connection {
  let failures = 0;
  let closed = false;
  let lastError: Error | undefined;
  let wrongDatabase: Error | undefined;
  let sentinelErrors: string[] = [];
  const options: ConnectionOptions = {
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
