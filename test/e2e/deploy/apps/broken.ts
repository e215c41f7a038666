import { CfnWaitCondition, CfnWaitConditionHandle, type Stack } from 'aws-cdk-lib';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { app } from '../../../../infra/app.ts';

/** infra/app.ts, and beside it, after all functions, what no deployment can make: it waits for a signal that nobody gives. */

const stack = app.node.findChild('Lambdesque') as Stack;
const handle = new CfnWaitConditionHandle(stack, 'Nobody');
const broken = new CfnWaitCondition(stack, 'Broken', { handle: handle.ref, timeout: '2', count: 1 });
for (const one of stack.node.findAll()) {
  if (one instanceof CfnFunction) broken.addDependency(one);
}
