import { existsSync } from 'node:fs';
import { ConfigError, type CronEntry } from '../../shared/index.ts';
import { checkCronEntries, type Registry } from '../../shared/internal.ts';
import { nameOf } from '../modules/jobs.ts';
import { loadModule } from '../modules/load.ts';
import { defaultJobs, withFlag } from './jobs.ts';

/** Where this repository keeps its cron entries. */
export const defaultCron = './functions/jobs/cron.ts';

export type CronEntries = Readonly<Record<string, CronEntry>>;

export interface CronFlags {
  readonly jobs: string;
  /** Path of a module. @default this repository's, if it is there and the jobs are this repository's as well */
  readonly cron?: string;
}

/** The static cron entries of a module, whose default export has them by name; those in Redis come on top. @throws ConfigError */
export async function loadCron({ jobs, cron }: CronFlags, registry: Registry): Promise<CronEntries> {
  const path = cron ?? (jobs === defaultJobs && existsSync(defaultCron) ? defaultCron : undefined);
  if (path === undefined) return {};
  if (!existsSync(path)) {
    throw new ConfigError(
      `--cron: the module ${path} does not exist. Give one whose default export has cron entries by name.`,
    );
  }
  return withFlag('--cron', async () => {
    const { default: exported } = await loadModule(path);
    if (typeof exported !== 'object' || exported === null || Array.isArray(exported)) {
      throw new ConfigError(
        `the module ${path} must export an object of cron entries by name, such as ` +
          `export default { nightly: { cron: '0 3 * * *', class: 'Report' } }; its default export is ${nameOf(exported)}.`,
      );
    }
    checkCronEntries(exported as CronEntries, registry);
    return exported as CronEntries;
  });
}
