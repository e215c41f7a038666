import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Bundle, bundle } from '../../../infra/build/bundle.ts';
import { type AwsServer, startAws } from '../../helpers/aws-server.ts';
import { startLambda, type TestLambda } from '../../helpers/lambda-runner.ts';

/** The function behind a consumer's URL. */

let folder: string;
let doorbell: Bundle;
let aws: AwsServer;
let started: TestLambda[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lambdesque-doorbell-'));
  aws = await startAws();
  doorbell = await bundle({ entry: 'doorbell', backend: 'upstash', jobs: 'functions/jobs/index.ts', outdir: folder });
});
afterEach(async () => {
  await Promise.all(started.map((one) => one.stop()));
  started = [];
  aws.invokes.length = 0;
  aws.throttled.clear();
});
afterAll(async () => {
  await aws.stop();
  await rm(folder, { recursive: true, force: true });
});

async function ring(env: Record<string, string> = { LAMBDESQUE_CONSUMER: 'fn-default' }) {
  const lambda = await startLambda({ bundle: doorbell.file, env: { ...aws.env, ...env } });
  started.push(lambda);
  return lambda.invoke({ version: '2.0', requestContext: { http: { method: 'POST' } } });
}

test('starts the consumer, without waiting for it, and answers 202', async () => {
  expect(await ring()).toMatchObject({
    died: false,
    answer: { statusCode: 202, body: '{"status":"draining"}' },
  });
  expect(aws.invokes).toEqual([{ functionName: 'fn-default', event: { source: 'lambdesque.doorbell' } }]);
});

test('a ring that did not start anything is an error, for Lambda and for who rang', async () => {
  aws.throttled.add('fn-default');
  const { error } = await ring();
  expect(error).toMatchObject({ name: 'AwsError', message: expect.stringContaining('TooManyRequestsException') });
});

test('says which variable is missing', async () => {
  expect((await ring({})).error?.message).toContain('The environment variable LAMBDESQUE_CONSUMER must be');
});

test('is small: it holds no Redis library, no jobs, no logger', () => {
  expect(doorbell.bytes).toBeLessThan(20_000);
});
