import { Duration } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, test } from 'vitest';
import type { CommonSettings } from '../../functions/contract/settings.ts';
import { Lambdesque, type LambdesqueProps } from '../../infra/index.ts';
import { functionOf, settingsOf, statementsOf, testStack, textOf, upstash } from './stack.ts';

const jobs = 'test/infra/jobs/good.ts';

function system(options: Partial<LambdesqueProps<'all'>> = {}) {
  const stack = testStack();
  const topic = new Topic(stack, 'Topic', { enforceSSL: true });
  const made = new Lambdesque(stack, 'Jobs', {
    redis: upstash(stack),
    jobs,
    consumers: { all: { queues: '*' } },
    alarms: { topic },
    wake: 'on-demand',
    ...options,
  });
  return { stack, system: made, template: () => Template.fromStack(stack) };
}

describe("wake: 'on-demand'", () => {
  test('has no minute tick; what starts the scheduler is its schedule, a deployment, and what has failed', () => {
    const template = system().template();
    const rules = Object.values(template.findResources('AWS::Events::Rule'));
    expect(rules.map((rule) => rule['Properties'].ScheduleExpression)).toEqual([undefined]);
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.cloudformation'],
        detail: {
          'stack-id': [{ Ref: 'AWS::StackId' }],
          'status-details': { status: Match.arrayWith(['CREATE_COMPLETE', 'UPDATE_COMPLETE']) },
        },
      },
    });
    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('Fallback'), 'Arn'] },
    });
    template.resourceCountIs('AWS::Scheduler::Schedule', 0);
    template.resourceCountIs('AWS::Scheduler::ScheduleGroup', 1);
  });

  test('what fails comes to the fallback, which starts the scheduler within the hour', () => {
    const template = system().template();
    template.hasResourceProperties('AWS::SQS::Queue', {
      DelaySeconds: 900,
      VisibilityTimeout: 1_800,
      RedrivePolicy: { maxReceiveCount: 600 },
    });
    const configs = Object.values(template.findResources('AWS::Lambda::EventInvokeConfig'));
    expect(configs).toHaveLength(2);
    for (const config of configs) {
      expect(textOf(config['Properties'].DestinationConfig.OnFailure.Destination)).toMatch(/Fallback/);
    }
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'NumberOfMessagesSent',
      AlarmDescription: Match.stringLikeRegexp('fallback queue.*What to do'),
    });
    expect(JSON.stringify(template.findResources('AWS::CloudWatch::Alarm'))).not.toContain('No tick of the scheduler');
  });

  test('the functions know the schedule, and the scheduler bears the name that it has', () => {
    const template = system().template();
    const { wake } = settingsOf(template, /^JobsScheduler/) as CommonSettings;
    expect(wake).toEqual((settingsOf(template, /^JobsConsumersall/) as CommonSettings).wake);
    const { FunctionName, Timeout } = functionOf(template, /^JobsScheduler/);
    expect(wake?.target).toMatch(new RegExp(`:function:${String(FunctionName)}$`));
    expect(wake).toMatchObject({
      schedule: 'next',
      role: expect.stringMatching(/Arn/),
      fallback: expect.stringMatching(/Arn/),
    });
    expect(Timeout).toBe(300);
    template.hasResourceProperties('AWS::Scheduler::ScheduleGroup', { Name: wake?.group });
  });

  test('one role starts one function, and each function may set one schedule', () => {
    const template = system().template();
    const { FunctionName } = functionOf(template, /^JobsScheduler/);
    const target = new RegExp(`:function:${String(FunctionName)}$`);
    const [invoke, ...rest] = statementsOf(template, /^JobsWakeRole/).filter(
      (one) => !/sqs/.test(one.actions[0] ?? ''),
    );
    expect(rest).toEqual([]);
    expect(invoke?.actions).toEqual(['lambda:InvokeFunction']);
    expect(invoke?.resources).toEqual([expect.stringMatching(target)]);
    for (const role of [/^JobsScheduler/, /^JobsConsumersall/]) {
      const statements = statementsOf(template, role);
      const arm = statements.find((one) => one.actions.includes('scheduler:UpdateSchedule'));
      expect(arm?.actions).toEqual(['scheduler:CreateSchedule', 'scheduler:UpdateSchedule']);
      expect(arm?.resources).toEqual([expect.stringMatching(/:schedule\/[\w-]+\/next$/)]);
      const starts = statements.filter((one) => one.resources.some((arn) => target.test(arn)));
      expect(starts).toHaveLength(role.test('JobsConsumersall') ? 1 : 0);
      expect(statements.find((one) => one.actions.includes('iam:PassRole'))?.resources).toEqual([
        expect.stringMatching(/JobsWakeRole/),
      ]);
    }
    const [role] = Object.entries(template.findResources('AWS::IAM::Role')).filter(([id]) => /^JobsWakeRole/.test(id));
    expect(JSON.stringify(role?.[1])).toMatch(
      /scheduler\.amazonaws\.com.*aws:SourceAccount|aws:SourceAccount.*scheduler\.amazonaws\.com/,
    );
  });

  test('whoever may ring the doorbells may start the scheduler as well', () => {
    const { stack, system: made, template } = system();
    const role = new Role(stack, 'App', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    expect(made.grantDoorbell(role)).toHaveLength(2);
    const invoke = statementsOf(template(), /^App/).filter((one) => one.actions.includes('lambda:InvokeFunction'));
    expect(JSON.stringify(invoke)).toMatch(/JobsScheduler/);
  });

  test('passes the AwsSolutions rules', () => {
    const { violations } = new AwsSolutionsChecks().validateScope(system().stack);
    expect(violations.map((one) => one.ruleName)).toEqual([]);
  });

  test('a scheduler that could not stay long enough is an error', () => {
    expect(() => system({ scheduler: { timeout: Duration.minutes(3) } })).toThrow(
      /scheduler\.timeout must be 4 minutes or more with wake: 'on-demand'.*got 3 minutes/,
    );
  });
});

test('the minute tick is the default', () => {
  const template = system({ wake: 'minute' }).template();
  template.hasResourceProperties('AWS::Scheduler::Schedule', { ScheduleExpression: 'rate(1 minute)' });
  expect(settingsOf(template, /^JobsScheduler/)).not.toHaveProperty('wake');
});
