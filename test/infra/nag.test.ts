import { readFileSync, rmSync } from 'node:fs';
import { type App, Validations } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { IConstruct } from 'constructs';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { Lambdesque, RedisConnection } from '../../infra/index.ts';
import { testStack } from './stack.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** What cdk-nag's AwsSolutions rules find and nobody has acknowledged. */
function findings(scope: IConstruct): string[] {
  const { violations } = new AwsSolutionsChecks().validateScope(scope);
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map((resource) => `${ruleName} ${resource.constructPath}`),
  );
}

/** What is acknowledged, with its reason. */
function acknowledged(scope: IConstruct): [rule: string, reason: string][] {
  return scope.node.findAll().flatMap(({ node }) =>
    node.metadata
      .filter((entry) => entry.type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap((entry) => Object.entries(entry.data as Record<string, string>))
      .map(([id, reason]): [string, string] => [id.replace(/^.*::(?=AwsSolutions)/i, ''), reason]),
  );
}

async function exampleApp(): Promise<App> {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: object };
  const options = {
    'aws:cdk:bundling-stacks': [],
    webAppRole: 'web-app',
    alarmEmail: 'ops@example.com',
    dashboardPassword: 'page',
  };
  vi.stubEnv('CDK_CONTEXT_JSON', JSON.stringify({ ...context, ...options }));
  const { app } = await import('../../infra/app.ts');
  folders.push(app.outdir);
  return app;
}

test('the example deployment passes', async () => {
  const app = await exampleApp();
  expect(findings(app)).toEqual([]);
  expect(acknowledged(app)).toEqual([
    ['AwsSolutions-SQS3', expect.stringMatching(/\w{3}.*\.$/)],
    ['AwsSolutions-IAM5[Resource::*]', expect.stringMatching(/GetAccountSettings knows no resource/)],
  ]);
});

test('a system in a VPC passes', () => {
  const stack = testStack();
  const vpc = Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-1',
    availabilityZones: ['eu-west-1a'],
    privateSubnetIds: ['subnet-1'],
  });
  const jobs = new Lambdesque(stack, 'Jobs', {
    redis: RedisConnection.tcp({
      url: 'rediss://cache.example.com:6379',
      secret: Secret.fromSecretNameV2(stack, 'Auth', 'cache-auth'),
      vpc,
      securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'Redis', 'sg-1'),
    }),
    jobs: 'test/infra/jobs/good.ts',
    consumers: { all: { queues: '*' } },
    alarms: { topic: new Topic(stack, 'Topic', { enforceSSL: true }) },
  });
  jobs.consumers.all.addDoorbellUrl();
  jobs.grantDoorbell(new Role(stack, 'WebApp', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }));
  expect(findings(stack)).toEqual([]);
  const rules = acknowledged(stack);
  expect([...new Set(rules.map(([rule]) => rule))].sort()).toEqual([
    'AwsSolutions-IAM5[Resource::*]',
    'AwsSolutions-SQS3',
  ]);
  for (const [, reason] of rules) expect(reason.length).toBeGreaterThan(40);
});

test('the check finds what is wrong', () => {
  const stack = testStack();
  new Queue(stack, 'Open');
  expect(findings(stack)).toContain('AwsSolutions-SQS4 Test/Open/Resource');
});
