import { createConsumerHandler } from 'lambdesque/lambda';
import jobs from './jobs.ts';

export const handler = createConsumerHandler({
  // JSON with url and token, or with the url alone for a Redis over TCP. Only the name of the secret is in the template.
  redis: {
    url: { service: 'secretsmanager', id: 'lambdesque/upstash', field: 'url' },
    token: { service: 'secretsmanager', id: 'lambdesque/upstash', field: 'token' },
  },
  jobs,
  queues: ['critical', 'default'],
});
