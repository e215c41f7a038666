import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { startAws } from '../../helpers/aws-server.ts';
import { PATIENCE } from '../../helpers/eventually.ts';
import { type FreshFolder, freshFolder, ROOT } from '../../helpers/fresh-folder.ts';
import { startLambda } from '../../helpers/lambda-runner.ts';
import { startRedis } from '../../helpers/redis-server.ts';
import { startUpstash } from '../../helpers/upstash-server.ts';
import { builtTarball } from './tarball.ts';

/** Somebody else's CDK app, with the package from its tarball: what it deploys is made of the compiled package. */

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: 4 * PATIENCE });

const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly peerDependencies: Readonly<Record<string, string>>;
};

const APP = `
const app = new App({ outdir: process.argv[2] });
const stack = new Stack(app, 'Mine');
const secret = Secret.fromSecretNameV2(stack, 'Upstash', 'mine/upstash');
const redis = process.argv[3] === 'tcp'
  ? RedisConnection.tcp({ url: 'redis://cache.example.com' })
  : RedisConnection.upstash({ url: { secret, field: 'url' }, token: { secret, field: 'token' } });
const cron = { hourly: { cron: '0 * * * *', timeZone: 'Asia/Kolkata', class: 'Hello', args: ['hourly'] } };
new Lambdesque(stack, 'Jobs', { redis, jobs: 'jobs.ts', consumers: { all: { queues: ['*'] } }, cron, dashboard: { password: secret } });
app.synth();
`;
const FILES = {
  'package.json': '{"private":true}',
  'jobs.ts': `import { defineJob } from 'lambdesque';
import { greet } from './greet';
export default [defineJob({ class: 'Hello', queue: 'hellos', perform: ([name], ctx) => ctx.log.info(greet(name)) })];`,
  'greet.ts': 'export enum Word { Hello = "hello, " }\nexport const greet = (name: unknown) => Word.Hello + name;',
  'app.mjs': `import { App, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Lambdesque, RedisConnection } from 'lambdesque/cdk';${APP}`,
  'app.cjs': `const { App, Stack } = require('aws-cdk-lib');
const { Secret } = require('aws-cdk-lib/aws-secretsmanager');
const { Lambdesque, RedisConnection } = require('lambdesque/cdk');${APP}`,
};

interface Template {
  readonly Resources: Readonly<
    Record<
      string,
      {
        readonly Type: string;
        readonly Properties: { readonly Code?: { readonly S3Key: string }; readonly Environment?: object };
      }
    >
  >;
}

