import { describe, expect, test } from 'vitest';
import { parseRedisUrl, type RedisTarget } from '../../../shared/broker/redis/url.ts';
import { ConfigError } from '../../../shared/errors.ts';

type Fields = Partial<Record<string, unknown>>;

describe('one server', () => {
  test.each<[string, string, Fields]>([
    ['redis://', '127.0.0.1:6379', { database: 0, tls: false, username: undefined, password: undefined }],
    ['redis://cache.example', 'cache.example:6379', {}],
    [' redis://cache.example:6380/2\n', 'cache.example:6380', { database: 2 }],
    ['redis://localhost:6379/', 'localhost:6379', { database: 0 }],
    ['redis:///3', '127.0.0.1:6379', { database: 3 }],
    ['redis://h?db=4', 'h:6379', { database: 4 }],
    ['rediss://:s3cret@10.0.0.5', '10.0.0.5:6379', { tls: true, username: undefined, password: 's3cret' }],
    ['REDIS://app:s3cret@h:1', 'h:1', { username: 'app', password: 's3cret' }],
    ['redis://app@h', 'h:6379', { username: 'app', password: undefined }],
    ['redis://[::1]:7000/1', '[::1]:7000', { host: '::1', port: 7000, database: 1 }],
    ['valkey://h:1', 'h:1', { tls: false }],
    ['valkeys://h:1', 'h:1', { tls: true }],
    ['redis://h?family=6', 'h:6379', { family: 6 }],
    ['redis://h?cluster=false', 'h:6379', {}],
  ])('%s', (url, address, fields) => {
    expect(parseRedisUrl(url)).toMatchObject({ kind: 'server', address, ...fields });
  });

  test.each([
    ['a%23b%2Fc%3Fd%40e%25f%20g%C3%A4', 'a#b/c?d@e%f gä'],
    ['p@ss:word', 'p@ss:word'],
    ['two words', 'two words'],
    ['pässwörd☃', 'pässwörd☃'],
    ["!$&'()*+,;=-._~[]", "!$&'()*+,;=-._~[]"],
  ])('the password %s is %s: only what would end it has to be encoded', (written, password) => {
    expect(parseRedisUrl(`redis://app:${written}@h:1/2`)).toMatchObject({ username: 'app', password, database: 2 });
    expect(parseRedisUrl(`redis://h:1/2?username=app&password=${encodeURIComponent(password)}`)).toMatchObject({
      username: 'app',
      password,
    });
  });
});

describe('a socket', () => {
  test.each<[string, Fields]>([
    ['redis+unix:///run/redis/x.sock', { database: 0 }],
    ['unix:///run/redis/x.sock?db=2', { database: 2 }],
    ['unix://app:s3cret@/run/redis/x.sock?database=2', { username: 'app', password: 's3cret', database: 2 }],
    ['redis+socket:///run/redis/x.sock?password=s3%23cret', { username: undefined, password: 's3#cret' }],
    ['/run/redis/x.sock', { database: 0 }],
    ['/run/redis/x.sock?db=1&password=s3cret', { database: 1, password: 's3cret' }],
  ])('%s', (url, fields) => {
    const target = { kind: 'socket', path: '/run/redis/x.sock', address: '/run/redis/x.sock' };
    expect(parseRedisUrl(url)).toMatchObject({ ...target, ...fields });
  });

  test('may have an @ or a blank in its name', () => {
    expect(parseRedisUrl('unix:///tmp/a@b%20c.sock')).toMatchObject({ path: '/tmp/a@b c.sock' });
  });
});

describe('a cluster', () => {
  const nodes = [
    { host: 'a', port: 7000 },
    { host: '10.0.0.2', port: 6379 },
  ];

  test.each<[string, Fields]>([
    ['redis://a:7000,10.0.0.2?cluster', {}],
    ['redis://a:7000,10.0.0.2/?cluster=true', {}],
    ['redis+cluster://a:7000,10.0.0.2/0', {}],
    ['rediss://app:s3@cret@a:7000,10.0.0.2/0?cluster', { tls: true, username: 'app', password: 's3@cret' }],
  ])('%s', (url, fields) => {
    expect(parseRedisUrl(url)).toMatchObject({ kind: 'cluster', nodes, address: 'a:7000,10.0.0.2:6379', ...fields });
  });

  test('is found through one of its nodes', () => {
    expect(parseRedisUrl('redis://a:7000?cluster')).toMatchObject({ kind: 'cluster', nodes: [nodes[0]] });
  });
});

