import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../../infra/build/bundle.ts';
import { startAws } from '../helpers/aws-server.ts';
import { startLambda } from '../helpers/lambda-runner.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { startUpstash } from '../helpers/upstash-server.ts';
import { functionOf, settingsOf } from './stack.ts';

/** What `npx cdk synth` makes of infra/app.ts, with no account, no credentials and no network. */

const TOKEN = 'a-token-that-must-not-be-seen';
// Beside where it would be, as a source map holds the way from there to the sources.
mkdirSync('cdk.out', { recursive: true });
const output = resolve(mkdtempSync(join('cdk.out', 'test-')));
let text: string;
let template: Template;

beforeAll(async () => {
  const { PATH = '', HOME = output } = process.env;
  await promisify(execFile)('npx', ['cdk', 'synth', '--quiet', '-c', 'alarmEmail=none', '--output', output], {
    env: {
      PATH,
      HOME,
      HTTPS_PROXY: 'http://127.0.0.1:9',
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_DISABLE_CLI_TELEMETRY: 'true',
      UPSTASH_REDIS_REST_TOKEN: TOKEN,
      REDIS_URL: `redis://:${TOKEN}@127.0.0.1`,
    },
  });
  text = readFileSync(join(output, 'Lambdesque.template.json'), 'utf8');
  template = Template.fromString(text);
}, 300_000);

afterAll(() => rmSync(output, { recursive: true, force: true }));

/** The folder of a function's code. */
function assetOf(id: RegExp): string {
  const { S3Key: key } = functionOf(template, id)['Code'] as { S3Key: string };
  return join(output, `asset.${key.replace('.zip', '')}`);
}

const sourcesOf = (asset: string): string[] =>
  JSON.parse(readFileSync(join(asset, 'index.mjs.map'), 'utf8')).sources.map((path: string) =>
    path.replace(/^(\.\.\/)+/, ''),
  );

describe('the template', () => {
  test('is this', async () => {
    const { Resources, Conditions: _, ...rest } = JSON.parse(text);
    delete Resources.CDKMetadata;
    const normalised = JSON.stringify({ Resources, ...rest }, null, 1).replace(/\b[0-9a-f]{64}\b/g, '<hash>');
    await expect(`${normalised}\n`).toMatchFileSnapshot('snapshots/Lambdesque.template.snap');
  });

  test('names the secret and holds no value of one', () => {
    const { redis } = settingsOf(template, /defaultFunction/, output) as { redis: object };
    const secret = { service: 'secretsmanager', id: 'lambdesque/upstash' };
    expect(redis).toEqual({ kind: 'upstash', url: { ...secret, field: 'url' }, token: { ...secret, field: 'token' } });
    // A dynamic reference would put the value into the function's environment.
    expect(text).not.toContain('{{resolve:');
    for (const [id, fn] of Object.entries(template.findResources('AWS::Lambda::Function'))) {
      expect(Object.keys(fn['Properties'].Environment.Variables).sort()).toEqual([
        id.includes('Doorbell') ? 'LAMBDESQUE_CONSUMER' : 'LAMBDESQUE_SETTINGS',
        'NODE_OPTIONS',
      ]);
    }
  });

  test('nothing of this machine, of its environment, is in the output', () => {
    const files = readdirSync(output, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    expect(files.length).toBeGreaterThan(5);
    for (const { parentPath, name } of files) {
      const content = readFileSync(join(parentPath, name), 'utf8');
      expect(content.includes(TOKEN), name).toBe(false);
      if (parentPath !== output) expect(content.includes(process.cwd()), name).toBe(false);
    }
  });

  test('has no finding of CDK’s own check', () => {
    const report = JSON.parse(readFileSync(join(output, 'validation-report.json'), 'utf8'));
    const violations = (report.pluginReports as { violations?: unknown[] }[]).flatMap((one) => one.violations ?? []);
    expect(violations).toEqual([]);
  });
});

describe('the assets', () => {
  test('is one bundle with its map for all consumers, each with its own settings beside it', () => {
    const assets = [/defaultFunction/, /mail/, /ledger/].map(assetOf);
    const bundles = assets.map((asset) => readFileSync(join(asset, 'index.mjs'), 'utf8'));
    expect([new Set(assets).size, new Set(bundles).size]).toEqual([3, 1]);
    for (const asset of [...assets, assetOf(/Scheduler/)]) {
      expect(readdirSync(asset).sort()).toEqual(['index.mjs', 'index.mjs.map', 'settings.json']);
    }
    expect(JSON.parse(readFileSync(join(assetOf(/mail/), 'settings.json'), 'utf8'))).toMatchObject({
      consumer: 'mail',
      queues: 'mailers=3,newsletters=1',
    });
  });

  test('a consumer’s holds the jobs and the one backend it needs', () => {
    const sources = sourcesOf(assetOf(/defaultFunction/));
    expect(sources).toEqual(
      expect.arrayContaining(['functions/consumer.ts', 'functions/jobs/hello.ts', 'functions/backends/upstash.ts']),
    );
    expect(sources.filter((path) => /ioredis|backend-tcp|tcp-client|@aws-sdk/.test(path))).toEqual([]);
  });

  test('the scheduler’s holds the cron entries, and no job', () => {
    const asset = assetOf(/Scheduler/);
    const sources = sourcesOf(asset);
    expect(sources).toContain('functions/scheduler.ts');
    expect(sources.filter((path) => /functions\/jobs|ioredis|@aws-sdk/.test(path))).toEqual([]);
    expect(readFileSync(join(asset, 'index.mjs'), 'utf8')).toContain('Europe/Paris');
  });

  test('are what `npm run build` makes, byte for byte', async () => {
    const outdir = join(output, 'build');
    const made = await bundle({ entry: 'consumer', backend: 'upstash', jobs: 'functions/jobs/index.ts', outdir });
    // Compared here, as a difference would be printed whole.
    expect(readFileSync(made.file).equals(readFileSync(join(assetOf(/defaultFunction/), 'index.mjs')))).toBe(true);
  });
});

test('the default consumer runs a job of a real Redis', async () => {
  const [redis, aws] = await Promise.all([startRedis(), startAws()]);
  const upstash = await startUpstash(redis.url);
  try {
    aws.secrets.set('lambdesque/upstash', JSON.stringify({ url: upstash.url, token: upstash.token }));
    await redis.client.sadd('resque:queues', 'myqueue');
    await redis.client.rpush('resque:queue:myqueue', '{"class":"Hello","args":["hi","there11"]}');
    const { NODE_OPTIONS } = functionOf(template, /defaultFunction/).Environment.Variables as Record<string, string>;
    const lambda = await startLambda({
      bundle: join(assetOf(/defaultFunction/), 'index.mjs'),
      settings: settingsOf(template, /defaultFunction/, output),
      env: { ...aws.env, NODE_OPTIONS: NODE_OPTIONS ?? '' },
    });
    try {
      expect((await lambda.invoke()).answer).toMatchObject({ processed: 1, succeeded: 1, stopped: 'empty' });
      expect(lambda.lines).toContainEqual(expect.objectContaining({ message: 'hi, there11!', class: 'Hello' }));
      expect(await redis.client.llen('resque:queue:myqueue')).toBe(0);
    } finally {
      await lambda.stop();
    }
  } finally {
    await Promise.all([upstash.stop(), aws.stop()]);
    await redis.stop();
  }
});
