import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Lambdesque, RedisConnection } from '../../../../infra/index.ts';

/** Two more systems on the Redis of infra/app.ts: one in the same namespace, and one on demand in its own. */

const app = new App();

function redisOf(stack: Stack): RedisConnection {
  const secret = Secret.fromSecretNameV2(stack, 'Upstash', 'lambdesque/upstash');
  return RedisConnection.upstash({ url: { secret, field: 'url' }, token: { secret, field: 'token' } });
}

const plain = { jobs: 'test/e2e/deploy/apps/jobs.ts', metricsDashboard: false, queries: false } as const;

const second = new Stack(app, 'Second');
const beside = new Lambdesque(second, 'Jobs', {
  ...plain,
  redis: redisOf(second),
  metricsNamespace: 'Second',
  consumers: { reports: { queues: ['reports'] } },
});
new CfnOutput(second, 'Logs', { value: beside.consumers.reports.function.logGroup.logGroupName });

const third = new Stack(app, 'OnDemand');
const rare = new Lambdesque(third, 'Jobs', {
  ...plain,
  redis: redisOf(third),
  namespace: 'rare:',
  metricsNamespace: 'OnDemand',
  consumers: { all: { queues: ['*'] } },
  wake: 'on-demand',
});
new CfnOutput(third, 'Logs', { value: rare.consumers.all.function.logGroup.logGroupName });
new CfnOutput(third, 'SchedulerFunction', { value: rare.scheduler.function.functionName });
