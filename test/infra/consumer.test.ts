import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { describe, expect, test } from 'vitest';
import { Consumer, type ConsumerOptions } from '../../infra/index.ts';
import { functionOf, settingsOf, statementsOf, testStack, upstash, warningsOf } from './stack.ts';

const jobs = 'test/infra/jobs/good.ts';

function consumer(options: Partial<ConsumerOptions> = {}, id = 'mail') {
  const stack = testStack();
  const made = new Consumer(stack, id, { redis: upstash(stack), jobs, queues: 'mailers', ...options });
  return { stack, consumer: made, template: () => Template.fromStack(stack) };
}

function caller(stack: ReturnType<typeof testStack>, id = 'Caller'): Role {
  return new Role(stack, id, { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
}

describe('limits of queues', () => {
  test('go into its settings', () => {
    const limits = { mailers: { running: 2, rate: '100/1m' } } as const;
    expect(settingsOf(consumer({ limits }).template(), /^mail/)).toMatchObject({ limits });
  });

  test.each<[Consumer['queues'], object, string]>([
    ['mailers', { mailers: { running: 0 } }, 'limits.mailers: running must be a whole number from 1'],
    [
      'mailers',
      { mailers: { rate: '100' } },
      "limits.mailers: rate must be a number of jobs and a time, such as '100/1m'",
    ],
    ['mailers', { mailers: { runing: 1 } }, 'did you mean "running"?'],
    [
      'mailers,news',
      { mialers: { running: 1 } },
      'limits.mialers: no queue of this name is looked into (did you mean "mailers"?). The queues are mailers, news.',
    ],
    [
      '*,!news',
      { news: { running: 1 } },
      'limits.news: no queue of this name is looked into. The queues are *, !news.',
    ],
  ])('are checked at synth: %s %j', (queues, limits, message) => {
    expect(() => consumer({ queues, limits: limits as never })).toThrow(message);
  });
});

describe('the function', () => {
  test('has defaults that need nothing else to be said', () => {
    const template = consumer().template();
    expect(functionOf(template, /^mail/)).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 512,
      Timeout: 900,
      Description: 'Lambdesque consumer mail: mailers',
      Environment: { Variables: { NODE_OPTIONS: '--enable-source-maps' } },
    });
    expect(settingsOf(template, /^mail/)).toEqual({
      redis: {
        kind: 'upstash',
        url: 'https://example.upstash.io',
        token: { service: 'secretsmanager', id: 'upstash-token' },
      },
      system: 'Test',
      namespace: 'resque:',
      metricsNamespace: 'Lambdesque',
      consumer: 'mail',
      queues: 'mailers',
      concurrency: 25,
      maxWorkers: 2,
    });
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumEventAgeInSeconds: 60,
      MaximumRetryAttempts: 0,
      DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('Failures'), 'Arn'] } } },
    });
    template.hasResource('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 30 }, DeletionPolicy: 'Delete' });
    template.hasResourceProperties('AWS::SQS::Queue', {
      SqsManagedSseEnabled: true,
      MessageRetentionPeriod: 1_209_600,
    });
  });

  test('takes what the user says over every default', () => {
    const template = consumer({
      queues: { mailers: 3, newsletters: 1 },
      order: 'strict',
      concurrency: 5,
      memorySize: 2048,
      timeout: Duration.minutes(5),
      lease: Duration.seconds(20),
      unknownClass: 'release',
      linger: Duration.seconds(4),
      environment: { NODE_OPTIONS: '--trace-warnings', SMTP_HOST: 'smtp.example.com' },
      logRetention: RetentionDays.ONE_WEEK,
      removalPolicy: RemovalPolicy.RETAIN,
      retryAttempts: 2,
      maxEventAge: Duration.hours(1),
    }).template();
    expect(functionOf(template, /^mail/)).toMatchObject({
      MemorySize: 2048,
      Timeout: 300,
      Environment: { Variables: { NODE_OPTIONS: '--trace-warnings', SMTP_HOST: 'smtp.example.com' } },
    });
    expect(settingsOf(template, /^mail/)).toMatchObject({
      queues: 'mailers=3,newsletters=1',
      order: 'strict',
      concurrency: 5,
      lease: 20_000,
      unknownClass: 'release',
      linger: 4_000,
    });
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumEventAgeInSeconds: 3_600,
      MaximumRetryAttempts: 2,
    });
    template.hasResource('AWS::Logs::LogGroup', { Properties: { RetentionInDays: 7 }, DeletionPolicy: 'Retain' });
    template.hasResource('AWS::SQS::Queue', { DeletionPolicy: 'Retain' });
  });

  test('uses the log group and failure queue that it is given', () => {
    const stack = testStack();
    const logGroup = new LogGroup(stack, 'Logs');
    const onFailure = new Queue(stack, 'Dead');
    new Consumer(stack, 'mail', { redis: upstash(stack), jobs, queues: '*', logGroup, onFailure });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::Logs::LogGroup', 1);
    template.resourceCountIs('AWS::SQS::Queue', 1);
  });

  test('may write its own log, read its secret and report its failures, and nothing else', () => {
    const { template } = consumer();
    expect(statementsOf(template(), /^mailRole/)).toEqual([
      {
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [expect.stringMatching(/^<mailLogs\w+\.Arn>$/)],
      },
      {
        actions: ['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage'],
        resources: [expect.stringMatching(/^<mailFailures/)],
      },
      {
        actions: ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'],
        resources: [expect.stringMatching(/:secret:upstash-token-\?{6}$/)],
      },
    ]);
    template().allResourcesProperties('AWS::IAM::Role', { ManagedPolicyArns: Match.absent() });
  });

  test('gets what its jobs need, as it is a grantee', () => {
    const { stack, consumer: mail, template } = consumer();
    new Bucket(stack, 'Reports').grantPut(mail);
    expect(statementsOf(template(), /^mailRole/).flatMap((one) => one.actions)).toContain('s3:PutObject');
  });

  test('reserves concurrency only if told to', () => {
    expect(functionOf(consumer().template(), /^mail/)).not.toHaveProperty('ReservedConcurrentExecutions');
    const template = consumer({ maxWorkers: 3, reserveConcurrency: true }).template();
    expect(functionOf(template, /^mail/)).toMatchObject({ ReservedConcurrentExecutions: 3 });
  });
});

