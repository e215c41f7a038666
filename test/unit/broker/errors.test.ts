import { describe, expect, test } from 'vitest';
import { databaseError, redisError } from '../../../shared/broker/redis/errors.ts';
import {
  ConfigError,
  type LambdesqueError,
  RedisAuthError,
  RedisReplyError,
  RedisTypeError,
  RedisUnavailableError,
} from '../../../shared/errors.ts';

const ADDRESS = 'redis.example:6379';

/** What a Redis library throws for an error that Redis answered. */
function reply(message: string, name = 'ReplyError'): Error {
  return Object.assign(new Error(message), { name });
}

/** What a socket says. */
function network(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}

type ErrorClass = new (message: string) => LambdesqueError;

describe('an answer', () => {
  const unavailable = 'answered';
  const refuses = 'refuses the credentials';
  const sha = '0123456789abcdef0123456789abcdef01234567';

  test.each<[string, ErrorClass, string, RegExp]>([
    ['LOADING Redis is loading the dataset in memory', RedisUnavailableError, unavailable, /as soon as that is done/],
    ["READONLY You can't write against a read only replica.", RedisUnavailableError, unavailable, /the primary/],
    ["OOM command not allowed when used memory > 'maxmemory'.", RedisUnavailableError, unavailable, /raise maxmemory/],
    ['MISCONF Redis is configured to save RDB snapshots', RedisUnavailableError, unavailable, /Free disk space/],
    ['MASTERDOWN Link with MASTER is down', RedisUnavailableError, unavailable, /failover/],
    ['CLUSTERDOWN The cluster is down', RedisUnavailableError, unavailable, /Wait until it does/],
    ['TRYAGAIN Multiple keys request during rehashing', RedisUnavailableError, unavailable, /moving slots/],
    ['BUSY Redis is busy running a script.', RedisUnavailableError, unavailable, /SCRIPT KILL/],
    ['NOREPLICAS Not enough good replicas to write.', RedisUnavailableError, unavailable, /Bring them back/],
    [
      'WRONGPASS invalid username-password pair or user is disabled.',
      RedisAuthError,
      refuses,
      /Check user and password/,
    ],
    ['NOAUTH Authentication required.', RedisAuthError, refuses, /Check user and password/],
    ["NOPERM User app has no permissions to run the 'evalsha' command", RedisAuthError, refuses, /the user's ACL/],
    ['ERR invalid password', RedisAuthError, refuses, /Check/],
    [
      "ERR The user executing the script can't run this command or subcommand",
      RedisAuthError,
      refuses,
      /the user's ACL/,
    ],
    [
      'ERR AUTH <password> called without any password configured for the default user.',
      RedisAuthError,
      refuses,
      /Check/,
    ],
    ['NOAUTH Authentication required.', RedisAuthError, refuses, /none was given.*redis:\/\/user:password@host/],
    ['ERR Protocol error: unauthenticated multibulk length', RedisAuthError, refuses, /none was given/],
    ['ERR max number of clients reached', RedisUnavailableError, unavailable, /CLIENT LIST.*raise maxclients/],
    [
      "CROSSSLOT Keys in request don't hash to the same slot",
      ConfigError,
      'answered',
      /Redis Cluster.*hash tag, such as \{resque\}:/,
    ],
    ['MOVED 2409 10.0.0.2:6379', ConfigError, 'answered', /one node of a Redis Cluster.*\?cluster.*\{resque\}:/],
    ['ASK 2409 10.0.0.2:6379', ConfigError, 'answered', /one node of a Redis Cluster.*\?cluster/],
    ['ERR SELECT is not allowed in cluster mode', ConfigError, 'answered', /leave the database out and add \?cluster/],
    ['ERR This instance has cluster support disabled', ConfigError, 'answered', /leave \?cluster out/],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', RedisTypeError, 'answered', /RENAME or DEL/],
    ['ERR unknown command `FOO`', RedisReplyError, 'answered', /unknown command/],
    ['NOSCRIPT No matching script.', RedisReplyError, 'answered', /No matching script/],
    ['EXECABORT Transaction discarded', RedisReplyError, 'answered', /Transaction/],
  ])('%s', (message, kind, verb, remedy) => {
    const cause = reply(message);
    const error = redisError(cause, ADDRESS);
    expect(error).toBeInstanceOf(kind);
    expect(error.name).toBe(kind.name);
    expect(error.message).toContain(`Redis at ${ADDRESS} ${verb}`);
    expect(error.message).toContain(`"${message}"`);
    expect(error.message).toMatch(remedy);
    expect(error.cause).toMatchObject({ message });
  });

  test('protected mode is told in one sentence, with what to do', () => {
    const said =
      'DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the ' +
      'default user. In this mode connections are only accepted from the loopback interface. If you want to connect ' +
      'from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode';
    const error = redisError(reply(said), ADDRESS);
    expect(error).toBeInstanceOf(RedisAuthError);
    expect(error.message).toMatch(/protected mode.*requirepass.*redis:\/\/:password@host/);
    expect(error.message).not.toContain('disable protected mode');
  });

  test('an unknown command is told without what was sent with it; a Sentinel is thought of', () => {
    const said = "ERR unknown command 'EVALSHA', with args beginning with: '0abc' '2' 'resque:queues' 'private' ";
    const error = redisError(reply(said), ADDRESS);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(/"ERR unknown command 'EVALSHA'".*redis\+sentinel:\/\/host:port/);
    expect(error.message).not.toMatch(/private|0abc/);
  });

  test('what a server says before it hangs up, unasked, is its answer', () => {
    const said =
      'Command queue state error. If you can reproduce this, please report it. Last error: ERR max number of clients reached';
    expect(redisError(new Error(said), ADDRESS).message).toContain('answered "ERR max number of clients reached"');
  });

  test.each([
    ['WRONGTYPE not a list script: SHA, on @user_script:34.', RedisTypeError, 'WRONGTYPE not a list'],
    ['OOM no memory script: SHA, on @user_script:7.', RedisUnavailableError, 'OOM no memory'],
    [
      'ERR Error running script (call to f_SHA): @user_script:12: OOM no memory',
      RedisUnavailableError,
      'OOM no memory',
    ],
    [
      'ERR Error running script (call to f_SHA): @user_script:1: WRONGTYPE no list',
      RedisTypeError,
      'WRONGTYPE no list',
    ],
    ['user_script:12: READONLY a replica', RedisUnavailableError, 'READONLY a replica'],
  ])('in a script, %s, is told without the place in it', (message, kind, said) => {
    const error = redisError(reply(message.replaceAll('SHA', sha)), ADDRESS);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(`"${said}"`);
  });

  test.each([
    ['Unauthorized', RedisAuthError],
    ['WRONGPASS invalid or missing auth token', RedisAuthError],
    ['ERR unknown command', RedisReplyError],
    ['WRONGTYPE Operation against a key', RedisTypeError],
    ['OOM command not allowed', RedisUnavailableError],
  ])('over REST, %s', (message, kind) => {
    expect(redisError(reply(message, 'UpstashError'), ADDRESS)).toBeInstanceOf(kind);
  });

  test('keeps the words of Redis once', () => {
    const { message } = redisError(reply('ERR no such thing'), ADDRESS);
    expect(message).toBe(`Redis at ${ADDRESS} answered "ERR no such thing".`);
  });
});

describe('a Redis that cannot be reached', () => {
  const unreachable = (why: string) =>
    `Redis at ${ADDRESS} cannot be reached: ${why}. Check that it runs, the host and port, and the network between.`;

  test.each<[unknown, string]>([
    [network('connect ECONNREFUSED 127.0.0.1:6379', 'ECONNREFUSED'), 'connect ECONNREFUSED 127.0.0.1:6379'],
    [network('getaddrinfo ENOTFOUND redis.example', 'ENOTFOUND'), 'getaddrinfo ENOTFOUND redis.example'],
    [new Error('Command timed out'), 'Command timed out'],
    [new Error('Connection is closed.'), 'Connection is closed.'],
    [new TypeError('fetch failed', { cause: network('read ECONNRESET', 'ECONNRESET') }), 'read ECONNRESET'],
    [new AggregateError([network('connect ECONNREFUSED ::1:6379', 'ECONNREFUSED')]), 'connect ECONNREFUSED ::1:6379'],
    [
      new Error('fetch failed', { cause: new AggregateError([network('connect ETIMEDOUT', 'ETIMEDOUT')]) }),
      'connect ETIMEDOUT',
    ],
    [Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    ['gone', 'gone'],
    [null, 'null'],
  ])('case %#: says why', (thrown, why) => {
    const error = redisError(thrown, ADDRESS);
    expect(error).toBeInstanceOf(RedisUnavailableError);
    expect(error.message).toBe(unreachable(why));
  });

  test('is not mistaken for a Redis that answers, by capitals in the message', () => {
    expect(redisError(network('connect ETIMEDOUT', 'ETIMEDOUT'), ADDRESS).message).toContain('cannot be reached');
  });
});

describe('TLS', () => {
  const hints = {
    plain: 'the URL begins with rediss:// instead of redis://',
    tls: 'the URL begins with redis:// instead of rediss://',
    trust: 'NODE_EXTRA_CA_CERTS',
  };
  test.each<[string, Error, boolean | undefined, boolean, string | undefined]>([
    ['to a port without TLS', new Error('connect ETIMEDOUT'), true, false, hints.tls],
    ['to a port without TLS', new Error('SSL routines:ssl3_get_record:wrong version number'), true, false, hints.tls],
    [
      'to a port without TLS',
      new Error('Client network socket disconnected before secure TLS connection was established'),
      true,
      false,
      hints.tls,
    ],
    ['left out', network('write ECONNRESET', 'ECONNRESET'), false, false, hints.plain],
    ['left out', new Error('the connection was closed'), false, false, hints.plain],
    ['not the matter: it worked before', network('read ECONNRESET', 'ECONNRESET'), false, true, undefined],
    ['not the matter: it worked before', new Error('connect ETIMEDOUT'), true, true, undefined],
    [
      'not the matter: nobody is there',
      network('connect ECONNREFUSED 10.0.0.1:1', 'ECONNREFUSED'),
      false,
      false,
      undefined,
    ],
    ['not known', network('read ECONNRESET', 'ECONNRESET'), undefined, false, undefined],
    [
      'with a certificate nobody knows',
      network('self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT'),
      true,
      false,
      hints.trust,
    ],
    ['with an old certificate', network('certificate has expired', 'CERT_HAS_EXPIRED'), true, true, hints.trust],
    [
      "with another host's certificate",
      network("Hostname/IP does not match certificate's altnames", 'ERR_TLS_CERT_ALTNAME_INVALID'),
      true,
      false,
      hints.trust,
    ],
  ])('%s (case %#)', (_what, thrown, tls, answered, hint) => {
    const { message } = redisError(thrown, { address: ADDRESS, tls, answered });
    expect(Object.values(hints).filter((one) => message.includes(one))).toEqual(hint === undefined ? [] : [hint]);
    expect(message).toContain(`Redis at ${ADDRESS} cannot be reached: ${thrown.message}. `);
  });
});

test('of a socket, the settings that make one are named', () => {
  const error = redisError(network('connect ENOENT /run/x.sock', 'ENOENT'), { address: '/run/x.sock', tls: false });
  expect(error.message).toMatch(/\/run\/x\.sock cannot be reached: connect ENOENT.*unixsocket.*unixsocketperm/);
});

describe('a database that cannot be selected', () => {
  const at = { address: ADDRESS, tls: false };
  test.each<[string, ErrorClass, RegExp]>([
    [
      'ERR DB index is out of range',
      ConfigError,
      /no database 99: "ERR DB index is out of range".*0 to one less.*`databases`/,
    ],
    ["NOPERM this user has no permissions to run the 'select' command", RedisAuthError, /database 99.*\+select/],
    ['ERR SELECT is not allowed in cluster mode', ConfigError, /\?cluster/],
    ['NOAUTH Authentication required.', RedisAuthError, /Check user and password/],
    ['LOADING Redis is loading the dataset in memory', RedisUnavailableError, /loading its data/],
    ['ERR max number of clients reached', RedisUnavailableError, /maxclients/],
  ])('%s', (said, kind, says) => {
    const error = databaseError(reply(said), 99, at);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(says);
  });
});

test('our own errors stay what they are', () => {
  const error = new ConfigError('the URL');
  expect(redisError(error, ADDRESS)).toBe(error);
});
