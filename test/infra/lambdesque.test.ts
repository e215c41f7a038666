import { Aws, NestedStack, type Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { type Consumer, Lambdesque, type LambdesqueProps } from '../../infra/index.ts';
import { functionOf, settingsOf, statementsOf, testStack, upstash, warningsOf } from './stack.ts';

type Names = 'mail' | 'ledger';

function system(props: Partial<LambdesqueProps<Names>> = {}) {
  const stack = testStack();
  const jobs = new Lambdesque(stack, 'Jobs', {
    redis: upstash(stack),
    jobs: 'test/infra/jobs/good.ts',
    consumers: {
      mail: { queues: { mailers: 3, newsletters: 1 } },
      ledger: { queues: ['ledger'], concurrency: 1, maxWorkers: 1 },
    },
    ...props,
  });
  return { stack, jobs, template: () => Template.fromStack(stack) };
}

test('the consumers are known by their names', () => {
  const { jobs } = system();
  expectTypeOf(jobs.consumers).toEqualTypeOf<{ readonly mail: Consumer; readonly ledger: Consumer }>();
  expect(jobs.consumers.ledger.queues).toBe('ledger');
  expect(Object.keys(jobs.consumers)).toEqual(['mail', 'ledger']);
});

test('is a function for each consumer, one for the scheduler, one failure queue, a dashboard and queries', () => {
  const template = system().template();
  template.resourceCountIs('AWS::Lambda::Function', 3);
  template.resourceCountIs('AWS::Logs::LogGroup', 3);
  template.resourceCountIs('AWS::SQS::Queue', 1);
  template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  template.resourceCountIs('AWS::Logs::QueryDefinition', 4);
  template.resourceCountIs('AWS::CloudWatch::Alarm', 0);
  expect(settingsOf(template, /^JobsScheduler/)).toMatchObject({ consumers: { mail: {}, ledger: { maxWorkers: 1 } } });
});

test('what is said for all holds for all, and what is said for one wins', () => {
  const template = system({
    namespace: '{jobs}:',
    metricsNamespace: 'Mine',
    classMetrics: true,
    logRetention: RetentionDays.ONE_WEEK,
    consumers: {
      mail: { queues: ['mailers'], logRetention: RetentionDays.ONE_YEAR },
      ledger: { queues: ['ledger'] },
    },
  }).template();
  for (const id of [/mailFunction/, /ledgerFunction/, /SchedulerFunction/]) {
    const shared = { namespace: '{jobs}:', metricsNamespace: 'Mine', classMetrics: true };
    expect(settingsOf(template, id)).toMatchObject(shared);
  }
  template.resourcePropertiesCountIs('AWS::Logs::LogGroup', { RetentionInDays: 7 }, 2);
  template.resourcePropertiesCountIs('AWS::Logs::LogGroup', { RetentionInDays: 365 }, 1);
});

describe('a key of the user’s own', () => {
  const KEY = { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] };
  /** A system whose log groups and queues are all under the key. */
  function under(makeKey: (stack: Stack) => IKey, wake: 'minute' | 'on-demand') {
    const stack = testStack();
    const encryptionKey = makeKey(stack);
    const topic = new Topic(stack, 'Topic', { masterKey: encryptionKey, enforceSSL: true });
    const jobs = new Lambdesque(stack, 'Jobs', {
      redis: upstash(stack),
      jobs: 'test/infra/jobs/good.ts',
      consumers: { mail: { queues: ['*'] } },
      alarms: { topic },
      dashboard: { auth: 'iam' },
      wake,
      encryptionKey,
    });
    jobs.consumers.mail.addDoorbellUrl();
    return { stack, template: Template.fromStack(stack) };
  }
  const of = (template: Template, type: string) =>
    Object.values(template.findResources(type)).map((one) => one['Properties'] as Record<string, unknown>);

  test.each(['minute', 'on-demand'] as const)('is that of every log group and queue, %s', (wake) => {
    const { stack, template } = under((scope) => new Key(scope, 'Key') as IKey, wake);
    const groups = of(template, 'AWS::Logs::LogGroup');
    expect(groups).toHaveLength(4);
    for (const group of groups) expect(group['KmsKeyId']).toEqual(KEY);
    const queues = of(template, 'AWS::SQS::Queue');
    expect(queues).toHaveLength(wake === 'minute' ? 1 : 2);
    for (const queue of queues) expect(queue['KmsMasterKeyId']).toEqual(KEY);

    // CloudWatch Logs writes with it, for log groups of this account; alarms publish with it.
    const statements = of(template, 'AWS::KMS::Key').flatMap(
      (key) => (key['KeyPolicy'] as { Statement: Record<string, unknown>[] }).Statement,
    );
    expect(statements).toContainEqual(
      expect.objectContaining({
        Principal: { Service: { 'Fn::Join': ['', ['logs.', { Ref: 'AWS::Region' }, '.amazonaws.com']] } },
        Action: ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
        Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': expect.anything() } },
      }),
    );
    expect(JSON.stringify(statements)).toContain('cloudwatch.amazonaws.com');
    // The functions write what has failed to the queue.
    for (const role of [/mailRole/, /SchedulerRole/]) {
      const actions = statementsOf(template, role).flatMap((one) => one.actions);
      expect(actions).toEqual(expect.arrayContaining(['kms:GenerateDataKey*', 'kms:Decrypt']));
    }
    expect(warningsOf(stack)).toEqual([]);
  });

  test('that is not this app’s has a policy that nobody changes here: synth says what it must hold', () => {
    const arn = 'arn:aws:kms:eu-west-1:111122223333:key/1234';
    const { stack } = under((scope) => Key.fromKeyArn(scope, 'Key', arn), 'minute');
    expect(warningsOf(stack)).toContainEqual(expect.stringContaining('It must let logs.<region>.amazonaws.com'));
  });
});

