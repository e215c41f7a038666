import { Names, Stack, Token } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** With a consumer's name it has to be a function's, of 64 characters; and short in a worker's id. */
const LONGEST = 40;

/**
 * The name of a system that nobody has named: its stack's name and the ids from there to it. No other in the account and
 * region has the same stack's name.
 */
export function defaultSystemName(scope: IConstruct): string {
  const stack = Stack.of(scope);
  const ids = scope.node.scopes.slice(stack.node.scopes.length).map(({ node }) => node.id);
  const name = [stack.stackName, ...ids].join('-').replaceAll(/[^A-Za-z0-9._-]+/g, '-');
  if (!Token.isUnresolved(stack.stackName) && name.length <= LONGEST) return name;
  return Names.uniqueResourceName(scope, { maxLength: LONGEST, separator: '-' });
}

/** @throws Error for what no metric, key or worker could be named after */
export function checkSystemName(name: string): void {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new Error(`systemName must be 1 to 64 letters, digits, ".", "_" and "-"; got ${JSON.stringify(name)}.`);
  }
}

/** By stack, nested ones with the one that they are in: the path of who has a name. */
const taken = new WeakMap<Stack, Map<string, string>>();

/** @throws Error where another system of the stack has the name: their functions would have the same names, too */
export function claimSystemName(scope: IConstruct, name: string): void {
  let stack = Stack.of(scope);
  while (stack.nestedStackParent) stack = stack.nestedStackParent;
  const names = taken.get(stack) ?? new Map<string, string>();
  taken.set(stack, names);
  const other = names.get(name);
  if (other !== undefined) {
    throw new Error(
      `${scope.node.path} and ${other} have the same systemName, ${JSON.stringify(name)}. Each system of a stack needs one of its own.`,
    );
  }
  names.set(name, scope.node.path);
}
