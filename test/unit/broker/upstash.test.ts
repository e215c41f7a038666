import { afterEach, describe, expect, test, vi } from 'vitest';
import { defineScript } from '../../../shared/broker/redis/client.ts';
import { upstashClient } from '../../../shared/broker/redis/upstash.ts';
import {
  ConfigError,
  RedisAuthError,
  RedisReplyError,
  RedisTypeError,
  RedisUnavailableError,
} from '../../../shared/errors.ts';

const url = 'https://name.upstash.io';
const token = 's3cret';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('options that cannot be used', () => {
  const shape = 'The Upstash URL must look like https://<name>.upstash.io, without credentials; got ';

  test.each(['', 'name.upstash.io', 'redis://name.upstash.io', 'https://'])('the URL %j is refused', (bad) => {
    expect(() => upstashClient({ url: bad, token })).toThrow(new ConfigError(`${shape}${JSON.stringify(bad)}.`));
  });

  // Upstash shows a Redis URL beside that of its REST API; `fetch` takes none with a password, and tells it.
  test.each([
    'rediss://default:hunter2@name.upstash.io:6379',
    'https://default:hunter2@name.upstash.io',
    'redis://:hunter2',
    'https://default:12#hunter2@name.upstash.io',
  ])('the URL %j is refused, without its password', (bad) => {
    const create = () => upstashClient({ url: bad, token });
    expect(create).toThrow(ConfigError);
    expect(create).not.toThrow(/hunter2/);
  });

  test.each(['', 's3cret\n', 'two words'])('the token %j is refused, and not told', (bad) => {
    expect(() => upstashClient({ url, token: bad })).toThrow(
      new ConfigError('The Upstash token is empty or holds white space.'),
    );
  });
});

test('the address is the host', () => {
  expect(upstashClient({ url: `${url}/`, token }).address).toBe('name.upstash.io');
});

/** A client to whom `fetch` gives these answers, in their order; and what was sent. */
function clientWith(...answers: readonly (Response | Error)[]) {
  const rest = [...answers];
  const sent: { readonly headers: Headers; readonly body: readonly string[] }[] = [];
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (_to, init) => {
    const body = JSON.parse(String(init?.body)) as readonly unknown[];
    sent.push({ headers: new Headers(init?.headers), body: body.map(String) });
    const answer = rest.shift();
    if (answer instanceof Response) return answer;
    throw answer ?? new Error('one request too many');
  });
  return { client: upstashClient({ url, token }), sent };
}

const base64 = (text: string | Buffer) => Buffer.from(text as string).toString('base64');
const answer = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });

describe('a command', () => {
  test('is one request, with the token, that asks for base64', async () => {
    const { client, sent } = clientWith(answer({ result: 1 }));
    await client.command(['SADD', 'resque:queues', 'Zoë ☃', 5]);
    expect(sent.map(({ body }) => body)).toEqual([['SADD', 'resque:queues', 'Zoë ☃', '5']]);
    expect(sent[0]?.headers.get('Authorization')).toBe('Bearer s3cret');
    expect(sent[0]?.headers.get('Upstash-Encoding')).toBe('base64');
  });

  test.each<[unknown, unknown]>([
    [1, 1],
    [null, null],
    ['OK', Buffer.from('OK')],
    [base64('PONG'), Buffer.from('PONG')],
    [base64(''), Buffer.from('')],
    [base64(Buffer.from('ff00', 'hex')), Buffer.from('ff00', 'hex')],
    [
      [1, [base64('a'), null], []],
      [1, [Buffer.from('a'), null], []],
    ],
  ])('that is answered with %j has the reply in bytes', async (result, reply) => {
    expect(await clientWith(answer({ result })).client.command(['GET', 'x'])).toEqual(reply);
  });

  test.each([
    [400, 'WRONGTYPE Operation against a key', RedisTypeError],
    [400, 'ERR unknown command', RedisReplyError],
    [400, 'OOM command not allowed', RedisUnavailableError],
    [200, 'ERR in an answer that is none', RedisReplyError],
    [401, 'Unauthorized', RedisAuthError],
    [500, 'internal error', RedisUnavailableError],
  ])('that is answered with %i %s is an error', async (status, error, kind) => {
    const { client, sent } = clientWith(answer({ error }, status));
    const rejection = client.command(['GET', 'x', 'hunter2']);
    await expect(rejection).rejects.toThrow(kind);
    await expect(rejection).rejects.toThrow(error);
    await expect(rejection).rejects.not.toThrow(/hunter2|s3cret/);
    expect(sent).toHaveLength(1);
  });

  test('that is not answered may be sent again, by whoever sent it', async () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED 10.0.0.5:443'), { code: 'ECONNREFUSED' });
    const { client, sent } = clientWith(new TypeError('fetch failed', { cause }), answer({ result: 1 }));
    const rejection = client.command(['PING']);
    await expect(rejection).rejects.toThrow(RedisUnavailableError);
    await expect(rejection).rejects.toThrow('Redis at name.upstash.io cannot be reached: connect ECONNREFUSED');
    expect(sent).toHaveLength(1);
    expect(await client.command(['PING'])).toBe(1);
  });

  test.each([200, 502])('that a web page answers, with %i, tells the beginning of it', async (status) => {
    const page = `<html><title>Bad gateway</title>${'<p>'.repeat(10_000)}`;
    const { client } = clientWith(new Response(page, { status }));
    const rejection = client.command(['PING']);
    await expect(rejection).rejects.toThrow(RedisUnavailableError);
    await expect(rejection).rejects.toThrow(/<title>Bad gateway/);
    await expect(rejection).rejects.not.toThrow(/.{800}/);
  });
});

describe('a script', () => {
  const script = defineScript('hello', 'return KEYS[1] .. ARGV[1]');

  test('says that it locks only its keys; it is sent whole where its hash is not known', async () => {
    const { client, sent } = clientWith(answer({ error: 'NOSCRIPT No matching script.' }, 400), answer({ result: 7 }));
    expect(await client.script(script, ['k'], ['a', 1])).toBe(7);
    const [first, second] = sent.map(({ body }) => body);
    expect(first).toEqual(['EVALSHA', expect.stringMatching(/^[0-9a-f]{40}$/), '1', 'k', 'a', '1']);
    expect(first?.[1]).not.toBe(script.sha);
    expect(second).toEqual(['EVAL', `#!lua flags=allow-key-locking\n${script.lua}`, '1', 'k', 'a', '1']);
  });

  test('is not sent again after any other error', async () => {
    const { client, sent } = clientWith(answer({ error: 'ERR user_script:1: broken' }, 400));
    await expect(client.script(script, [], [])).rejects.toThrow('broken');
    expect(sent).toHaveLength(1);
  });
});
