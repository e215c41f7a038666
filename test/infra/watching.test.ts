import { Duration } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { beforeAll, describe, expect, test } from 'vitest';
import { metrics } from '../../functions/contract/metric-names.ts';
import { type AlarmOptions, Alarms, Consumer, MetricsDashboard, Queries, Scheduler } from '../../infra/index.ts';
import { testStack, textOf, upstash } from './stack.ts';

function watched(options: Partial<AlarmOptions> = {}) {
  const stack = testStack();
  const system = { redis: upstash(stack), jobs: 'test/infra/jobs/good.ts' };
  const mail = new Consumer(stack, 'mail', { ...system, queues: 'mailers' });
  const ledger = new Consumer(stack, 'ledger', {
    ...system,
    queues: 'ledger',
    concurrency: 1,
    maxWorkers: 1,
    reserveConcurrency: true,
  });
  const consumers = [mail, ledger];
  const scheduler = new Scheduler(stack, 'Scheduler', { ...system, consumers: { mail, ledger } });
  const topic = new Topic(stack, 'Topic');
  const alarms = new Alarms(stack, 'Alarms', {
    topic,
    consumers,
    scheduler,
    onFailure: mail.function.onFailure,
    ...options,
  });
  new MetricsDashboard(stack, 'MetricsDashboard', { consumers, scheduler });
  new Queries(stack, 'Queries', { consumers, scheduler, folder: 'jobs' });
  return { stack, alarms, consumers, topic, template: Template.fromStack(stack) };
}

let template: Template;
beforeAll(() => {
  template = watched().template;
});

/** The one alarm whose logical id matches. */
function alarmOf(from: Template, id: RegExp): Record<string, unknown> {
  const found = Object.entries(from.findResources('AWS::CloudWatch::Alarm')).filter(([name]) => id.test(name));
  expect(found.map(([name]) => name)).toHaveLength(1);
  return found[0]?.[1]['Properties'];
}

