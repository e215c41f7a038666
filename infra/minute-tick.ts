import { Names, Stack } from 'aws-cdk-lib';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { scheduleRole } from './schedule-role.ts';

/** Props of the minute tick. */
export interface MinuteTickProps {
  /** The scheduler's function. */
  readonly function: Pick<IFunction, 'functionArn'>;
  /** Where a tick goes that EventBridge could not hand to Lambda. */
  readonly deadLetters: IQueue;
}

/** EventBridge's own limit for the name of a group. */
const NAME = { maxLength: 64, separator: '-' } as const;

/**
 * Starts the scheduler once a minute: a schedule of EventBridge Scheduler, as `OnDemand` sets one, with a group and a role
 * of its own. `Scheduler` makes it, unless it has `wake`.
 * @example new MinuteTick(stack, 'Tick', { function: scheduler.function, deadLetters: onFailure });
 */
export class MinuteTick extends Construct {
  /** What goes off each minute. */
  readonly schedule: CfnSchedule;
  /** Holds the schedule, and nothing else. */
  readonly group: CfnScheduleGroup;
  /** With which EventBridge starts the scheduler. */
  readonly role: Role;

  constructor(scope: Construct, id: string, props: MinuteTickProps) {
    super(scope, id);
    const name = Names.uniqueResourceName(this, NAME);
    const target = props.function.functionArn;
    this.group = new CfnScheduleGroup(this, 'Group', { name });
    this.role = scheduleRole(this, 'Role', { group: name, target, deadLetters: props.deadLetters });
    this.schedule = new CfnSchedule(this, 'Schedule', {
      description: `Starts the scheduler of ${Stack.of(this).stackName} each minute`,
      groupName: this.group.ref,
      scheduleExpression: 'rate(1 minute)',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: target,
        roleArn: this.role.roleArn,
        // A tick that could not start is not worth repeating: the next one does all that it would have done.
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 0 },
        deadLetterConfig: { arn: props.deadLetters.queueArn },
      },
    });
    // It may not go off before its role can do what it is for.
    this.schedule.node.addDependency(this.role);
  }
}