test('a stack may hold several systems, each with a name of its own', () => {
  const { stack, jobs } = system();
  const more = (scope: Construct, id: string, systemName?: string) =>
    new Lambdesque(scope, id, {
      redis: upstash(stack, `${id}Token`),
      jobs: 'test/infra/jobs/good.ts',
      consumers: { all: { queues: '*' } },
      ...(systemName === undefined ? {} : { systemName }),
    });
  expect([jobs, more(stack, 'More')].map((one) => one.systemName)).toEqual(['Test-Jobs', 'Test-More']);
  expect(() => more(new NestedStack(stack, 'Nested'), 'Same', 'Test-Jobs')).toThrow(
    'Test/Nested/Same and Test/Jobs have the same systemName, "Test-Jobs".',
  );
});

test.each<[object, string]>([
  [{ wake: 'ondemand' }, "wake must be 'minute' or 'on-demand'; got \"ondemand\"."],
  [{ consumer: {} }, 'Lambdesque: there is no option "consumer" (did you mean "consumers"?)'],
  [{ jobs: undefined }, 'jobs: give the path of a module'],
  [
    { cron: { nightly: { every: '1h', class: 'Mail', args: [{ to: `of ${Aws.REGION}` }] } } },
    'cron holds a value that is known only when it is deployed',
  ],
  [
    { consumers: { mail: { queues: '*', namespace: 'other:' } } },
    'consumers.mail: Consumer: there is no option "namespace"',
  ],
  [{ scheduler: { systemName: 'other' } }, 'Scheduler: there is no option "systemName"'],
  [{ dashboard: { redis: {} } }, 'Dashboard: there is no option "redis"'],
  [{ scheduler: { failed: { most: 5 } } }, 'Scheduler: failed: there is no option "most"'],
])('%j is refused', (props, message) => {
  expect(() => system(props)).toThrow(message);
});

test('dashboard and queries can be left out', () => {
  const template = system({ metricsDashboard: false, queries: false }).template();
  template.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  template.resourceCountIs('AWS::Logs::QueryDefinition', 0);
});

test('its doorbell is for all consumers, also serial ones: Redis holds their limits', () => {
  const { stack, jobs, template } = system();
  jobs.grantDoorbell(new Role(stack, 'WebApp', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }));
  const resources = statementsOf(template(), /^WebApp/).flatMap((one) => one.resources);
  for (const name of ['mailFunction', 'ledgerFunction']) {
    expect(resources.some((one) => one.includes(name))).toBe(true);
  }
});

