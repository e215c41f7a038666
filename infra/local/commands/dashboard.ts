import { listPrices } from '../../../functions/contract/prices.ts';
import { KEY_LENGTH, PASSWORD_LENGTH, TOKEN_LENGTH } from '../../../functions/dashboard/index.ts';
import { omitUndefined } from '../../omit-undefined.ts';
import { type BackendFlags, connect } from '../backend.ts';
import { type CronFlags, loadCron } from '../cron.ts';
import { serveDashboard } from '../dashboard/server.ts';
import { loadJobsIfAny } from '../jobs.ts';
import { createLogger } from '../log.ts';
import type { Env } from '../redis/install.ts';
import { secretText } from '../secret-text.ts';

interface DashboardFlags extends BackendFlags, CronFlags {
  readonly host?: string;
  readonly port?: number;
  readonly passwordFile?: string;
  readonly metricsTokenFile?: string;
  readonly jobsKeyFile?: string;
  readonly readOnly?: true;
  /** MB. */
  readonly memory?: number;
}

/** `lambdesque dashboard`: the page, until a signal. */
export async function dashboard(flags: DashboardFlags, env: Env): Promise<void> {
  const log = createLogger(process.stdout.isTTY);
  const password = passwordOf(flags, env);
  const metricsToken = metricsTokenOf(flags.metricsTokenFile, env);
  const jobsKey = secretText(JOBS_KEY, flags.jobsKeyFile, env);
  const registry = await loadJobsIfAny(flags.jobs);
  const cron = await loadCron(flags, registry);
  const { redis, store, namespace } = connect(flags, env);
  try {
    await store.ping();
    const { host, port, readOnly, memory } = flags;
    const prices =
      memory === undefined ? undefined : { gbSecond: listPrices.gbSecond, commands: listPrices.commands, memory };
    const server = await serveDashboard({
      redis,
      namespace,
      registry,
      cron,
      log,
      ...omitUndefined({ host, port, password, metricsToken, jobsKey, readOnly, prices }),
    });
    console.log(`Dashboard: ${server.url}\nRedis: ${redis.address}, namespace ${namespace}\nCtrl-C ends it.`);
    await stopSignal();
    await server.close();
  } finally {
    await store.close();
  }
}

const PASSWORD = {
  what: 'a password',
  flag: '--password-file',
  variable: 'LAMBDESQUE_DASHBOARD_PASSWORD',
  least: PASSWORD_LENGTH,
};
const JOBS_KEY = { what: 'a key', flag: '--jobs-key-file', variable: 'LAMBDESQUE_JOBS_KEY', least: KEY_LENGTH };
const METRICS_TOKEN = {
  what: 'a token',
  flag: '--metrics-token-file',
  variable: 'LAMBDESQUE_METRICS_TOKEN',
  least: TOKEN_LENGTH,
};

/** @throws ConfigError for a file that cannot be read, or a password that is too short */
function passwordOf({ passwordFile }: Pick<DashboardFlags, 'passwordFile'>, env: Env): string | undefined {
  return secretText(PASSWORD, passwordFile, env);
}

/** @throws ConfigError for a file that cannot be read, or a token that is too short */
export function metricsTokenOf(file: string | undefined, env: Env): string | undefined {
  return secretText(METRICS_TOKEN, file, env);
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
}