describe('queues', () => {
  test.each([
    [['critical', 'default', '!low*'], 'critical,default,!low*', 'strict'],
    [{ mailers: 3, newsletters: 1 }, 'mailers=3,newsletters=1', 'weighted'],
    ['high=3,low=1', 'high=3,low=1', 'weighted'],
  ] as const)('%j', (queues, text, order) => {
    const { consumer: made } = consumer({ queues });
    expect([made.queues, made.order]).toEqual([text, order]);
  });
});

describe('the doorbell', () => {
  test('is a URL for signed calls, of a small function that may start the consumer and nothing else', () => {
    const { consumer: mail, template } = consumer();
    expect(mail.addDoorbellUrl()).toBe(mail.addDoorbellUrl());
    const url = {
      AuthType: 'AWS_IAM',
      TargetFunctionArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('Doorbell'), 'Arn'] },
    };
    template().hasResourceProperties('AWS::Lambda::Url', { ...url, InvokeMode: Match.absent() });
    expect(functionOf(template(), /DoorbellFunction/).Environment.Variables).toEqual({
      NODE_OPTIONS: '--enable-source-maps',
      LAMBDESQUE_CONSUMER: { Ref: expect.stringMatching(/^mailFunction/) },
    });
    expect(statementsOf(template(), /DoorbellRole/).map((one) => one.actions)).toEqual([
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      ['lambda:InvokeFunction'],
    ]);
  });

  test.each(['before', 'after'])('a grant made %s the URL is for both ways to ring', (when) => {
    const { stack, consumer: mail, template } = consumer();
    if (when === 'after') mail.addDoorbellUrl();
    mail.grantDoorbell(caller(stack));
    if (when === 'before') mail.addDoorbellUrl();
    const statements = statementsOf(template(), /^Caller/);
    expect(new Set(statements.flatMap((one) => one.actions))).toEqual(
      new Set(['lambda:InvokeFunction', 'lambda:InvokeFunctionUrl']),
    );
    expect(statements.flatMap((one) => one.resources).filter((one) => one.includes('*'))).toEqual([]);
    template().resourceCountIs('AWS::Lambda::Permission', 0);
  });

  test('without a URL a grant is for Invoke alone', () => {
    const { stack, consumer: mail, template } = consumer();
    mail.grantDoorbell(caller(stack));
    expect(statementsOf(template(), /^Caller/).flatMap((one) => one.actions)).toEqual(['lambda:InvokeFunction']);
  });

  test('can be any event source', () => {
    const { stack, consumer: mail, template } = consumer();
    mail.addEventSource(new SqsEventSource(new Queue(stack, 'Bell', { visibilityTimeout: Duration.minutes(15) })));
    template().resourceCountIs('AWS::Lambda::EventSourceMapping', 1);
    expect(warningsOf(stack)).toEqual([]);
  });

  test.each([
    ['its own 30 seconds', {}, 'shows a message again after 30 seconds'],
    [
      'ten minutes',
      { visibilityTimeout: Duration.minutes(10) },
      'Give it visibilityTimeout: Duration.seconds(900) or more',
    ],
  ])('cannot be a queue that shows messages again after %s, while the consumer runs', (_, props, message) => {
    const { stack, consumer: mail } = consumer();
    const source = new SqsEventSource(new Queue(stack, 'Bell', props));
    expect(() => mail.addEventSource(source)).toThrow(message);
    expect(() => mail.function.addEventSource(source)).toThrow('The queue Test/Bell shows');
    const quick = new Consumer(stack, 'quick', {
      redis: upstash(stack, 'Other'),
      jobs,
      queues: 'q',
      timeout: Duration.seconds(30),
    });
    expect(() => quick.addEventSource(source)).not.toThrow(/./);
    // Of a queue that is not this app's nothing is known.
    const theirs = Queue.fromQueueArn(stack, 'Theirs', 'arn:aws:sqs:eu-west-1:111122223333:theirs');
    mail.addEventSource(new SqsEventSource(theirs));
  });
});

