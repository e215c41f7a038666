import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../infra/build/bundle.ts';
import { Lambdesque } from '../../infra/index.ts';
import { startAws } from '../helpers/aws-server.ts';
import { startLambda } from '../helpers/lambda-runner.ts';
import { startRedis } from '../helpers/redis-server.ts';
import { startUpstash } from '../helpers/upstash-server.ts';
import { functionOf, settingsOf, testApp, textOf, upstash } from './stack.ts';

/** A hundred consumers of twenty queues each, synthesized, and two of the functions run as Lambda would run them. */

const CONSUMERS = 100;
const QUEUES = 20;
const queuesOf = (i: number) => Array.from({ length: QUEUES }, (_, j) => `consumer-${i}-queue-number-${j}`);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

let stack: Stack;
let templates: Template[];
beforeAll(() => {
  const app = testApp();
  stack = new Stack(app, 'Many');
  const jobs = new Lambdesque(stack, 'Jobs', {
    redis: upstash(stack),
    jobs: 'test/infra/jobs/any-queue.ts',
    consumers: Object.fromEntries(Array.from({ length: CONSUMERS }, (_, i) => [`c${i}`, { queues: queuesOf(i) }])),
    alarms: { topic: new Topic(stack, 'Topic', { enforceSSL: true }) },
    dashboard: { auth: 'iam' },
  });
  for (const consumer of Object.values(jobs.consumers)) consumer.addDoorbellUrl();
  const nested = stack.node.findAll().filter((one): one is Stack => Stack.isStack(one) && one !== stack);
  templates = [stack, ...nested].map((one) => Template.fromStack(one));
});

test('fit into the limits of CloudFormation, IAM and Lambda', () => {
  let functions = 0;
  for (const template of templates) {
    const { Resources, Outputs = {}, Parameters = {} } = template.toJSON() as Record<string, Record<string, object>>;
    expect(Object.keys(Resources ?? {}).length).toBeLessThanOrEqual(500);
    expect(Object.keys(Outputs).length).toBeLessThanOrEqual(200);
    expect(Object.keys(Parameters).length).toBeLessThanOrEqual(200);
    expect(JSON.stringify(template.toJSON()).length).toBeLessThan(1_000_000);
    for (const fn of Object.values(template.findResources('AWS::Lambda::Function'))) {
      functions++;
      const { LAMBDESQUE_SETTINGS: settings = '' } = fn['Properties'].Environment.Variables;
      expect(textOf(settings).length).toBeLessThan(1_000);
    }
    for (const [type, most] of [
      ['AWS::IAM::Policy', 10_240],
      ['AWS::IAM::ManagedPolicy', 6_144],
    ] as const) {
      for (const policy of Object.values(template.findResources(type))) {
        // As long as it will be: a reference becomes an account's number, or a name.
        expect(textOfAll(policy['Properties'].PolicyDocument).length).toBeLessThan(most);
      }
    }
    for (const dashboard of Object.values(template.findResources('AWS::CloudWatch::Dashboard'))) {
      const body = dashboard['Properties'].DashboardBody['Fn::Join'][1].map((part: unknown) =>
        typeof part === 'string' ? part : 'x',
      );
      expect(JSON.parse(body.join('')).widgets.length).toBeLessThanOrEqual(500);
    }
    for (const query of Object.values(template.findResources('AWS::Logs::QueryDefinition'))) {
      expect(query['Properties'].LogGroupNames.length).toBeLessThanOrEqual(50);
    }
  }
  expect(functions).toBe(2 * CONSUMERS + 2);
  expect(new AwsSolutionsChecks().validateScope(stack).violations).toEqual([]);
});

/** A policy with each reference as an ARN or name of usual length. */
function textOfAll(policy: unknown): string {
  return JSON.stringify(policy, (_, value) =>
    value !== null && typeof value === 'object' && ('Fn::Join' in value || 'Ref' in value || 'Fn::GetAtt' in value)
      ? textOf(value)
          .replaceAll('<AWS::Partition>', 'aws')
          .replaceAll('<AWS::Region>', 'ap-southeast-2')
          .replaceAll(/<[^>]*>/g, '123456789012')
      : value,
  );
}

test('run: the scheduler knows all queues and starts who drains them, and a consumer drains its own', async () => {
  const folder = mkdtempSync(join(import.meta.dirname, '../../cdk.out-many-'));
  folders.push(folder);
  const jobs = 'test/infra/jobs/any-queue.ts';
  await bundle({ entry: 'scheduler', backend: 'upstash', jobs, cron: {}, outdir: join(folder, 'scheduler') });
  await bundle({ entry: 'consumer', backend: 'upstash', jobs, outdir: join(folder, 'consumer') });
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'));
  const [redis, aws] = await Promise.all([startRedis(), startAws()]);
  const rest = await startUpstash(redis.url);
  try {
    aws.secrets.set('upstash-token', rest.token);
    const [parent, last] = [templates[0], templates.at(-1)] as [Template, Template];
    const start = async (entry: string, template: Template, id: RegExp) => {
      const settings = { ...(settingsOf(template, id) as object), redis: { ...redisOf(template, id), url: rest.url } };
      writeFileSync(join(folder, entry, 'settings.json'), JSON.stringify(settings));
      return startLambda({ bundle: join(folder, entry, 'index.mjs'), settings: {}, env: aws.env });
    };
    const scheduler = await start('scheduler', parent, /^JobsSchedulerFunction/);
    for (const i of [0, 57, 99])
      await redis.client.rpush(`resque:queue:consumer-${i}-queue-number-19`, '{"class":"Any"}');

    const { answer } = await scheduler.invoke({}, { timeout: 8_000 });

    expect(answer).toMatchObject({ started: { c0: 1, c57: 1, c99: 1 } });
    const deployed = functionOf(last, /c99Function/)['FunctionName'];
    expect(deployed).toBe('Many-Jobs-c99-Consumers4');
    expect(aws.invokes.map((one) => one.functionName).sort()).toEqual([
      'Many-Jobs-c0',
      'Many-Jobs-c57-Consumers3',
      deployed,
    ]);
    const consumer = await start('consumer', last, /c99Function/);
    expect(
      (await consumer.invoke(aws.invokes.find((one) => one.functionName === deployed)?.event)).answer,
    ).toMatchObject({
      succeeded: 1,
      stopped: 'empty',
    });
    await Promise.all([scheduler.stop(), consumer.stop()]);
  } finally {
    await Promise.all([rest.stop(), aws.stop()]);
    await redis.stop();
  }
});

function redisOf(template: Template, id: RegExp): object {
  return (settingsOf(template, id) as { redis: object }).redis;
}