describe('the bundles of a CDK app', () => {
  let folder: FreshFolder;
  /** The folder of the consumer's code over Upstash. */
  let overRest: string;
  beforeAll(async () => {
    const { file } = await builtTarball();
    folder = freshFolder(FILES);
    // What becomes a part of a bundle is installed, what only makes it is linked.
    await folder.install(file, `valibot@${own.peerDependencies['valibot']}`);
    folder.link('aws-cdk-lib', 'constructs', 'esbuild', '@esbuild');
  });

  async function synth(app: string, out: string, backend: string) {
    const ran = await folder.run(process.execPath, [app, out, backend], { CDK_VALIDATION: 'false' });
    expect(ran).toMatchObject({ code: 0 });
    const { Resources } = JSON.parse(readFileSync(join(folder.path, out, 'Mine.template.json'), 'utf8')) as Template;
    const assetOf = (id: RegExp) => {
      const [found] = Object.entries(Resources).filter(
        ([name, one]) => one.Type === 'AWS::Lambda::Function' && id.test(name),
      );
      return join(folder.path, out, `asset.${found?.[1].Properties.Code?.S3Key.replace('.zip', '')}`);
    };
    const sourcesOf = (asset: string): string[] => {
      const { sources } = JSON.parse(readFileSync(join(asset, 'index.mjs.map'), 'utf8')) as { sources: string[] };
      // Constants have no file.
      return sources.filter((path) => !path.startsWith('<')).map((path) => path.replace(/^(\.\.\/)+/, ''));
    };
    return {
      consumer: assetOf(/All|all/),
      scheduler: assetOf(/Scheduler/),
      dashboard: assetOf(/JobsDashboard/),
      sourcesOf,
    };
  }

  test.each([
    ['ESM', 'app.mjs', 'upstash', '@upstash/redis', 'ioredis'],
    ['CommonJS', 'app.cjs', 'tcp', 'ioredis', '@upstash/redis'],
  ])('in %s come from the compiled package: over %s, %s', async (_, app, backend, used, unused) => {
    const { consumer, scheduler, dashboard, sourcesOf } = await synth(app, `out-${backend}`, backend);
    if (backend === 'upstash') overRest = consumer;
    const sources = sourcesOf(consumer);
    expect(sources).toEqual(
      expect.arrayContaining([
        'jobs.ts',
        'greet.ts',
        'node_modules/lambdesque/dist/functions/consumer.js',
        `node_modules/lambdesque/dist/functions/backends/${backend}.js`,
      ]),
    );
    // What they hold lies in this folder, and is the package as it is installed here.
    for (const path of [...sources, ...sourcesOf(scheduler), ...sourcesOf(dashboard)])
      expect(path).toMatch(/^(node_modules\/|jobs\.ts|greet\.ts)/);
    expect(sources.some((path) => path.startsWith(`node_modules/${used}/`))).toBe(true);
    const foreign = new RegExp(`${unused}/|vendor/(croner|commander|hono)|@aws-sdk|@smithy`);
    expect(sources.filter((path) => foreign.test(path))).toEqual([]);
    expect(sourcesOf(scheduler)).toContain('node_modules/lambdesque/dist/vendor/croner.js');
    expect(readFileSync(join(scheduler, 'index.mjs'), 'utf8')).toContain('Asia/Kolkata');
    expect(sourcesOf(dashboard)).toEqual(
      expect.arrayContaining(
        ['functions/dashboard/assets.js', 'vendor/hono.js'].map((path) => `node_modules/lambdesque/dist/${path}`),
      ),
    );
    expect(readdirSync(consumer).sort()).toEqual(['index.mjs', 'index.mjs.map', 'settings.json']);
    const size = readFileSync(join(consumer, 'index.mjs')).length;
    console.log(`a consumer over ${backend} without a schema: ${(size / 1000).toFixed(1)} kB`);
  });

  test('are typed', async () => {
    folder.link('@types/node', 'undici-types');
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: 'es2024',
      types: ['node'],
      module: 'nodenext',
      skipLibCheck: true,
    };
    folder.write({
      'tsconfig.json': JSON.stringify({ compilerOptions, files: ['app.ts'] }),
      'app.ts': `${FILES['app.mjs'].replaceAll('process.argv[2]', "'out'")}
// @ts-expect-error a consumer has queues
new Lambdesque(stack, 'Wrong', { redis, jobs: 'jobs.ts', consumers: { all: { queue: 'a' } } });`,
    });
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const compiled = await folder.run(process.execPath, [tsc, '--pretty', 'false']);
    expect(compiled).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test('run jobs of a real Redis', async () => {
    const [redis, aws] = await Promise.all([startRedis(), startAws()]);
    const upstash = await startUpstash(redis.url);
    try {
      aws.secrets.set('mine/upstash', JSON.stringify({ url: upstash.url, token: upstash.token }));
      await redis.client.sadd('resque:queues', 'hellos');
      await redis.client.rpush('resque:queue:hellos', '{"class":"Hello","args":["Zoë"]}');
      const lambda = await startLambda({
        bundle: join(overRest, 'index.mjs'),
        // All of them were known when the app was synthesized: they stand beside the bundle.
        settings: {},
        env: { ...aws.env, NODE_OPTIONS: '--enable-source-maps' },
      });
      try {
        expect((await lambda.invoke()).answer).toMatchObject({ processed: 1, succeeded: 1, stopped: 'empty' });
        expect(lambda.lines).toContainEqual(expect.objectContaining({ message: 'hello, Zoë', class: 'Hello' }));
      } finally {
        await lambda.stop();
      }
    } finally {
      await Promise.all([upstash.stop(), aws.stop()]);
      await redis.stop();
    }
  });
});