describe('metrics', () => {
  test('of one queue are that metric; of all, a query', () => {
    const { stack, consumer: mail } = consumer();
    expect(mail.metricDuration({ queue: 'mailers', statistic: 'p99' }).toMetricConfig().metricStat).toMatchObject({
      namespace: 'Lambdesque',
      metricName: 'Duration',
      dimensions: [
        { name: 'consumer', value: 'mail' },
        { name: 'queue', value: 'mailers' },
        { name: 'system', value: 'Test' },
      ],
      statistic: 'p99',
    });
    expect(mail.metricFailed().toMetricConfig().mathExpression).toMatchObject({
      expression: `SELECT SUM(Failed) FROM SCHEMA("Lambdesque", system, consumer, queue) WHERE system = 'Test' AND consumer = 'mail'`,
    });
    expect(stack.resolve(mail.metricLiveWorkers().toMetricConfig().metricStat)).toMatchObject({
      metricName: 'LiveWorkers',
      dimensions: [
        { name: 'consumer', value: 'mail' },
        { name: 'system', value: 'Test' },
      ],
      statistic: 'Maximum',
    });
  });

  test('no percentile over all queues', () => {
    const { consumer: mail } = consumer();
    expect(() => mail.metricDuration({ statistic: 'p99' })).toThrow(
      'The statistic "p99" of Duration needs a queue: over all queues CloudWatch gives only Sum, Average, Maximum, Minimum, SampleCount.',
    );
  });
});