describe('alarms', () => {
  test('jobs failing, by consumer', () => {
    expect(alarmOf(template, /FailedJobsmail/)).toMatchObject({
      Threshold: 1,
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      Metrics: [
        {
          Expression: `SELECT SUM(Failed) FROM SCHEMA("Lambdesque", system, consumer, queue) WHERE system = 'Test' AND consumer = 'mail'`,
          Period: 300,
          ReturnData: true,
        },
      ],
    });
  });

  test('the oldest job too old', () => {
    expect(alarmOf(template, /OldestJob/)).toMatchObject({
      Threshold: 600,
      EvaluationPeriods: 3,
      ComparisonOperator: 'GreaterThanThreshold',
      Metrics: [
        {
          Expression: `SELECT MAX(OldestAge) FROM SCHEMA("Lambdesque", system, queue) WHERE system = 'Test'`,
          Period: 60,
        },
      ],
    });
  });

  test('the scheduler silent for 5 minutes: no data is what it is about', () => {
    expect(alarmOf(template, /SchedulerSilent/)).toMatchObject({
      Namespace: 'Lambdesque',
      MetricName: 'Ticks',
      // Those of another system on the same Redis do not keep it quiet.
      Dimensions: [{ Name: 'system', Value: 'Test' }],
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 5,
      Threshold: 1,
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
    });
  });

  test('errors of each function, and throttles where no concurrency is reserved', () => {
    const names = Object.keys(template.findResources('AWS::CloudWatch::Alarm')).map((id) =>
      id.replace(/[0-9A-F]{8}$/, ''),
    );
    expect(names.sort()).toEqual([
      'AlarmsErrorsconsumerledger',
      'AlarmsErrorsconsumermail',
      'AlarmsErrorsscheduler',
      'AlarmsFailedJobsledger',
      'AlarmsFailedJobsmail',
      'AlarmsFailureQueue',
      'AlarmsOldestJob',
      'AlarmsSchedulerSilent',
      'AlarmsThrottlesconsumermail',
      'AlarmsThrottlesscheduler',
    ]);
    expect(alarmOf(template, /Errorsconsumermail/)).toMatchObject({
      Namespace: 'AWS/Lambda',
      MetricName: 'Errors',
      Statistic: 'Sum',
      Period: 300,
      Dimensions: [{ Name: 'FunctionName', Value: { Ref: expect.stringMatching(/^mailFunction/) } }],
    });
  });

  test('events of failed invocations that wait to be looked at', () => {
    expect(alarmOf(template, /FailureQueue/)).toMatchObject({
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Statistic: 'Maximum',
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      Dimensions: [
        { Name: 'QueueName', Value: { 'Fn::GetAtt': [expect.stringMatching(/^mailFailures/), 'QueueName'] } },
      ],
    });
  });

  test('each says what to do, in the 1024 characters that CloudWatch keeps', () => {
    for (const alarm of Object.values(template.findResources('AWS::CloudWatch::Alarm'))) {
      const description: string = alarm['Properties'].AlarmDescription;
      expect(description).toMatch(/\. What to do: [A-Z]/);
      expect(description.length).toBeLessThanOrEqual(1024);
    }
  });

  test('each threshold can be set', () => {
    const { template: own } = watched({
      failedJobs: 10,
      oldestJobAge: Duration.hours(2),
      schedulerSilence: Duration.minutes(15),
      functionErrors: 3,
      throttles: 20,
    });
    const thresholds = (id: RegExp) => {
      const { Threshold, EvaluationPeriods } = alarmOf(own, id);
      return [Threshold, EvaluationPeriods];
    };
    expect(thresholds(/FailedJobsmail/)).toEqual([10, 1]);
    expect(thresholds(/OldestJob/)).toEqual([7_200, 3]);
    expect(thresholds(/SchedulerSilent/)).toEqual([1, 15]);
    expect(thresholds(/Errorsscheduler/)).toEqual([3, 1]);
    expect(thresholds(/Throttlesscheduler/)).toEqual([20, 1]);
  });

  test.each<[Partial<AlarmOptions>, string]>([
    [{ failedJobs: 0 }, 'alarms: failedJobs must be more than 0; got 0.'],
    [{ oldestJobAge: Duration.seconds(0) }, 'alarms: oldestJobAge must be more than 0; got 0.'],
    [{ schedulerSilence: Duration.minutes(0) }, 'schedulerSilence must be a whole number of minutes'],
    [{ schedulerSilence: Duration.hours(25) }, 'from 1 to 1440, as CloudWatch has it; got 1 day 1 hour.'],
    [{ topic: undefined as never }, 'alarms: topic must be an SNS topic'],
    [{ throttle: 5 } as object, 'Alarms: there is no option "throttle" (did you mean "throttles"?)'],
  ])('%j is refused', (options, message) => {
    expect(() => watched(options)).toThrow(message);
  });

  test('may publish to the topic, also where it has a policy of its own, and a key', () => {
    const stack = testStack();
    const mail = new Consumer(stack, 'mail', { redis: upstash(stack), jobs: 'test/infra/jobs/good.ts', queues: '*' });
    const topic = new Topic(stack, 'Topic', { enforceSSL: true, masterKey: new Key(stack, 'Key') });
    new Alarms(stack, 'Alarms', { topic, consumers: [mail] });
    const allowed = (actions: unknown) =>
      Match.objectLike({
        Effect: 'Allow',
        Action: actions,
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      });
    const made = Template.fromStack(stack);
    made.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: { Statement: Match.arrayWith([allowed('sns:Publish')]) },
    });
    made.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: { Statement: Match.arrayWith([allowed(['kms:Decrypt', 'kms:GenerateDataKey*'])]) },
    });
  });

  test('without a scheduler there are none about it', () => {
    const { stack, consumers, topic } = watched();
    const alarms = new Alarms(stack, 'Others', { topic, consumers });
    expect([alarms.schedulerSilent, alarms.oldestJob, alarms.failureQueue]).toEqual([undefined, undefined, undefined]);
    expect(alarms.functionErrors).toHaveLength(2);
  });
});

test('the metrics dashboard shows every metric that the functions write', () => {
  const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  const body = textOf(dashboard?.['Properties'].DashboardBody);
  const { widgets } = JSON.parse(body) as { widgets: { properties: { title?: string } }[] };
  expect(widgets.length).toBeGreaterThan(10);
  // Not on it: what others add up to (Processed = Succeeded + Failed + Retried + discarded), what only an alarm needs, what is rare.
  const { succeeded, ticks, reclaimed, ...shown } = metrics;
  for (const { name } of Object.values(shown)) expect(body).toContain(name);
  expect(body).toContain(
    JSON.stringify(
      `SEARCH('{"Lambdesque","system","consumer","queue"} MetricName="Duration" system="Test" consumer="mail"', 'p99', 60)`,
    ),
  );
});

test('saved queries search the consumers’ logs, and a job’s history the scheduler’s as well', () => {
  template.resourceCountIs('AWS::Logs::QueryDefinition', 4);
  template.hasResourceProperties('AWS::Logs::QueryDefinition', {
    Name: 'jobs/failures by class',
    LogGroupNames: [{ Ref: Match.stringLikeRegexp('^mailLogs') }, { Ref: Match.stringLikeRegexp('^ledgerLogs') }],
    QueryString:
      "filter outcome = 'failed'\n" +
      '| stats count(*) as failures, max(@timestamp) as last, latest(error) as example by class, queue\n' +
      '| sort failures desc\n' +
      '| limit 100',
  });
  template.hasResourceProperties('AWS::Logs::QueryDefinition', {
    Name: "jobs/one job's history",
    LogGroupNames: Match.arrayWith([{ Ref: Match.stringLikeRegexp('^SchedulerLogs') }]),
  });
});