/** Logical ids, without their hashes, of what differs. */
function changes(one: Template, other: Template): string[] {
  const [before, after] = [one, other].map((template) => template.toJSON()['Resources'] as Record<string, unknown>);
  expect(Object.keys(after ?? {})).toEqual(Object.keys(before ?? {}));
  return Object.keys(after ?? {})
    .filter((id) => JSON.stringify(after?.[id]) !== JSON.stringify(before?.[id]))
    .map((id) => id.replace(/[0-9A-F]{8}$/, ''));
}

test('with many consumers, a role that is not the app’s may ring all of them by a short policy', () => {
  const stack = testStack();
  const jobs = new Lambdesque(stack, 'Jobs', {
    redis: upstash(stack),
    jobs: 'test/infra/jobs/any-queue.ts',
    consumers: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`c${i}`, { queues: `q${i}` }])),
    metricsDashboard: false,
    queries: false,
  });
  jobs.grantDoorbell(Role.fromRoleName(stack, 'WebApp', 'web-app'));
  jobs.consumers['c0']?.addDoorbellUrl();
  // It has no policy: the functions say who may.
  jobs.grantDoorbell(new ServicePrincipal('events.amazonaws.com'));
  const elsewhere = 'arn:aws:iam::222222222222:role/partner';
  jobs.grantDoorbell(Role.fromRoleArn(stack, 'Partner', elsewhere));
  const template = Template.fromStack(stack);
  const policy = Object.values(template.findResources('AWS::IAM::Policy')).find(
    (one) => one['Properties'].Roles[0] === 'web-app',
  );
  const [invoke, ...others] = policy?.['Properties'].PolicyDocument.Statement ?? [];
  expect(invoke.Resource).toHaveLength(30);
  expect(JSON.stringify(invoke)).toContain('function:Test-Jobs-c29-Consumers2');
  expect(JSON.stringify(others)).toContain('lambda:InvokeFunctionUrl');
  for (const Principal of ['events.amazonaws.com', elsewhere]) {
    template.hasResourceProperties('AWS::Lambda::Permission', {
      Principal,
      Action: 'lambda:InvokeFunction',
      FunctionName: { 'Fn::GetAtt': [Match.stringLikeRegexp('c1Function'), 'Arn'] },
    });
  }
});

test('a change of one consumer changes that one, the scheduler that starts it, and the dashboard', () => {
  const mail = { queues: { mailers: 3, newsletters: 1 } };
  const changed = { queues: ['ledger', 'audit'], concurrency: 1, maxWorkers: 1, memorySize: 1024 };
  expect(changes(system().template(), system({ consumers: { mail, ledger: changed } }).template())).toEqual([
    'JobsConsumersledgerFunction',
    'JobsSchedulerFunction',
    'JobsMetricsDashboard',
  ]);
});

test('a change of its memory changes nothing else', () => {
  const mail = { queues: { mailers: 3, newsletters: 1 }, memorySize: 1024 };
  const ledger = { queues: ['ledger'], concurrency: 1, maxWorkers: 1 };
  const ids = changes(system().template(), system({ consumers: { mail, ledger } }).template());
  expect(ids).toEqual(['JobsConsumersmailFunction']);
});

test('a change of a cron entry changes the code of the scheduler alone', () => {
  const cron = { hourly: { cron: '0 * * * *', class: 'Mail' } };
  const [before, after] = [system().template(), system({ cron }).template()];
  expect(changes(before, after)).toEqual(['JobsSchedulerFunction']);
  expect(settingsOf(after, /^JobsScheduler/)).toEqual(settingsOf(before, /^JobsScheduler/));
});

test('alarms tell the topic', () => {
  const stack = testStack();
  const topic = new Topic(stack, 'Alarms', { enforceSSL: true });
  new Lambdesque(stack, 'Jobs', {
    redis: upstash(stack),
    jobs: 'test/infra/jobs/good.ts',
    consumers: { all: { queues: '*' } },
    alarms: { topic },
  });
  const template = Template.fromStack(stack);
  const to = [{ Ref: Match.stringLikeRegexp('^Alarms') }];
  template.resourceCountIs('AWS::CloudWatch::Alarm', 8);
  template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: to, OKActions: to });
  expect(functionOf(template, /allFunction/)).toBeDefined();
});