describe('errors at synth', () => {
  test.each<[string, Partial<ConsumerOptions>, string]>([
    [
      'memorySize',
      { memorySize: 100 },
      'memorySize must be a whole number of MB from 128 to 10240, as Lambda has it; got 100.',
    ],
    [
      'timeout',
      { timeout: Duration.minutes(16) },
      'timeout must be from 1 second to 15 minutes, in whole seconds, as Lambda has it; got 16 minutes.',
    ],
    ['timeout, a number', { timeout: 30 as never }, 'timeout must be a Duration, such as Duration.minutes(5); got 30.'],
    ['timeout between seconds', { timeout: Duration.millis(1_500) }, 'in whole seconds'],
    ['maxEventAge', { maxEventAge: Duration.seconds(5) }, 'maxEventAge must be from 1 minute to 6 hours'],
    // What the function itself would say, at each start.
    ['lease', { lease: Duration.millis(5) }, 'lease must be milliseconds, 1000 or more; got 5.'],
    ['unknownClass', { unknownClass: 'drop' as never }, 'unknownClass must be "fail" or "release"; got "drop".'],
    ['serial', { serial: 'yes' as never }, 'serial must be true or false; got "yes".'],
    [
      'an option that there is not',
      { maxWorker: 5 } as object,
      'there is no option "maxWorker" (did you mean "maxWorkers"?); got 5.',
    ],
    ['a variable of one letter', { environment: { A: 'x' } }, 'environment holds "A": Lambda takes names of two'],
    ['a variable without a value', { environment: { AB: undefined as never } }, 'environment.AB must be a text'],
    ['timeout below a second', { timeout: Duration.millis(500) }, 'got 500 millis.'],
    ['retryAttempts', { retryAttempts: 3 }, 'retryAttempts must be 0, 1 or 2, as Lambda has it; got 3.'],
    ['maxWorkers', { maxWorkers: 0 }, 'maxWorkers must be a whole number, 1 or more; got 0.'],
    ['concurrency', { concurrency: 1.5 }, 'concurrency must be a whole number, 1 or more; got 1.5.'],
    ['no queue', { queues: [] }, 'queues must be'],
    ['only exclusions', { queues: ['!low'] }, 'queues must name at least one queue to look at'],
    ['a comma in a name', { queues: ['a,b'] }, 'queues holds "a,b": a queue\'s name must not be empty'],
    [
      'a weight',
      { queues: { mailers: 0 } },
      'The weight of queue "mailers" must be a whole number from 1 to 999999; got "0".',
    ],
    ['our variable', { environment: { LAMBDESQUE_SETTINGS: '{}' } }, 'environment must not hold LAMBDESQUE_SETTINGS'],
    [
      'a big environment',
      { environment: { AN: 'x'.repeat(4_090) } },
      'and Lambda allows 4096. Give less in environment',
    ],
  ])('%s', (_name, options, message) => {
    expect(() => consumer(options)).toThrow(message);
  });

  test.each([
    [{ metricsNamespace: 'AWS/Lambda' }, /metricsNamespace must be .* not begin with AWS\/; got "AWS\/Lambda"/],
    [{ metricsNamespace: 'a"b' }, /metricsNamespace must be/],
    [{ namespace: '' }, /namespace must not be empty/],
    [{ redis: 'redis://cache' as never }, /redis must be a RedisConnection.*got string/],
    [{ systemName: "it's" }, /systemName must be 1 to 64 letters.*got "it's"/],
  ])('%j', (options, message) => {
    const stack = testStack();
    const make = () => new Consumer(stack, 'mail', { redis: upstash(stack), jobs, queues: '*', ...options });
    expect(make).toThrow(message);
  });

  test('a name that no metric could have', () => {
    expect(() => consumer({}, 'a b')).toThrow(
      `A consumer's name must be 1 to 64 letters, digits, ".", "_" and "-"; got "a b".`,
    );
  });
});
