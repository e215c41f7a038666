import { App, Duration, Stack } from 'aws-cdk-lib';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Lambdesque, RedisConnection } from 'lambdesque/cdk';
import cron from '../functions/jobs/cron.ts';

const app = new App();
const stack = new Stack(app, 'Lambdesque', { description: 'Resque queues, run by AWS Lambda' });

// Make it before you deploy; only its name is in the stack:
// aws secretsmanager create-secret --name lambdesque/upstash --secret-string '{"url":"https://<name>.upstash.io","token":"…"}'
const secret = Secret.fromSecretNameV2(stack, 'Upstash', 'lambdesque/upstash');

new Lambdesque(stack, 'Jobs', {
  redis: RedisConnection.upstash({ url: { secret, field: 'url' }, token: { secret, field: 'token' } }),
  jobs: 'functions/jobs/index.ts',
  consumers: {
    default: { queues: ['mailers'], concurrency: 25, maxWorkers: 2, timeout: Duration.minutes(5) },
  },
  cron,
});
