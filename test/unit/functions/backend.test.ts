import { describe, expect, test } from 'vitest';
import { connect as connectTcp } from '../../../functions/backends/tcp.ts';
import { connect as connectUpstash } from '../../../functions/backends/upstash.ts';
import type { SecretRef } from '../../../functions/contract/settings.ts';

const REF: SecretRef = { service: 'ssm', name: '/redis' };
const holds = (value: string) => async () => value;
const unread = async () => {
  throw new Error('no secret is needed');
};

describe('a Redis over TCP', () => {
  const url = 'redis://host:7000/2';

  test.each([
    ['without a password', { kind: 'tcp', url }, unread],
    ['with a password', { kind: 'tcp', url, auth: REF }, holds('pa$$:/@word\n')],
    ['with a user', { kind: 'tcp', url, auth: REF }, holds('{"username":"app","password":"p@ss","engine":"redis"}')],
    ['with a password that begins with a brace', { kind: 'tcp', url, auth: REF }, holds('{pass')],
    ['with a URL that is a secret', { kind: 'tcp', url: REF }, holds(' redis://:p@host:7000/2 ')],
  ] as const)('%s', async (_, settings, readSecret) => {
    const client = await connectTcp(settings, readSecret);
    expect(client.address).toBe('host:7000');
    await client.close();
  });

  test.each([
    ['by its URL', { kind: 'tcp', url: 'redis://a,b:7000?cluster' }, unread, true],
    ['by being told', { kind: 'tcp', url: 'redis://a,b:7000', cluster: true }, unread, true],
    ['by both', { kind: 'tcp', url: 'redis://a,b:7000?cluster', cluster: true, auth: REF }, holds('p#ss'), true],
    ['with another option', { kind: 'tcp', url: REF, cluster: true }, holds('redis://a,b:7000?family=6'), true],
    ['or not', { kind: 'tcp', url: 'redis://a' }, unread, undefined],
  ] as const)('is a cluster, %s', async (_, settings, readSecret, cluster) => {
    const client = await connectTcp(settings, readSecret);
    expect(client.cluster).toBe(cluster);
    await client.close();
  });

  test('takes Sentinels', async () => {
    const client = await connectTcp({ kind: 'tcp', url: REF }, holds('redis+sentinel://:p@a,b/mymaster/1'));
    expect(client.address).toBe('mymaster (Sentinels a:26379,b:26379)');
    await client.close();
  });

  test('names what has to be encoded in a URL that is a secret, and shows nothing of it', async () => {
    const error = await connectTcp({ kind: 'tcp', url: REF }, holds('redis://default:12#s3cret@host')).catch(String);
    expect(error).toMatch(
      /must hold a URL such as .*# \/ \? @ % .*percent-encoded; it holds something else \(not shown, 30 characters\)/,
    );
    expect(error).not.toMatch(/s3cret|default:|12#/);
  });

  test.each([
    [
      'a URL that is something else',
      { kind: 'tcp', url: REF },
      's3cret',
      /The secret \/redis must hold a URL such as rediss:/,
    ],
    ['an empty password', { kind: 'tcp', url, auth: REF }, '', /The secret \/redis must hold the password alone/],
    [
      'JSON without a password',
      { kind: 'tcp', url, auth: REF },
      '{"user":"s3cret"}',
      /\{"username":"…","password":"…"\}/,
    ],
    [
      'settings for another bundle',
      { kind: 'upstash', url: REF, token: REF },
      's3cret',
      /built for redis.kind "tcp"; got "upstash"/,
    ],
  ] as const)('refuses %s, and does not show it', async (_, settings, value, message) => {
    const error = await connectTcp(settings, holds(value)).catch((one: unknown) => one as Error);
    expect(error).toMatchObject({ name: 'ConfigError', message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain('s3cret');
  });
});

describe('a Redis over REST', () => {
  test('takes URL and token from where they are', async () => {
    const values: Record<string, string> = { '/url': 'https://name.upstash.io', '/token': 'abc\n' };
    const readSecret = async (ref: SecretRef) => values[ref.service === 'ssm' ? ref.name : ''] ?? '';
    const token = { service: 'ssm', name: '/token' } as const;
    for (const url of ['https://name.upstash.io', { service: 'ssm', name: '/url' } as const]) {
      expect((await connectUpstash({ kind: 'upstash', url, token }, readSecret)).address).toBe('name.upstash.io');
    }
  });

  test.each([
    ['a token with white space', 's3cret s3cret', 'https://x', /must hold the REST token alone/],
    ['a URL that is something else', 's3cret', REF, /must hold a URL such as https/],
  ])('refuses %s, and does not show it', async (_, value, url, message) => {
    const error = await connectUpstash({ kind: 'upstash', url, token: REF }, holds(value)).catch(
      (one: unknown) => one as Error,
    );
    expect(error).toMatchObject({ name: 'ConfigError', message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain('s3cret');
  });

  test('is not what the other bundle is for', async () => {
    await expect(connectUpstash({ kind: 'tcp', url: 'redis://x' }, unread)).rejects.toThrow(/got "tcp"/);
  });
});
