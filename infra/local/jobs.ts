import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AnyJobDefinition, ConfigError, createRegistry, LambdesqueError, type Registry } from 'lambdesque';

/** Where this repository keeps its jobs. */
export const defaultJobs = './functions/jobs/index.ts';

/** The job classes of a module, whose default export is an array of definitions. @param path from the working directory */
export async function loadJobs(path: string): Promise<Registry> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new ConfigError(
      `The jobs module ${path} does not exist (looked at ${file}). Give --jobs a module whose default export is an array of defineJob({…}).`,
    );
  }
  const module = await load(file, path);
  if (!Array.isArray(module.default)) {
    throw new ConfigError(
      `The jobs module ${path} must export an array of definitions by default, like: export default [Hello]; ` +
        `its default export is ${module.default === undefined ? 'missing' : `a ${typeof module.default}`}.`,
    );
  }
  return createRegistry(module.default as AnyJobDefinition[]);
}

async function load(file: string, path: string): Promise<{ default?: unknown }> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    // A mistake in a definition says by itself what is wrong.
    if (error instanceof LambdesqueError) throw error;
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new ConfigError(`--jobs: the module ${path} cannot be loaded. ${reason}`, { cause: error });
  }
}
