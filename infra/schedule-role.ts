import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

interface ScheduleRoleProps {
  /** Name of the schedule group whose schedules may use it. */
  readonly group: string;
  /** ARN of the function that they start. */
  readonly target: string;
  /** Where what they could not start goes. */
  readonly deadLetters: IQueue;
}

/** With which EventBridge Scheduler starts one function, and puts what it could not start into one queue; nothing else. */
export function scheduleRole(scope: Construct, id: string, { group, target, deadLetters }: ScheduleRoleProps): Role {
  const stack = Stack.of(scope);
  const role = new Role(scope, id, {
    description: 'Lets EventBridge Scheduler start the scheduler of Lambdesque',
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnEquals: {
          'aws:SourceArn': stack.formatArn({ service: 'scheduler', resource: 'schedule-group', resourceName: group }),
        },
      },
    }),
  });
  role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target] }));
  deadLetters.grantSendMessages(role);
  return role;
}
