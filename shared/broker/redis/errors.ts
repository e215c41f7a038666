import {
  ConfigError,
  LambdesqueError,
  RedisAuthError,
  RedisReplyError,
  RedisTypeError,
  RedisUnavailableError,
} from '../../errors.ts';

/** What is known of the connection that an error came over. */
interface ConnectionInfo {
  /** Host and port or path, for the message; never credentials. */
  readonly address: string;
  /** Whether the URL asks for TLS; undefined where there is no such choice. */
  readonly tls?: boolean | undefined;
  /** Has this server ever answered? Then it is not the wrong port. */
  readonly answered?: boolean;
}

/** Answers by which Redis says "not now": the first word of the error reply, and what to do about it. */
const NOT_NOW: Readonly<Record<string, string>> = {
  LOADING: 'Redis is loading its data; it answers as soon as that is done.',
  READONLY: 'This Redis is a read-only replica. Point the URL at the primary, or wait for the failover to end.',
  OOM: 'Redis is out of memory (maxmemory reached, policy noeviction). Free memory or raise maxmemory.',
  MISCONF: 'Redis cannot write its snapshot and refuses writes. Free disk space on the Redis host; its log says more.',
  MASTERDOWN: 'The replica has lost its primary. Wait for the failover, or point the URL at the primary.',
  CLUSTERDOWN: 'The cluster does not serve all slots. Wait until it does.',
  TRYAGAIN: 'The cluster is moving slots. It answers when that is done.',
  BUSY: 'A script blocks Redis. It answers when the script ends; SCRIPT KILL ends it sooner.',
  NOREPLICAS: 'Too few replicas are connected (min-replicas-to-write). Bring them back.',
};

/** Refusals of a login, or of what it may do. */
const AUTH: readonly (readonly [RegExp, string])[] = [
  // Of a command with many arguments, Redis does not even hear the name.
  [
    /\bNOAUTH\b|unauthenticated (multi)?bulk/,
    'Check user and password: none was given. Put them into the URL, redis://user:password@host.',
  ],
  [
    /^DENIED/,
    'It is in protected mode: it has no password, and answers only to its own machine. Set one there (requirepass) and ' +
      'put it into the URL, redis://:password@host.',
  ],
  [
    /\bNOPERM\b|user executing the script can't/,
    "Check the user's ACL (ACL LIST): Lambdesque needs the keys ~<namespace>* and the commands +@read +@write +@scripting " +
      '+@connection, and +time if the clock of Redis is to count.',
  ],
  [
    /\bWRONGPASS\b|invalid password|unauthori[sz]ed|invalid or missing auth token|without any password configured/i,
    "Check user and password (or token), and the user's ACL.",
  ],
];

