import { ArnFormat, Duration, Names, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { type IGrantable, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { Function as LambdaFn } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { type IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { OnDemandSettings } from '../functions/contract/settings.ts';
import { encryptionOf } from './function/failure-queue.ts';
import { scheduleRole } from './schedule-role.ts';

/** Props of what starts a scheduler when it is needed. */
export interface OnDemandProps {
  /** Where what even the fallback could not do ends up. */
  readonly onFailure: IQueue;
  /** What becomes of the fallback queue when it leaves the stack. */
  readonly removalPolicy: RemovalPolicy;
  /** A key of yours for the fallback queue. @default SQS's own */
  readonly encryptionKey?: IKey | Key;
}

/** EventBridge's own limit for the name of a schedule, and Lambda's for that of a function. */
const NAME = { maxLength: 64, separator: '-' } as const;

/**
 * Starts the scheduler when it is needed, and not each minute. The functions set a one-time schedule to the next moment
 * at which anything is due. The schedule is theirs, not CloudFormation's, which would set it back; its group is, and takes
 * the schedule along when the stack is removed. `Lambdesque` makes it with `wake: 'on-demand'`.
 * @example
 * const wake = new OnDemand(stack, 'Wake', { onFailure, removalPolicy: RemovalPolicy.DESTROY });
 * wake.grantArm(webApp); // may set the schedule for what it enqueues for later
 */
export class OnDemand extends Construct {
  /** Holds the one-time schedule. */
  readonly group: CfnScheduleGroup;
  /** With which EventBridge starts the scheduler, and nothing else. */
  readonly role: Role;
  /**
   * What failed comes here: an invocation, or the start of one. After a quarter of an hour it starts the scheduler, again
   * and again until that ends well: whatever kept the next time from being set, the scheduler is not silent.
   */
  readonly fallback: Queue;
  /** For the functions' environment. @internal */
  readonly settings: OnDemandSettings;
  /** That of the scheduler's function: consumers have to know it before there is one. */
  readonly functionName: string;

  constructor(scope: Construct, id: string, props: OnDemandProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const name = Names.uniqueResourceName(this, NAME);
    const group = name;
    const schedule = 'next';
    this.functionName = name;
    const target = stack.formatArn({
      service: 'lambda',
      resource: 'function',
      resourceName: this.functionName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    this.group = new CfnScheduleGroup(this, 'Group', { name: group });
    this.fallback = new Queue(this, 'Fallback', {
      ...encryptionOf(props.encryptionKey),
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      deliveryDelay: Duration.minutes(15),
      // More than the scheduler's own timeout, so that one message starts it once.
      visibilityTimeout: Duration.minutes(30),
      removalPolicy: props.removalPolicy,
      // Half an hour apart: about two weeks.
      deadLetterQueue: { queue: props.onFailure, maxReceiveCount: 600 },
    });
    this.role = scheduleRole(this, 'Role', { group, target, deadLetters: this.fallback });
    this.settings = { group, schedule, target, role: this.role.roleArn, fallback: this.fallback.queueArn };
  }

  /** Lets a function set the schedule. */
  grantArm(grantee: IGrantable): void {
    const { group, schedule } = this.settings;
    const arn = Stack.of(this).formatArn({
      service: 'scheduler',
      resource: 'schedule',
      resourceName: `${group}/${schedule}`,
    });
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['scheduler:CreateSchedule', 'scheduler:UpdateSchedule'], resources: [arn] }),
    );
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [this.role.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
      }),
    );
  }

  /** Lets a function start the scheduler where it cannot set the schedule. */
  grantStart(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.settings.target] }),
    );
  }

  /** Names the function that it starts. @param scheduler its name must be `functionName` */
  start(scheduler: LambdaFn): void {
    scheduler.addEventSource(new SqsEventSource(this.fallback, { batchSize: 10, maxConcurrency: 2 }));
    // New cron entries have to be looked at once: a deployment that has ended says so itself.
    new Rule(this, 'Deployed', {
      description: `Starts the scheduler of ${Stack.of(this).stackName} when it has been deployed`,
      eventPattern: {
        source: ['aws.cloudformation'],
        detailType: ['CloudFormation Stack Status Change'],
        detail: {
          'stack-id': [Stack.of(this).stackId],
          'status-details': { status: ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'] },
        },
      },
      targets: [new LambdaFunction(scheduler)],
    });
  }
}
