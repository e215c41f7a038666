import { ConfigError } from '../shared/index.ts';
import { environment } from '../shared/internal.ts';
import { awsOf } from './aws/requests.ts';
import { consumerVariable } from './contract/doorbell.ts';
import { ACCEPTED } from './runtime/handler.ts';

// Made once, kept for all invocations of this environment.
const consumer = environment[consumerVariable];
const aws = awsOf(environment);

/**
 * Answers calls of a consumer's URL: starts the consumer, and does not wait for it. The consumer answers no call itself,
 * since an answer that is given before the work begins hides the work's end: no error of it would count as one of Lambda's.
 * @throws ConfigError, AwsError: the caller gets 502, and knows that it has not rung
 */
export async function handler(): Promise<object> {
  if (!consumer) {
    throw new ConfigError(`The environment variable ${consumerVariable} must be the name or ARN of a function.`);
  }
  await aws.startFunction(consumer, { source: 'lambdesque.doorbell' });
  return ACCEPTED;
}
