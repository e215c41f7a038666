import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack, Stage } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import type { Construct } from 'constructs';
import { beforeAll, expect, test } from 'vitest';
import { Lambdesque, type LambdesqueProps, RedisConnection } from '../../infra/index.ts';
import { functionOf, testApp } from './stack.ts';

/** Real bundles of two systems over TCP, which differ in one cron entry and in one consumer's bundling. */

type Props = LambdesqueProps<'mail'>;

const stacks = new Map<string, Stack>();

const app = testApp({ bundling: true });

beforeAll(() => {
  const system = (
    id: string,
    cron: Props['cron'] = {},
    bundling: Props['consumers']['mail']['bundling'] = {},
    scope: Construct = app,
  ) => {
    const stack = new Stack(scope, id);
    const redis = RedisConnection.tcp({ url: 'redis://cache.example.com' });
    const consumers = { mail: { queues: '*', bundling } };
    new Lambdesque(stack, 'Jobs', { redis, jobs: 'test/infra/jobs/good.ts', consumers, cron, metricsDashboard: false });
    stacks.set(id, stack);
  };
  system('Plain');
  system('Cron', { hourly: { cron: '0 * * * *', timeZone: 'Asia/Kolkata', class: 'Mail' } });
  system(
    'Bundling',
    {},
    { minify: false, define: { 'process.env.REGION': '"mars"' }, esbuildArgs: { '--alias': 'a=b' } },
  );
  system('InStage', {}, {}, new Stage(app, 'Production'));
}, 120_000);

/** The asset of a function, and its files. */
function assetOf(id: string, fn: RegExp) {
  const stack = stacks.get(id);
  if (!stack) throw new Error(`no stack ${id}`);
  const { S3Key: key } = functionOf(Template.fromStack(stack), fn)['Code'] as { S3Key: string };
  const folder = join(app.outdir, `asset.${key.replace('.zip', '')}`);
  const map = JSON.parse(readFileSync(join(folder, 'index.mjs.map'), 'utf8')) as { sources: string[] };
  return { code: readFileSync(join(folder, 'index.mjs'), 'utf8'), sources: map.sources };
}

test('over TCP a bundle holds ioredis and nothing of Upstash', () => {
  const { sources } = assetOf('Plain', /mail/);
  expect(sources.some((path) => path.includes('/ioredis/'))).toBe(true);
  expect(sources.some((path) => path.endsWith('functions/backends/tcp.ts'))).toBe(true);
  expect(sources.some((path) => path.endsWith('test/infra/jobs/good.ts'))).toBe(true);
  expect(sources.filter((path) => /upstash/.test(path))).toEqual([]);
});

test('a stage has the same assets, and nothing is bundled again for it', () => {
  expect(assetOf('InStage', /mail/).code === assetOf('Plain', /mail/).code).toBe(true);
  const bundles = readdirSync(app.outdir, { recursive: true }).filter((file) =>
    /lambdesque-bundle-/.test(String(file)),
  );
  expect(bundles).toHaveLength(4); // a consumer's and a scheduler's, and what the other two have of their own
});

test('a cron entry is in the scheduler’s bundle, and in no other', () => {
  // Compared here, as a difference would be printed whole.
  expect(assetOf('Cron', /mail/).code === assetOf('Plain', /mail/).code).toBe(true);
  const scheduler = assetOf('Cron', /Scheduler/);
  expect(scheduler.code === assetOf('Plain', /Scheduler/).code).toBe(false);
  expect(scheduler.code).toContain('Asia/Kolkata');
});

test('esbuild does what the user says on top of ours', () => {
  const mail = assetOf('Bundling', /mail/);
  expect(mail.code.split('\n').length).toBeGreaterThan(1_000);
  expect(mail.sources.some((path) => path.endsWith('test/infra/jobs/good.ts'))).toBe(true);
  expect(assetOf('Bundling', /Scheduler/).code === assetOf('Plain', /Scheduler/).code).toBe(true);
});
