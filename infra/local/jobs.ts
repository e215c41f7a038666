import { existsSync } from 'node:fs';
import { ConfigError } from '../../shared/index.ts';
import { createRegistry, type Registry } from '../../shared/internal.ts';
import { importJobs } from '../modules/jobs.ts';

/** Where this repository keeps its jobs. */
export const defaultJobs = './functions/jobs/index.ts';

/** The job classes of the module that `--jobs` names. @param path from the working directory  @throws ConfigError */
export function loadJobs(path: string): Promise<Registry> {
  return withFlag('--jobs', () => importJobs(path));
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
