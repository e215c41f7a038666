import { Duration, RemovalPolicy, Stack, Token, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, type IEventSource, type IFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { type BundlingOptions, NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { entries } from '../../functions/contract/bundling.ts';
import { type CommonSettings, checkSettings } from '../../functions/contract/settings.ts';
import { kindOf, namespaceOf } from '../../shared/internal.ts';
import { omitUndefined } from '../omit-undefined.ts';
import type { OnDemand } from '../on-demand.ts';
import type { RedisConnection } from '../redis-connection.ts';
import { checkSystemName, defaultSystemName } from '../system-name.ts';
import { warnOfLargePackages } from './bundle-warnings.ts';
import { type BundleContent, bundlingOptions, metafileFor } from './bundling-options.ts';
import { environmentOf } from './environment.ts';
import { FailureQueue } from './failure-queue.ts';
import { type KeepOptions, ownLogGroup } from './logs.ts';
import { addSettings, holdsToken, splitSettings } from './settings-asset.ts';
import { type FunctionTracing, isAdot, tracingProps, wrapperOf } from './tracing.ts';
import { checkVisibility } from './visibility.ts';

export const defaultMetricsNamespace = 'Lambdesque';

/** What all functions of a system share. */
export interface SystemOptions {
  /** How the functions reach Redis. */
  readonly redis: RedisConnection;
  /** The module whose default export is an array of `defineJob({…})`; a path from the folder of cdk.json. */
  readonly jobs: string;
  /** Prefix of every key in Redis; with or without its colon. @default 'resque:', or '{resque}:' in a Redis Cluster */
  readonly namespace?: string;
  /**
   * What sets this system apart from others on the same Redis, in whatever account: each starts its own consumers, and has
   * its own metrics. Two that share a Redis and a namespace need two. 1 to 64 letters, digits, ".", "_" and "-".
   * @default the stack's name; in `Lambdesque` followed by the construct's id
   */
  readonly systemName?: string;
  /** CloudWatch's. @default 'Lambdesque' */
  readonly metricsNamespace?: string;
  /**
   * `xray`: X-Ray samples invocations, and what they call. `adot`: besides, jobs have spans of OpenTelemetry, sent by AWS's layer, of the version
   * that the CDK knows or the one of this ARN; it needs `@opentelemetry/api` installed, and adds to cold starts and to the bill.
   * @default nothing is traced
   */
  readonly tracing?: FunctionTracing;
  /** Put the arguments of jobs into the log. @default false, since they may hold what should not be there */
  readonly logArgs?: boolean;
  /** @default the scheduler ticks each minute */
  readonly wake?: OnDemand;
  /** Count by job class as well; each class then costs as much as a queue. @default false */
  readonly classMetrics?: boolean;
}

/** What can be set for each function. */
export interface FunctionOptions extends KeepOptions {
  /** MB, 128 to 10240; CPU grows with it. @default 512 for a consumer, 256 for the scheduler */
  readonly memorySize?: number;
  /** More variables. @default none but our own */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where it logs. @default a log group of its own */
  readonly logGroup?: ILogGroup;
  /** Where the events of failed asynchronous invocations go. @default an encrypted queue of its own */
  readonly onFailure?: IQueue;
  /** Invocations of it again after it failed. @default 0, since the next tick does the same; 2 for a scheduler without ticks */
  readonly retryAttempts?: number;
  /**
   * How long an event may wait for a free function, 1 minute to 6 hours.
   * @default 1 minute, since a tick follows; 1 hour for a scheduler without ticks
   */
  readonly maxEventAge?: Duration;
  /**
   * For esbuild, on top of ours: `{ nodeModules: ['sharp'] }` installs what cannot be bundled.
   * @default minified ESM with source maps; the AWS SDK is the runtime's own
   */
  readonly bundling?: BundlingOptions;
}

interface LambdesqueFunctionProps extends SystemOptions, FunctionOptions {
  readonly entry: Exclude<keyof typeof entries, 'doorbell'>;
  readonly description: string;
  readonly memorySize: number;
  readonly timeout: Duration;
  /** Adds the function's own settings to those that all have. */
  readonly settings: (common: CommonSettings) => CommonSettings;
  /** @default CloudFormation makes one */
  readonly functionName?: string;
  /** @default none: the bundle has no constants */
  readonly constants?: BundleContent['constants'];
  /** @default none: its bundle is not the dashboard's */
  readonly assets?: string;
  /** @default none: its bundle is not what enqueues events */
  readonly map?: string;
  /** @default none are reserved */
  readonly reservedConcurrentExecutions?: number;
}

/**
 * One function on Node 24 and ARM64: its bundle, role, log group and failure queue, and its way to Redis. `Consumer` and
 * `Scheduler` make theirs.
 * @example consumer.function.logGroup.grantRead(webApp);
 */
export class LambdesqueFunction extends NodejsFunction {
  /** Where the events of its failed asynchronous invocations go. */
  readonly onFailure: IQueue;

  constructor(scope: Construct, id: string, props: LambdesqueFunctionProps) {
    checkLimits(props);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.DESTROY;
    const logGroup = props.logGroup ?? ownLogGroup(scope, 'Logs', props);
    const onFailure =
      props.wake?.fallback ??
      props.onFailure ??
      new FailureQueue(scope, 'Failures', {
        removalPolicy,
        ...omitUndefined({ encryptionKey: props.encryptionKey }),
      });
    const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    if (props.redis.vpc) allowVpc(role);
    const content = {
      backend: props.redis.settings.kind,
      jobs: props.jobs,
      ...omitUndefined({
        constants: props.constants,
        assets: props.assets,
        map: props.map,
        traced: isAdot(props.tracing) || undefined,
      }),
    };
    const settings = settingsOf(scope, props);
    // What the function would refuse when it starts, it refuses now. Names and ARNs that are not known yet are texts all the same.
    checkSettings(props.entry, JSON.parse(JSON.stringify(settings)));
    const { known, deployed } = splitSettings(settings);
    const metafile = metafileFor(scope, content, props.bundling);
    super(scope, id, {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      entry: entries[props.entry],
      description: props.description,
      memorySize: props.memorySize,
      timeout: props.timeout,
      bundling: bundlingOptions(content, props.bundling, metafile),
      environment: environmentOf(scope, { ...wrapperOf(props.tracing), ...props.environment }, deployed),
      role,
      logGroup,
      retryAttempts: props.retryAttempts ?? 0,
      maxEventAge: props.maxEventAge ?? Duration.minutes(1),
      onFailure: new SqsDestination(onFailure),
      ...tracingProps(scope, props.tracing),
      ...omitUndefined({
        functionName: props.functionName,
        vpc: props.redis.vpc,
        vpcSubnets: props.redis.vpcSubnets,
        reservedConcurrentExecutions: props.reservedConcurrentExecutions,
      }),
    });
    this.onFailure = onFailure;
    addSettings(this, known);
    warnOfLargePackages(this, metafile);
    props.redis.grantConnect(this as IFunction);
    props.wake?.grantArm(this);
  }

  /** @throws Error for a queue of SQS whose messages would come back before the function has ended */
  override addEventSource(source: IEventSource): void {
    if (this.timeout) checkVisibility(source, this.timeout);
    super.addEventSource(source);
  }
}

function checkLimits({ memorySize, timeout, retryAttempts, ...props }: LambdesqueFunctionProps): void {
  const { metricsNamespace = defaultMetricsNamespace, maxEventAge, redis } = props;
  if (typeof redis?.grantConnect !== 'function') {
    throw new Error(
      `redis must be a RedisConnection, such as RedisConnection.upstash({ url, token }); got ${kindOf(redis)}.`,
    );
  }
  if (!/^(?!AWS\/)[\w.\-/#]{1,255}$/.test(metricsNamespace)) {
    throw new Error(
      'metricsNamespace must be 1 to 255 letters, digits, ".", "-", "_", "/" and "#", and not begin with AWS/; ' +
        `got ${JSON.stringify(metricsNamespace)}.`,
    );
  }
  if (!Token.isUnresolved(memorySize) && !(Number.isInteger(memorySize) && memorySize >= 128 && memorySize <= 10_240)) {
    throw new Error(`memorySize must be a whole number of MB from 128 to 10240, as Lambda has it; got ${memorySize}.`);
  }
  if (!timeout.isUnresolved() && !isWholeSeconds(timeout, 1, 900)) {
    throw new Error(
      `timeout must be from 1 second to 15 minutes, in whole seconds, as Lambda has it; got ${timeout.toHumanString()}.`,
    );
  }
  if (maxEventAge && !maxEventAge.isUnresolved() && !isWholeSeconds(maxEventAge, 60, 21_600)) {
    throw new Error(
      `maxEventAge must be from 1 minute to 6 hours, in whole seconds, as Lambda has it; got ${maxEventAge.toHumanString()}.`,
    );
  }
  if (holdsToken(props.constants?.cron)) {
    throw new Error(
      'cron holds a value that is known only when it is deployed, such as the name of what this app makes; entries are in the ' +
        "bundle, which is made before. Put it into the consumer's environment, and read it there.",
    );
  }
  if (retryAttempts !== undefined && ![0, 1, 2].includes(retryAttempts)) {
    throw new Error(`retryAttempts must be 0, 1 or 2, as Lambda has it; got ${retryAttempts}.`);
  }
}

function isWholeSeconds(duration: Duration, least: number, most: number): boolean {
  const seconds = duration.toMilliseconds() / 1_000;
  return Number.isInteger(seconds) && seconds >= least && seconds <= most;
}

/** @throws Error for a name that cannot be used */
export function systemNameOf(scope: Construct, { systemName }: Pick<SystemOptions, 'systemName'>): string {
  if (systemName === undefined) return defaultSystemName(Stack.of(scope));
  checkSystemName(systemName);
  return systemName;
}

function settingsOf(scope: Construct, props: LambdesqueFunctionProps): CommonSettings {
  return props.settings({
    redis: props.redis.settings,
    system: systemNameOf(scope, props),
    namespace: namespaceOf(props.namespace, props.redis.cluster),
    metricsNamespace: props.metricsNamespace ?? defaultMetricsNamespace,
    ...omitUndefined({ logArgs: props.logArgs, classMetrics: props.classMetrics, wake: props.wake?.settings }),
  });
}

/** What Lambda itself needs to put a function into a VPC: AWSLambdaVPCAccessExecutionRole without its log permissions. */
function allowVpc(role: Role): void {
  role.addToPolicy(
    new PolicyStatement({
      actions: [
        'ec2:AssignPrivateIpAddresses',
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: ['*'],
    }),
  );
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'Lambda checks these permissions on all resources when it puts a function into a VPC: the Describe actions know no ' +
      'resource, and the network interfaces have no name before Lambda makes them.',
  });
}