/** Mistakes in what was configured: no later try does better. */
const MISTAKES: readonly (readonly [RegExp, string])[] = [
  [
    /\bCROSSSLOT\b|non[- ]local key/,
    'It is a Redis Cluster, where all keys of a namespace have to be in one slot: give a namespace with a hash tag, ' +
      'such as {resque}: (the default where the URL says ?cluster), here and to every producer.',
  ],
  [
    /^(MOVED|ASK) /,
    'It is one node of a Redis Cluster, and the keys are on another. Add ?cluster to the URL, and let the namespace be a ' +
      'hash tag, such as {resque}:.',
  ],
  [
    /select is not allowed in cluster mode/i,
    'It is a node of a Redis Cluster, which has only the database 0: leave the database out and add ?cluster to the URL.',
  ],
  [/cluster support disabled/i, 'It is no Redis Cluster but a single server: leave ?cluster out of the URL.'],
  [
    /unknown command [`'"]?(evalsha|eval|select|exists|get|llen|lrange|hget|hgetall|scard|smembers|zcard|zrange)\b/i,
    'It does not know this command, so it is no Redis for data. If it is a Sentinel, its URL is ' +
      'redis+sentinel://host:port/<name of the primary>; if it is a proxy, connect to Redis itself.',
  ],
];

/** What OpenSSL says of one, by message or code. */
const NO_CERTIFICATE = /certificate|CERT_|self.signed|altnames/i;
/** `user_script:12: ` and ` script: <sha>, on @user_script:12.` are where a script failed, not what failed. */
const SCRIPT_PLACE =
  /^ERR Error running script.*?: @?user_script:\d+: |^user_script:\d+: | script: [0-9a-f]{40}, on @user_script:\d+\.?/g;
/** What ioredis puts before an answer to nothing: a server that refuses a connection says so and hangs up. */
const UNASKED = /^Command queue state error\. .* Last error: /;
/** Redis repeats what it was sent: payloads are not for a log. */
const ARGUMENTS = /, with args beginning with: [\s\S]*$/;

/**
 * The error that a caller can act on, for whatever a Redis library threw.
 * @param connection what is known of it, or only its address
 */
export function redisError(thrown: unknown, connection: string | ConnectionInfo): LambdesqueError {
  if (thrown instanceof LambdesqueError) return thrown;
  const info = typeof connection === 'string' ? { address: connection } : connection;
  const { address } = info;
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
  const said = cause.message.replace(SCRIPT_PLACE, '').replace(UNASKED, '').replace(ARGUMENTS, '');
  const code = /\b([A-Z]{3,})\b/.exec(said)?.[1] ?? '';
  const answered = `Redis at ${address} answered "${said}"`;
  const remedy = NOT_NOW[code];
  if (remedy !== undefined) return new RedisUnavailableError(`${answered}. ${remedy}`, { cause });
  if (/max number of clients/i.test(said)) {
    return new RedisUnavailableError(
      `${answered}. It takes no more connections (maxclients). Close some (CLIENT LIST shows them), run fewer workers, or raise maxclients.`,
      { cause },
    );
  }
  const refusal = AUTH.find(([pattern]) => pattern.test(said));
  if (refusal) {
    const short = said.startsWith('DENIED') ? said.slice(0, said.indexOf('.')) : said;
    return new RedisAuthError(`Redis at ${address} refuses the credentials: "${short}". ${refusal[1]}`, { cause });
  }
  if (said.includes('WRONGTYPE')) {
    return new RedisTypeError(
      `${answered}: a key in this namespace has another type than Resque gives it. ` +
        'Find it with TYPE <key>, then RENAME or DEL it.',
      { cause },
    );
  }
  const mistake = MISTAKES.find(([pattern]) => pattern.test(said));
  if (mistake) return new ConfigError(`${answered}. ${mistake[1]}`, { cause });
  if (isReply(cause)) return new RedisReplyError(`${answered}.`, { cause });
  const why = reason(cause);
  return new RedisUnavailableError(`Redis at ${address} cannot be reached: ${why}. ${unreachable(why, cause, info)}`, {
    cause,
  });
}

/** The error of a server that did not let us into the database that the URL names. */
export function databaseError(thrown: Error, database: number, connection: ConnectionInfo): LambdesqueError {
  const error = redisError(thrown, connection);
  const { address } = connection;
  if (/\bNOPERM\b/.test(thrown.message)) {
    return new RedisAuthError(
      `Redis at ${address} does not let this user into database ${database}: "${thrown.message}". ` +
        'Allow it (ACL SETUSER <user> +select), or use the database 0, which needs no SELECT.',
      { cause: thrown },
    );
  }
  if (!(error instanceof RedisReplyError)) return error;
  return new ConfigError(
    `Redis at ${address} has no database ${database}: "${thrown.message}". Allowed are 0 to one less than its setting ` +
      '`databases`, which is 16 unless somebody changed it; a cluster and many hosted servers have only 0.',
    { cause: thrown },
  );
}

function unreachable(why: string, cause: Error, { address, tls, answered }: ConnectionInfo): string {
  const hungUp = /ECONNRESET|EPIPE|EPROTO|ETIMEDOUT|closed|disconnected|time(d )?out|wrong version number/i.test(why);
  if (tls === true && NO_CERTIFICATE.test(`${why} ${(cause as NodeJS.ErrnoException).code ?? ''}`)) {
    return (
      "Node.js does not trust its certificate. Name the file with its CA's certificate in the environment variable " +
      'NODE_EXTRA_CA_CERTS, and use the host name that the certificate was made for.'
    );
  }
  if (tls === true && hungUp && !answered) {
    return 'There was no TLS handshake. If this port has no TLS, the URL begins with redis:// instead of rediss://; else check the host and port, and the network between.';
  }
  // Some that speak TLS hang up on what is none; others wait for more, in silence.
  if (tls === false && /ECONNRESET|EPIPE|closed|Protocol error|\btime(d )?out/i.test(why) && !answered) {
    return 'If this port speaks TLS, as most hosted ones do, the URL begins with rediss:// instead of redis://; else check that Redis runs, the host and port, and the network between.';
  }
  if (address.startsWith('/')) {
    return "Check that Redis runs, that its setting unixsocket names this file, and that unixsocketperm lets this process's user write to it.";
  }
  return 'Check that it runs, the host and port, and the network between.';
}

/** Did Redis say it, rather than the network? */
function isReply(error: Error): boolean {
  // What Redis says opens with its code; what a gateway before Upstash says does not.
  return error.name === 'ReplyError' || (error.name === 'UpstashError' && /^[A-Z]{3,}\b/.test(error.message));
}

/** The innermost message: `fetch failed` alone says nothing, its cause does. */
function reason(error: Error): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return reason(error.errors[0]);
  if (error.name === 'UpstashJSONParseError') return error.message.slice(0, 200);
  if (error.cause instanceof Error) return reason(error.cause);
  const { code } = error as NodeJS.ErrnoException;
  return error.message || code || error.name;
}
