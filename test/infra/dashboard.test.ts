import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { describe, expect, test } from 'vitest';
import { dashboardSettings } from '../../functions/contract/settings.ts';
import { type DashboardOptions, Lambdesque } from '../../infra/index.ts';
import { functionOf, settingsOf, statementsOf, testStack, upstash } from './stack.ts';

function system(dashboard: (stack: Stack) => DashboardOptions) {
  const stack = testStack();
  const jobs = new Lambdesque(stack, 'Jobs', {
    redis: upstash(stack),
    jobs: 'test/infra/jobs/good.ts',
    consumers: { mail: { queues: 'mail', memorySize: 1024 }, rest: { queues: '*' } },
    cron: { hourly: { cron: '0 * * * *', class: 'Mail' } },
    dashboard: dashboard(stack),
  });
  return { stack, jobs, template: () => Template.fromStack(stack) };
}

const password = (stack: Stack) => Secret.fromSecretNameV2(stack, 'Password', 'lambdesque/dashboard');

test('there is none unless it is asked for', () => {
  const stack = testStack();
  new Lambdesque(stack, 'Jobs', {
    redis: upstash(stack),
    jobs: 'test/infra/jobs/good.ts',
    consumers: { all: { queues: '*' } },
  });
  Template.fromStack(stack).resourceCountIs('AWS::Lambda::Url', 0);
});

describe('behind a password', () => {
  const made = system((stack) => ({ password: password(stack) }));

  test('its URL is public, and the function knows where the password is, and not what', () => {
    const template = made.template();
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'NONE' });
    const settings = settingsOf(template, /Dashboard/);
    expect(dashboardSettings(JSON.stringify(settings))).toMatchObject({
      signIn: { kind: 'password', password: { service: 'secretsmanager', id: 'lambdesque/dashboard' } },
      namespace: 'resque:',
      memory: 1024,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      logGroups: [expect.stringMatching(/mail/i), expect.stringMatching(/rest/i)],
    });
    expect(settings).not.toHaveProperty('readOnly');
  });

  test('its function may read the password and Redis’s secrets, write its log, and nothing else', () => {
    const allowed = statementsOf(made.template(), /Dashboard/).flatMap(({ actions }) => actions);
    expect([...new Set(allowed)].sort()).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      'secretsmanager:DescribeSecret',
      'secretsmanager:GetSecretValue',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:SendMessage',
    ]);
    const others = statementsOf(made.template(), /mail|Scheduler/).flatMap(({ resources }) => resources);
    expect(others.join()).not.toContain('lambdesque/dashboard');
  });

  test('Prometheus’s token is another secret, which the function may read', () => {
    const token = (stack: Stack) => Secret.fromSecretNameV2(stack, 'Prometheus', 'lambdesque/prometheus');
    const template = system((stack) => ({ password: password(stack), metricsToken: token(stack) })).template();
    const settings = settingsOf(template, /Dashboard/);
    expect(dashboardSettings(JSON.stringify(settings))).toMatchObject({
      metricsToken: { service: 'secretsmanager', id: 'lambdesque/prometheus' },
    });
    const readable = statementsOf(template, /Dashboard/).flatMap(({ resources }) => resources);
    expect(JSON.stringify(readable)).toContain('lambdesque/prometheus');
  });

  test('it has 30 seconds and 512 MB, and what is given wins', () => {
    expect(functionOf(made.template(), /Dashboard/)).toMatchObject({ Timeout: 30, MemorySize: 512 });
    const small = system((stack) => ({ password: password(stack), memorySize: 256, readOnly: true })).template();
    expect(functionOf(small, /Dashboard/)).toMatchObject({ MemorySize: 256 });
    expect(settingsOf(small, /Dashboard/)).toMatchObject({ readOnly: true });
  });

  test('a ceiling for its URL is reserved where it is asked for, since new accounts have nothing to reserve', () => {
    expect(functionOf(made.template(), /Dashboard/)).not.toHaveProperty('ReservedConcurrentExecutions');
    const some = system((stack) => ({ password: password(stack), reservedConcurrentExecutions: 5 })).template();
    expect(functionOf(some, /Dashboard/)).toMatchObject({ ReservedConcurrentExecutions: 5 });
    expect(functionOf(some, /mail/)).not.toHaveProperty('ReservedConcurrentExecutions');
  });

  test('in SSM, or in a field of a secret', () => {
    const inSsm = system((stack) => ({
      password: StringParameter.fromSecureStringParameterAttributes(stack, 'P', { parameterName: '/page/password' }),
    })).template();
    expect(settingsOf(inSsm, /Dashboard/)).toMatchObject({
      signIn: { password: { service: 'ssm', name: '/page/password' } },
    });
    const inField = system((stack) => ({ password: { secret: password(stack), field: 'page' } })).template();
    expect(settingsOf(inField, /Dashboard/)).toMatchObject({ signIn: { password: { field: 'page' } } });
  });
});

test('with AWS_IAM, who may open it is granted', () => {
  const { stack, jobs, template } = system(() => ({ auth: 'iam' }));
  jobs.dashboard?.grantAccess(new Role(stack, 'Proxy', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }));
  template().hasResourceProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM' });
  expect(settingsOf(template(), /Dashboard/)).toMatchObject({ signIn: { kind: 'iam' } });
  expect(statementsOf(template(), /Proxy/).flatMap(({ actions }) => actions)).toContain('lambda:InvokeFunctionUrl');
  const open = Object.values(template().findResources('AWS::Lambda::Permission')).filter(
    (one) => one['Properties'].Principal === '*',
  );
  expect(open).toEqual([]);
});

test.each([
  ['neither', {}, /needs a password.*or auth: 'iam'/],
  ['both', { auth: 'iam' as const, password: 'set' }, /do not go together/],
  ['the password itself', { password: 'hunter2hunter2' }, /must not stand in the template/],
])('%s is refused', (_, options, message) => {
  expect(() =>
    system(
      (stack) =>
        ({
          ...options,
          ...('password' in options && options.password === 'set' ? { password: password(stack) } : {}),
        }) as DashboardOptions,
    ),
  ).toThrow(message);
});
