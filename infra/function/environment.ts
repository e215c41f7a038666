import { Stack, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { settingsVariable } from '../../functions/contract/settings.ts';
import { shown } from '../../shared/internal.ts';

/** Bytes that Lambda allows for all variables together. */
const ENVIRONMENT_LIMIT = 4_096;

/** Lambda's rule for the names of variables. */
const NAME = /^[A-Za-z][A-Za-z0-9_]+$/;

/**
 * All variables of a function: the user's, and one for what only the deployment knows.
 * @throws Error for what Lambda would refuse
 */
export function environmentOf(
  scope: Construct,
  given: Readonly<Record<string, string>>,
  deployed: object,
): Record<string, string> {
  check(given);
  const stack = Stack.of(scope);
  const all = {
    NODE_OPTIONS: '--enable-source-maps',
    ...given,
    [settingsVariable]: stack.toJsonString(deployed),
  };
  const size = Object.entries(all).reduce((sum, [name, value]) => sum + name.length + sizeOf(stack.resolve(value)), 0);
  if (size > ENVIRONMENT_LIMIT) {
    throw new Error(
      `The environment needs about ${size} bytes, and Lambda allows ${ENVIRONMENT_LIMIT}. Give less in environment: what ` +
        'a job needs may also stand in a secret, or in a module that it imports.',
    );
  }
  return all;
}

function check(given: Readonly<Record<string, unknown>>): void {
  if (settingsVariable in given) {
    throw new Error(`environment must not hold ${settingsVariable}: that variable is made from the other options.`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (!NAME.test(name)) {
      throw new Error(
        `environment holds ${JSON.stringify(name)}: Lambda takes names of two or more letters, digits and "_" that begin with a letter.`,
      );
    }
    if (typeof value !== 'string' && !Token.isUnresolved(value)) {
      throw new Error(`environment.${name} must be a text; got ${shown(value)}.`);
    }
  }
}

/** What a reference becomes is known when it is deployed; an ARN seldom needs more. */
const REFERENCE_SIZE = 128;

function sizeOf(resolved: unknown): number {
  if (typeof resolved === 'string') return Buffer.byteLength(resolved);
  const [, parts] = (resolved as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join'] ?? [];
  return parts ? parts.reduce<number>((sum, part) => sum + sizeOf(part), 0) : REFERENCE_SIZE;
}
