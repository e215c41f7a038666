import { type Duration, Token } from 'aws-cdk-lib';
import type { IEventSource } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';

/** SQS's own, where the queue says nothing. */
const DEFAULT_SECONDS = 30;

/**
 * Lambda takes no queue whose messages come back while the function may still be at work on them. It says so when
 * the stack is deployed; here it is said before. Of a queue that is not this app's, nothing is known.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
 * @throws Error naming the queue
 */
export function checkVisibility(source: IEventSource, timeout: Duration): void {
  if (!(source instanceof SqsEventSource)) return;
  const { defaultChild } = source.queue.node;
  if (!(defaultChild instanceof CfnQueue)) return;
  const seconds = defaultChild.visibilityTimeout ?? DEFAULT_SECONDS;
  if (Token.isUnresolved(seconds) || timeout.isUnresolved() || seconds >= timeout.toSeconds()) return;
  throw new Error(
    `The queue ${source.queue.node.path} shows a message again after ${seconds} seconds, while the function that it starts may ` +
      `run for ${timeout.toSeconds()}; Lambda refuses such a queue. Give it visibilityTimeout: Duration.seconds(${timeout.toSeconds()}) ` +
      'or more, AWS’s advice is six times as much; or give the function a shorter timeout.',
  );
}
