import { describe, expect, test } from 'vitest';
import { redisError } from '../../../shared/broker/redis/errors.ts';
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

test('our own errors stay what they are', () => {
  const error = new ConfigError('the URL');
  expect(redisError(error, ADDRESS)).toBe(error);
});
