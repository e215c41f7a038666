import { Annotations, ArnFormat, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey, Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { omitUndefined } from '../omit-undefined.ts';

/** Of what a function writes down: its log, and the events that it failed on. */
export interface KeepOptions {
  /** Of its own log group. @default RetentionDays.ONE_MONTH */
  readonly logRetention?: RetentionDays;
  /** Of its own log group and failure queue, when they leave the stack. @default RemovalPolicy.DESTROY */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * A key of yours for its own log group and failure queue. Of a key that this app makes, the policy gets what CloudWatch
   * Logs needs; that of another has to have it already, and synth says what.
   * @default AWS's own keys
   */
  // Key does not fit its own interface under exactOptionalPropertyTypes.
  readonly encryptionKey?: IKey | Key;
}

/** A log group of a function's own. */
export function ownLogGroup(scope: Construct, id: string, options: KeepOptions): LogGroup {
  const { logRetention = RetentionDays.ONE_MONTH, removalPolicy = RemovalPolicy.DESTROY, encryptionKey } = options;
  if (encryptionKey) allowLogs(scope, encryptionKey as IKey);
  return new LogGroup(scope, id, { retention: logRetention, removalPolicy, ...omitUndefined({ encryptionKey }) });
}

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html */
function allowLogs(scope: Construct, key: IKey): void {
  const stack = Stack.of(scope);
  const service = `logs.${stack.region}.amazonaws.com`;
  const groups = stack.formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const allowed = key.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal(service)],
      actions: ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey*', 'kms:ReEncrypt*'],
      resources: ['*'],
      conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': groups } },
    }),
  );
  if (allowed.statementAdded) return;
  Annotations.of(key).addWarningV2(
    'lambdesque:keyPolicy',
    "encryptionKey is not this app's, so that its policy cannot be changed here. It must let logs.<region>.amazonaws.com " +
      'do kms:Encrypt, kms:Decrypt, kms:ReEncrypt* and kms:GenerateDataKey*; else the log group cannot be made.',
  );
}
