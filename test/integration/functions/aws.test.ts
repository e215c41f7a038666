import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AwsError, awsOf } from '../../../functions/aws/requests.ts';
import { type AwsServer, startAws } from '../../helpers/aws-server.ts';

let server: AwsServer;
beforeAll(async () => {
  server = await startAws();
});
afterAll(() => server.stop());

/** Names with everything that has to be encoded in a path or a header. */
const ARN = 'arn:aws:lambda:eu-central-1:123456789012:function:jobs-Default_Ab+c d/é:live';

describe('requests to AWS', () => {
  test('are signed as AWS’s own library signs them', async () => {
    const aws = awsOf(server.env);
    server.secrets.set('plain', 'one');
    server.parameters.set('/path/to/it', 'two');
    expect(await aws.secretReader()({ service: 'secretsmanager', id: 'plain' })).toBe('one');
    expect(await aws.secretReader()({ service: 'ssm', name: '/path/to/it' })).toBe('two');
    await aws.startFunction('name', { source: 'é' });
    await aws.startFunction(ARN, {});
    expect(server.invokes).toEqual([
      { functionName: 'name', event: { source: 'é' } },
      { functionName: ARN, event: {} },
    ]);
  });

  test('read a secret once for all its fields, and again for the next reader', async () => {
    const aws = awsOf(server.env);
    server.secrets.set('both', '{"url":"u","token":"t"}');
    server.reads.length = 0;
    const read = aws.secretReader();
    const field = (name: string) => read({ service: 'secretsmanager', id: 'both', field: name });
    expect(await Promise.all([field('url'), field('token')])).toEqual(['u', 't']);
    expect(server.reads).toEqual(['both']);
    await aws.secretReader()({ service: 'secretsmanager', id: 'both', field: 'url' });
    expect(server.reads).toHaveLength(2);
  });

  test('are refused with a wrong key, and not sent again', async () => {
    const aws = awsOf({ ...server.env, AWS_SECRET_ACCESS_KEY: 'wrong' });
    const error = await aws
      .secretReader()({ service: 'secretsmanager', id: 'plain' })
      .catch((one: unknown) => one as Error);
    expect(error).toBeInstanceOf(AwsError);
    expect((error as Error).message).toMatch(/refused GetSecretValue for "plain" with 403: InvalidSignatureException/);
  });

  test.each([500, 503, 429])('are sent again after %i, three times in all', async (status) => {
    const aws = awsOf(server.env);
    server.fail(status);
    server.fail(status);
    expect(await aws.secretReader()({ service: 'secretsmanager', id: 'plain' })).toBe('one');
    for (let i = 0; i < 3; i++) server.fail(status);
    await expect(aws.secretReader()({ service: 'secretsmanager', id: 'plain' })).rejects.toThrow(
      `with ${status}: InternalFailure`,
    );
  });

  test('that start a function are sent again only if AWS refused them for their number', async () => {
    const aws = awsOf(server.env);
    server.invokes.length = 0;
    server.fail(429);
    await aws.startFunction('f', {});
    expect(server.invokes).toHaveLength(1);
    server.fail(500);
    await expect(aws.startFunction('f', {})).rejects.toThrow('refused InvokeFunction for "f" with 500');
    expect(server.invokes).toHaveLength(1);
  });

  test('tell the account’s limit of concurrent executions, and are sent again where AWS fails', async () => {
    server.unreservedConcurrency = 10;
    server.fail(500);
    expect(await awsOf(server.env).unreservedConcurrency()).toBe(10);
  });

  test('say what a function in a VPC needs where AWS cannot be reached', async () => {
    const gone = await startAws();
    await gone.stop();
    await expect(awsOf(gone.env).startFunction('f', {})).rejects.toThrow(
      /AWS Lambda cannot be reached at 127\.0\.0\.1:\d+: .*ECONNREFUSED.* interface endpoint for lambda/,
    );
  });

  test('go to the region’s host, in China too, or to where the environment says', async () => {
    const hosts: string[] = [];
    const real = globalThis.fetch;
    globalThis.fetch = async (url) => {
      hosts.push(new URL(String(url)).host);
      return new Response('{"SecretString":"x"}');
    };
    try {
      for (const env of [
        { AWS_REGION: 'eu-central-1' },
        { AWS_REGION: 'cn-north-1' },
        { AWS_REGION: 'eu-central-1', AWS_ENDPOINT_URL: 'http://all:1/' },
        { AWS_ENDPOINT_URL: 'http://all:1', AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://secrets:2' },
      ]) {
        await awsOf(env).secretReader()({ service: 'secretsmanager', id: 'x' });
      }
    } finally {
      globalThis.fetch = real;
    }
    expect(hosts).toEqual([
      'secretsmanager.eu-central-1.amazonaws.com',
      'secretsmanager.cn-north-1.amazonaws.com.cn',
      'all:1',
      'secrets:2',
    ]);
  });
});
