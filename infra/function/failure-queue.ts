import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib';
import type { IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

/** Props of a failure queue. */
export interface FailureQueueProps {
  /** What becomes of it when it leaves the stack. */
  readonly removalPolicy: RemovalPolicy;
  /** A key of yours. @default SQS's own */
  readonly encryptionKey?: IKey | Key;
}

/** How a queue is encrypted. */
export function encryptionOf(key: IKey | Key | undefined): Pick<QueueProps, 'encryption' | 'encryptionMasterKey'> {
  if (!key) return { encryption: QueueEncryption.SQS_MANAGED };
  return { encryption: QueueEncryption.KMS, encryptionMasterKey: key as IKey };
}

/**
 * Keeps the events of invocations that failed, 14 days, for somebody to look at. No job is in it: jobs are in Redis.
 * @example const onFailure = new FailureQueue(stack, 'Failures', { removalPolicy: RemovalPolicy.RETAIN });
 */
export class FailureQueue extends Queue {
  constructor(scope: Construct, id: string, props: FailureQueueProps) {
    super(scope, id, {
      ...encryptionOf(props.encryptionKey),
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: props.removalPolicy,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'It is a dead-letter queue itself: the on-failure destination of asynchronous invocations. Nothing reads it but people.',
    });
  }
}
