import { createHash } from 'node:crypto';
import { Stack } from 'aws-cdk-lib';
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
