import { Duration } from 'aws-cdk-lib';
import { type Grant, type IGrantable, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  type FunctionUrl,
  FunctionUrlAuthType,
  type Function as LambdaFn,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { Construct } from 'constructs';
import { entries } from '../functions/contract/bundling.ts';
import { consumerVariable } from '../functions/contract/doorbell.ts';
import { bundlingOptions } from './function/bundling-options.ts';
import { type KeepOptions, ownLogGroup } from './function/logs.ts';

/** Props of a doorbell. */
export interface DoorbellProps extends KeepOptions {
  /** What it starts. */
  readonly starts: LambdaFn;
  /** In its description. */
  readonly consumerName: string;
}

/**
 * A URL that starts a consumer: a small function that answers 202 once Lambda has taken the start. The consumer itself has
 * none, so that whatever started it, its errors are in Lambda's metrics and its failed events in the failure queue.
 * `Consumer.addDoorbellUrl` makes one.
 * @example new Doorbell(stack, 'Doorbell', { starts: consumer.function, consumerName: 'mail' });
 */
export class Doorbell extends Construct {
  /** What answers. It reaches no Redis, reads no secret, and is in no VPC. */
  readonly function: NodejsFunction;
  /** Callers sign their requests. */
  readonly url: FunctionUrl;

  constructor(scope: Construct, id: string, { starts, consumerName, ...keep }: DoorbellProps) {
    super(scope, id);
    const logGroup = ownLogGroup(this, 'Logs', keep);
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    this.function = new NodejsFunction(this, 'Function', {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      entry: entries.doorbell,
      description: `Lambdesque doorbell: starts the consumer ${consumerName}`,
      memorySize: 256,
      timeout: Duration.seconds(30),
      bundling: bundlingOptions(),
      environment: { NODE_OPTIONS: '--enable-source-maps', [consumerVariable]: starts.functionName },
      role,
      logGroup,
    });
    starts.grantInvokeLatestVersion(role);
    this.url = this.function.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM });
  }

  /** Lets somebody call the URL. */
  grantRing(grantee: IGrantable): Grant {
    return this.url.grantInvokeUrl(grantee);
  }
}
