import { Annotations, App, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Role } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import cron from '../functions/jobs/cron.ts';
import { Lambdesque, RedisConnection } from './index.ts';

export const app = new App();
const stack = new Stack(app, 'Lambdesque', { description: 'Resque queues, run by AWS Lambda' });

// {"url": "https://<name>.upstash.io", "token": "…"}; the README says how to make it. Only its name is in the template.
const upstash = Secret.fromSecretNameV2(stack, 'Upstash', 'lambdesque/upstash');
const url = { secret: upstash, field: 'url' };
const token = { secret: upstash, field: 'token' };

// dashboardPassword: the name of a secret, the password of the page that shows and mends everything. Without it there is none.
const dashboardPassword: unknown = app.node.tryGetContext('dashboardPassword');

const topic = new Topic(stack, 'AlarmTopic', { enforceSSL: true });

const jobs = new Lambdesque(stack, 'Jobs', {
  redis: RedisConnection.upstash({ url, token }), // or .tcp({ url, secret, vpc, securityGroup })
  jobs: 'functions/jobs/index.ts',
  consumers: {
    default: {
      queues: ['critical', 'default', 'myqueue', 'low'], // in this order
      concurrency: 25,
      maxWorkers: 4, // a new account runs 10 functions at once: see "First accounts" in infra/README.md
      memorySize: 512,
      timeout: Duration.minutes(5),
    },
    mail: { queues: { mailers: 3, newsletters: 1 } }, // weights
    ledger: { queues: ['ledger'], concurrency: 1, maxWorkers: 1, serial: true }, // one at a time, in order, fleet-wide
  },
  cron,
  alarms: { topic },
  ...(typeof dashboardPassword === 'string'
    ? { dashboard: { password: Secret.fromSecretNameV2(stack, 'DashboardPassword', dashboardPassword) } }
    : {}),
});

// These belong into "context" in cdk.json, so that each deployment has them; or `npx cdk deploy -c <name>=<value>`.
// webAppRole: the name of a role that may start consumers at once, and need not wait for the next minute.
const doorbell = jobs.consumers.default.addDoorbellUrl();
const webAppRole: unknown = app.node.tryGetContext('webAppRole');
if (typeof webAppRole === 'string') jobs.grantDoorbell(Role.fromRoleName(stack, 'WebApp', webAppRole));

// alarmEmail: who gets the alarms; or "none". A deployment without it would take the subscription of the last one away.
const alarmEmail: unknown = app.node.tryGetContext('alarmEmail');
if (typeof alarmEmail === 'string' && alarmEmail.includes('@')) {
  topic.addSubscription(new EmailSubscription(alarmEmail));
} else if (alarmEmail === undefined) {
  Annotations.of(topic).addWarningV2(
    'lambdesque:alarmEmail',
    'Nobody gets the alarms, and who got them after the last deployment gets none any more: give -c alarmEmail=<address>, ' +
      'or put it into "context" in cdk.json; alarmEmail=none says that it is meant.',
  );
} else if (alarmEmail !== 'none') {
  throw new Error(`alarmEmail must be an address, or none; got ${JSON.stringify(alarmEmail)}.`);
}

if (jobs.dashboard) new CfnOutput(stack, 'DashboardUrl', { value: jobs.dashboard.url.url });
new CfnOutput(stack, 'DoorbellUrl', { value: doorbell.url });
new CfnOutput(stack, 'DefaultFunction', { value: jobs.consumers.default.function.functionName });
new CfnOutput(stack, 'DefaultLogs', { value: jobs.consumers.default.function.logGroup.logGroupName });
