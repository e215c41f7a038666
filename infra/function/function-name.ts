import { createHash } from 'node:crypto';
import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Lambda's limit. */
const LONGEST = 64;

/**
 * The name of a consumer's function, known before it is deployed: the scheduler's settings hold those of all it starts. One
 * in a nested stack has another than in its parent, since it is there before the old one is gone when it moves.
 */
export function functionNameOf(scope: Construct, system: string, consumer: string): string {
  const stack = Stack.of(scope);
  const parts = [system, consumer, ...(stack.nested ? [stack.node.id] : [])];
  // Other names may have dots.
  const name = parts.join('-').replaceAll('.', '_');
  if (name.length <= LONGEST && !parts.some((one) => one.includes('.'))) return name;
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8);
  return `${name.slice(0, LONGEST - 9)}-${hash}`;
}

/** Functions in one statement of a policy: CDK divides what is too long for one policy between statements, not within one. */
const MOST_IN_STATEMENT = 15;

/** The function of that name, beside `scope`. */
export function functionArn(scope: Construct, resourceName: string): string {
  return Stack.of(scope).formatArn({
    service: 'lambda',
    resource: 'function',
    resourceName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** As many as a statement may have: with a hundred functions, a statement each would not fit into a policy. */
export function statementArns(arns: readonly string[]): string[][] {
  const statements = Math.ceil(arns.length / MOST_IN_STATEMENT);
  return Array.from({ length: statements }, (_, i) => arns.slice(i * MOST_IN_STATEMENT, (i + 1) * MOST_IN_STATEMENT));
}
