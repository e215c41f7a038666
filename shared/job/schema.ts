import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ArgumentsError } from '../errors.ts';
import type { Args, JobRef } from './enqueue.ts';
import { argsPath } from './json-args.ts';

/**
 * Arguments as the schema gives them; a promise only where the schema is asynchronous.
 * @throws ArgumentsError with the schema's own messages and paths
 */
export function checkArgs(definition: JobRef, args: Args): Args | Promise<Args> {
  const schema = definition.args;
  if (schema === undefined) return args;
  const result = schema['~standard'].validate(args);
  return result instanceof Promise ? result.then((one) => accept(definition, one)) : accept(definition, result);
}

function accept(definition: JobRef, result: StandardSchemaV1.Result<Args>): Args {
  if (!result.issues) return result.value;
  const issues = result.issues.map((issue) => {
    const path = issue.path?.map((part) => (typeof part === 'object' ? part.key : part)) ?? [];
    return path.length > 0 ? `${argsPath(path)}: ${issue.message}` : issue.message;
  });
  throw new ArgumentsError(`The arguments do not fit the schema of ${definition.class}: ${issues.join('; ')}`);
}
