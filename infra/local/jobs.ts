import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../../shared/index.ts';
import { createRegistry, type Registry } from '../../shared/internal.ts';
import { registryOf } from '../modules/definitions.ts';
import { loadModule } from '../modules/load.ts';

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
  return withFlag('--jobs', async () => registryOf(await loadModule(path), path));
}

/** No classes where the module is not there and was not asked for. */
export async function loadJobsIfAny(path: string): Promise<Registry> {
  return path === defaultJobs && !existsSync(path) ? createRegistry([]) : loadJobs(path);
}

/** A mistake in what a flag names begins with the flag. */
export async function withFlag<Result>(flag: string, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(`${flag}: ${error.message}`, { cause: error }) : error;
  }
}
