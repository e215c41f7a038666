import {
  LambdesqueError,
  RedisAuthError,
  RedisReplyError,
  RedisTypeError,
  RedisUnavailableError,
} from '../../errors.ts';

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

const AUTH = new Set(['WRONGPASS', 'NOAUTH', 'NOPERM']);
const AUTH_TEXT =
  /user executing the script can't|invalid password|unauthori[sz]ed|invalid or missing auth token|without any password configured/i;
/** `user_script:12: ` and ` script: <sha>, on @user_script:12.` are where a script failed, not what failed. */
const SCRIPT_PLACE =
  /^ERR Error running script.*?: @?user_script:\d+: |^user_script:\d+: | script: [0-9a-f]{40}, on @user_script:\d+\.?/g;

/**
 * The error that a caller can act on, for whatever a Redis library threw.
 * @param address host and port, for the message
 */
export function redisError(thrown: unknown, address: string): LambdesqueError {
  if (thrown instanceof LambdesqueError) return thrown;
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
  const said = cause.message.replace(SCRIPT_PLACE, '');
  const code = /\b([A-Z]{3,})\b/.exec(said)?.[1] ?? '';
  const remedy = NOT_NOW[code];
  if (remedy !== undefined) {
    return new RedisUnavailableError(`Redis at ${address} answered "${said}". ${remedy}`, { cause });
  }
  if (AUTH.has(code) || AUTH_TEXT.test(said)) {
    return new RedisAuthError(
      `Redis at ${address} refuses the credentials: "${said}". Check user and password (or token), and the user's ACL.`,
      { cause },
    );
  }
  if (said.includes('WRONGTYPE')) {
    return new RedisTypeError(
      `Redis at ${address} answered "${said}": a key in this namespace has another type than Resque gives it. ` +
        'Find it with TYPE <key>, then RENAME or DEL it.',
      { cause },
    );
  }
  if (isReply(cause)) return new RedisReplyError(`Redis at ${address} answered "${said}".`, { cause });
  return new RedisUnavailableError(
    `Redis at ${address} cannot be reached: ${reason(cause)}. Check that it runs, the host and port, and the network between.`,
    { cause },
  );
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
