import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { type AnyJobDefinition, createRegistry, type Registry } from 'lambdesque';

/**
 * The job classes of a module, as the functions will know them. Its code runs here, at synth: a constructor cannot wait,
 * so it is loaded by `require`, which Node 24 allows for a module without top-level await.
 * @param path from the working directory, which is the folder of cdk.json
 * @throws Error
 */
export function loadJobs(path: string): Registry {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new Error(
      `jobs: there is no file ${JSON.stringify(path)} (paths start at the folder of cdk.json). ` +
        'Give a module whose default export is an array of defineJob({…}).',
    );
  }
  let exported: unknown;
  try {
    exported = (createRequire(import.meta.url)(file) as { default?: unknown }).default;
  } catch (cause) {
    throw new Error(`jobs: ${JSON.stringify(path)} cannot be loaded at synth: ${reason(cause)}`, { cause });
  }
  if (!Array.isArray(exported)) {
    throw new Error(
      `jobs: ${JSON.stringify(path)} must export an array of definitions by default, like: export default [Hello]; ` +
        `its default export is ${exported === undefined ? 'missing' : `a ${typeof exported}`}.`,
    );
  }
  return createRegistry(exported as AnyJobDefinition[]);
}

function reason(thrown: unknown): string {
  const { code, message } = thrown as { code?: unknown; message?: unknown };
  if (code === 'ERR_REQUIRE_ASYNC_MODULE')
    return 'it, or a module that it imports, has a top-level await. Await inside perform.';
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return `Node removes types but turns nothing into JavaScript, so enums, namespaces and parameter properties do not work: ${message}`;
  }
  return String(message ?? thrown);
}
