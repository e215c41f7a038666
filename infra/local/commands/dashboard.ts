import { readFileSync } from 'node:fs';
import { lambdaPrices, PASSWORD_LENGTH } from '../../../functions/dashboard/index.ts';
import { ConfigError } from '../../../shared/index.ts';
import { omitUndefined } from '../../omit-undefined.ts';
import { type BackendFlags, connect } from '../backend.ts';
import { type CronFlags, loadCron } from '../cron.ts';
import { serveDashboard } from '../dashboard/server.ts';
import { loadJobsIfAny } from '../jobs.ts';
import { createLogger } from '../log.ts';
import type { Env } from '../redis/install.ts';

export interface DashboardFlags extends BackendFlags, CronFlags {
  readonly host?: string;
  readonly port?: number;
  readonly passwordFile?: string;
  readonly readOnly?: true;
  /** MB. */
  readonly memory?: number;
}

/** `lambdesque dashboard`: the page, until a signal. */
export async function dashboard(flags: DashboardFlags, env: Env): Promise<void> {
  const log = createLogger(process.stdout.isTTY);
  const password = passwordOf(flags, env);
  const registry = await loadJobsIfAny(flags.jobs);
  const cron = await loadCron(flags, registry);
  const { redis, store, namespace } = connect(flags, env);
  try {
    await store.ping();
    const { host, port, readOnly, memory } = flags;
    const prices = memory === undefined ? undefined : { ...lambdaPrices, memory };
    const server = await serveDashboard({
      redis,
      namespace,
      registry,
      cron,
      log,
      ...omitUndefined({ host, port, password, readOnly, prices }),
    });
    console.log(`Dashboard: ${server.url}\nRedis: ${redis.address}, namespace ${namespace}\nCtrl-C ends it.`);
    await stopSignal();
    await server.close();
  } finally {
    await store.close();
  }
}

/** @throws ConfigError for a file that cannot be read, or a password that is too short */
export function passwordOf({ passwordFile }: Pick<DashboardFlags, 'passwordFile'>, env: Env): string | undefined {
  const password = passwordFile === undefined ? env['LAMBDESQUE_DASHBOARD_PASSWORD'] : readPassword(passwordFile);
  if (password === undefined || (password === '' && passwordFile === undefined)) return undefined;
  if (password.length >= PASSWORD_LENGTH) return password;
  const where = passwordFile === undefined ? 'LAMBDESQUE_DASHBOARD_PASSWORD' : `--password-file ${passwordFile}`;
  throw new ConfigError(
    `${where}: a password must have ${PASSWORD_LENGTH} characters or more; this one has ${password.length}.`,
  );
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new ConfigError(`--password-file: ${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}
