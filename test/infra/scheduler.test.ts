import { Duration } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Function as LambdaFn } from 'aws-cdk-lib/aws-lambda';
import { expect, test } from 'vitest';
import { Consumer, type ScheduledConsumer, Scheduler, type SchedulerProps } from '../../infra/index.ts';
import { functionOf, settingsOf, statementsOf, testStack, upstash } from './stack.ts';

const jobs = 'test/infra/jobs/good.ts';

function scheduler(options: Partial<SchedulerProps> = {}) {
  const stack = testStack();
  const redis = upstash(stack);
  const mail = new Consumer(stack, 'mail', {
    redis,
    jobs,
    queues: { mailers: 3, news: 1 },
    concurrency: 5,
    maxWorkers: 2,
  });
  const made = new Scheduler(stack, 'Scheduler', { redis, jobs, consumers: { mail }, ...options });
  return { stack, scheduler: made, template: () => Template.fromStack(stack) };
}

test('ticks once a minute, and a tick that fails is not repeated', () => {
  const template = scheduler().template();
  template.resourceCountIs('AWS::Events::Rule', 0);
  template.hasResourceProperties('AWS::Scheduler::Schedule', {
    GroupName: { Ref: Match.stringLikeRegexp('^SchedulerTickGroup') },
    ScheduleExpression: 'rate(1 minute)',
    FlexibleTimeWindow: { Mode: 'OFF' },
    Target: {
      Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^SchedulerFunction'), 'Arn'] },
      RoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^SchedulerTickRole'), 'Arn'] },
      RetryPolicy: { MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 },
      DeadLetterConfig: { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^SchedulerFailures'), 'Arn'] } },
    },
  });
  template.allResourcesProperties('AWS::Lambda::EventInvokeConfig', {
    MaximumRetryAttempts: 0,
    MaximumEventAgeInSeconds: 60,
    DestinationConfig: { OnFailure: Match.anyValue() },
  });
  expect(functionOf(template, /^Scheduler/)).toMatchObject({ MemorySize: 256, Timeout: 120, Architectures: ['arm64'] });
});

test('the schedule has a role of its own, which starts this function and nothing else', () => {
  const template = scheduler().template();
  const [send, invoke, ...rest] = statementsOf(template, /^SchedulerTickRole/).sort((a, b) =>
    a.actions.join() < b.actions.join() ? 1 : -1,
  );
  expect(rest).toEqual([]);
  expect(invoke?.actions).toEqual(['lambda:InvokeFunction']);
  expect(invoke?.resources).toEqual([expect.stringMatching(/^<SchedulerFunction\w+\.Arn>$/)]);
  expect(send?.resources).toEqual([expect.stringMatching(/^<SchedulerFailures\w+\.Arn>$/)]);
  const roles = Object.entries(template.findResources('AWS::IAM::Role'));
  const [, role] = roles.find(([id]) => id.startsWith('SchedulerTickRole')) ?? [];
  expect(role?.['Properties'].AssumeRolePolicyDocument.Statement).toEqual([
    {
      Action: 'sts:AssumeRole',
      Effect: 'Allow',
      Principal: { Service: 'scheduler.amazonaws.com' },
      Condition: {
        StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
        ArnEquals: { 'aws:SourceArn': expect.objectContaining({ 'Fn::Join': expect.anything() }) },
      },
    },
  ]);
});

test('knows its consumers, and may start them and nothing else', () => {
  const template = scheduler().template();
  expect(settingsOf(template, /^Scheduler/)).toMatchObject({
    namespace: 'resque:',
    consumers: {
      mail: {
        functionName: 'Test-mail',
        queues: 'mailers=3,news=1',
        order: 'weighted',
        concurrency: 5,
        maxWorkers: 2,
        maxEventAge: 60_000,
      },
    },
  });
  const statements = statementsOf(template, /^SchedulerRole/);
  expect(statements.flatMap((one) => one.actions).sort()).toEqual([
    'lambda:GetAccountSettings',
    'lambda:InvokeFunction',
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    'secretsmanager:DescribeSecret',
    'secretsmanager:GetSecretValue',
    'sqs:GetQueueAttributes',
    'sqs:GetQueueUrl',
    'sqs:SendMessage',
  ]);
  const invoke = statements.filter((one) => one.actions.includes('lambda:InvokeFunction'));
  for (const resource of invoke.flatMap((one) => one.resources)) expect(resource).toMatch(/:function:Test-mail$/);
});

test('a hundred functions of the user’s own fit into the policies of its role', () => {
  const stack = testStack();
  const arn = (i: number) => `arn:aws:lambda:ap-southeast-2:123456789012:function:${'mine'.repeat(15)}-${i}`;
  const consumers = Object.fromEntries(
    Array.from({ length: 100 }, (_, i): [string, ScheduledConsumer] => [
      `c${i}`,
      {
        function: LambdaFn.fromFunctionArn(stack, `Fn${i}`, arn(i)),
        queues: '*',
        order: 'strict',
        concurrency: 1,
        maxWorkers: 1,
        maxEventAge: Duration.minutes(1),
        reserved: false,
      },
    ]),
  );
  new Scheduler(stack, 'Scheduler', { redis: upstash(stack), jobs, consumers });
  const template = Template.fromStack(stack);
  const lengths = (type: string) =>
    Object.values(template.findResources(type)).map((one) => JSON.stringify(one['Properties'].PolicyDocument).length);
  expect(Math.max(...lengths('AWS::IAM::Policy'))).toBeLessThan(10_240);
  expect(Math.max(...lengths('AWS::IAM::ManagedPolicy'))).toBeLessThan(6_144);
});

test('takes what the user says over every default', () => {
  const template = scheduler({
    memorySize: 1024,
    timeout: Duration.seconds(90),
    namespace: '{jobs}:',
    logArgs: true,
  }).template();
  expect(functionOf(template, /^Scheduler/)).toMatchObject({ MemorySize: 1024, Timeout: 90 });
  expect(settingsOf(template, /^Scheduler/)).toMatchObject({ namespace: '{jobs}:', logArgs: true });
});

test('its metrics', () => {
  const { scheduler: made } = scheduler({ metricsNamespace: 'Mine' });
  expect(made.metricTicks().toMetricConfig().metricStat).toMatchObject({
    namespace: 'Mine',
    metricName: 'Ticks',
    dimensions: [{ name: 'system', value: 'Test' }],
    statistic: 'Sum',
  });
  expect(made.metricDepth({ queue: 'mailers' }).toMetricConfig().metricStat).toMatchObject({
    metricName: 'Depth',
    dimensions: [
      { name: 'queue', value: 'mailers' },
      { name: 'system', value: 'Test' },
    ],
    statistic: 'Maximum',
  });
  expect(made.metricOldestAge().toMetricConfig().mathExpression).toMatchObject({
    expression: `SELECT MAX(OldestAge) FROM SCHEMA("Mine", system, queue) WHERE system = 'Test'`,
  });
});

test('keeps as much of the failed list as it is told', () => {
  expect(settingsOf(scheduler().template(), /^Scheduler/)).not.toHaveProperty('failed');
  const template = scheduler({ failed: { max: 10_000, age: Duration.days(30) } }).template();
  expect(settingsOf(template, /^Scheduler/)).toMatchObject({ failed: { max: 10_000, age: 2_592_000_000 } });
  expect(() => scheduler({ failed: { max: 0.5 } })).toThrow(/scheduler\.failed\.max must be a whole number.*got 0\.5/);
});
