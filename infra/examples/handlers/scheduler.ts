import { createSchedulerHandler } from 'lambdesque/lambda';
import jobs from './jobs.ts';

export const handler = createSchedulerHandler({
  redis: {
    url: { service: 'secretsmanager', id: 'lambdesque/upstash', field: 'url' },
    token: { service: 'secretsmanager', id: 'lambdesque/upstash', field: 'token' },
  },
  jobs,
  consumers: {
    // As the templates beside this folder name it.
    default: { functionName: 'lambdesque-default', queues: ['critical', 'default'] },
  },
  cron: { morning: { cron: '0 9 * * 1-5', timeZone: 'Europe/Berlin', class: 'Hello', args: ['morning'] } },
});