describe('Sentinels', () => {
  const nodes = [
    { host: 'a', port: 26379 },
    { host: 'b', port: 7001 },
  ];

  test.each<[string, Fields]>([
    ['redis+sentinel://a,b:7001/mymaster', { database: 0, tls: false }],
    ['rediss-sentinel://a,b:7001/mymaster/3', { database: 3, tls: true }],
    [
      'redis+sentinel://app:s3cret@a,b:7001/mymaster/1?sentinelPassword=0ther&sentinel_username=watch',
      {
        username: 'app',
        password: 's3cret',
        database: 1,
        sentinelUsername: 'watch',
        sentinelPassword: '0ther',
      },
    ],
  ])('%s', (url, fields) => {
    const target = { kind: 'sentinel', nodes, name: 'mymaster', address: 'mymaster (Sentinels a:26379,b:7001)' };
    expect(parseRedisUrl(url)).toMatchObject({ ...target, ...fields });
  });
});

function refusal(url: string): string {
  let target: RedisTarget;
  try {
    target = parseRedisUrl(url);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  throw new Error(`accepted as ${JSON.stringify(target)}`);
}

describe('what is refused, and what to write instead', () => {
  test.each([
    ['', 'must look like redis://[user:password@]host[:port][/database]', 'got ""'],
    ['localhost:6379', 'must look like', 'got "localhost:6379"'],
    ['http://localhost', 'must look like', 'got "http://localhost"'],
    ['https://name.upstash.io', 'must look like', 'Upstash'],
    ['redis:h:1', 'must look like'],
    ['redis://h:port', 'must look like', 'a port from 1 to 65535'],
    ['redis://h:0', 'a port from 1 to 65535'],
    ['redis://h:65536', 'a port from 1 to 65535'],
    ['redis://::1', 'a port from 1 to 65535'],
    ['redis://h/abc', 'a whole number', 'got "abc"'],
    ['redis://h/-1', 'a whole number', 'got "-1"'],
    ['redis://h/1.5', 'a whole number'],
    ['redis://h/%201', 'a whole number'],
    ['redis://h/1/2', 'a whole number'],
    ['redis://h/1?db=2', 'two databases'],
    ['redis:///run/x.sock', 'redis+unix:///path/of.sock'],
    ['unix://run/x.sock', 'redis+unix:///path/of.sock'],
    ['unix://', 'redis+unix:///path/of.sock'],
    ['unix:///x.sock?cluster', 'one Redis'],
    ['redis://a:1,b:2', '?cluster', 'redis+sentinel://'],
    ['redis://a:1/2?cluster', 'only the database 0', 'says 2'],
    ['redis://a?cluster=perhaps', '?cluster', 'true or false'],
    ['redis+sentinel://a:1', 'redis+sentinel://host:port,host:port/<name>[/database]'],
    ['redis+sentinel://a:1/m/0/x', 'redis+sentinel://host:port,host:port/<name>[/database]'],
    ['redis+sentinel://a:1/m/x', 'a whole number'],
    ['redis://h?timeout=5', 'an option that is not known', 'cluster, db, username'],
    ['redis://h?family=5', '4 or 6'],
    ['redis://u:p@h?password=q', 'twice'],
  ])('%s', (url, ...says) => {
    for (const one of says) expect(refusal(url)).toContain(one);
  });

  // Each of these has "s3cret" in a password that was not encoded.
  const encode = 'percent-encode # as %23, / as %2F, ? as %3F, @ as %40, % as %25';
  test.each([
    'redis://default:123#s3cret@h',
    'redis://default:s3cret#tail@h:6379/0',
    'redis://:s3cret#@h',
    'redis://app:s3cret/x@h:6379',
    'redis://app:12/s3cret@h:6379',
    'redis://:12/s3cret@h',
    'redis://app:12?s3cret@h:6379',
    'redis://app:12?s3cret=1@h:6379',
    'redis://app:s3cret?x@h',
    'redis://app:a/b?c#s3cret@h',
    'redis://app:p@s3cret/x@h:1',
    'redis://app:s3cret%zz@h',
    'redis://app:s3cret%@h',
    'redis://app:%E4s3cret@h',
    'redis://h?password=s3cret%',
    'redis://h?password=p@s3cret',
    'redis+sentinel://app:s3cret/x@a:1/m',
    'redis://app:s3cret/x@a:1,b:2?cluster',
    'unix://app:s3cret/x@/run/x.sock',
    'redis://:s3cret',
    'redis://app:s3cret',
  ])('%s says which characters to encode, and shows nothing of the password', (url) => {
    const message = refusal(url);
    expect(message).toContain(encode);
    expect(message).not.toMatch(/s3cret|default|app|123|tail/);
  });

  test.each([
    'https://app:s3cret@host:6379',
    'app:s3cret@host:6379',
    's3cret:x@h',
    'redis:app:s3cret@h',
    'ftp://h?password=s3cret',
    'redisx://:s3cret',
  ])('%s is of another form, and not shown either', (url) => {
    expect(refusal(url)).toContain('must look like');
    expect(refusal(url)).not.toMatch(/s3cret|app/);
  });
});
