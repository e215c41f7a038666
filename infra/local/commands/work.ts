import { ConfigError } from '../../../shared/index.ts';
import { parseQueues, type QueueList, type WorkerOptions } from '../../../shared/internal.ts';
import { omitUndefined } from '../../omit-undefined.ts';
import { type BackendFlags, connect } from '../backend.ts';
import { type CronFlags, loadCron } from '../cron.ts';
import { loadJobs } from '../jobs.ts';
import { createLogger } from '../log.ts';
import type { MetricsAddress } from '../metrics/address.ts';
import type { Env } from '../redis/install.ts';
import { runWorker } from '../run-worker.ts';
import { metricsTokenOf } from './dashboard.ts';

export interface WorkFlags
  extends BackendFlags,
    CronFlags,
    Pick<WorkerOptions, 'interval' | 'concurrency' | 'lease' | 'shutdownTimeout' | 'unknownClass'> {
  readonly queues?: string;
  /** Queue list. */
  readonly serial?: string;
  readonly exitOnComplete?: true;
  readonly scheduler?: true;
  readonly failedMax?: number;
  /** Milliseconds. */
  readonly failedAge?: number;
  readonly strict?: true;
  readonly weighted?: true;
  readonly useNumber: boolean;
  readonly logArgs?: true;
  readonly metrics?: MetricsAddress;
  readonly connections?: string;
}

/** `lambdesque work`: a worker as a process, with goworker's flags. */
export async function work(flags: WorkFlags, env: Env): Promise<void> {
  const log = createLogger(process.stdout.isTTY);
  if (flags.connections !== undefined) {
    log.warn('--connections has no meaning here: one connection carries everything, since jobs come in batches');
  }
  const order = flags.strict ? 'strict' : flags.weighted ? 'weighted' : undefined;
  // Not by commander, which would ask for it before it tells of a slip such as --queue.
  if (flags.queues === undefined) {
    throw new ConfigError(
      "work needs --queues: the queues to work on, such as --queues critical,default or --queues '*'.",
    );
  }
  const queues = queuesOf('--queues', flags.queues, order);
  if (flags.serial !== undefined) queuesOf('--serial', flags.serial);
  if (flags.cron !== undefined && !flags.scheduler) {
    throw new ConfigError('--cron needs --scheduler, which is what enqueues its entries.');
  }
  const failed = omitUndefined({ max: flags.failedMax, age: flags.failedAge });
  if (Object.keys(failed).length > 0 && !flags.scheduler) {
    throw new ConfigError('--failed-max and --failed-age need --scheduler, which keeps the failed list short.');
  }
  const registry = await loadJobs(flags.jobs);
  const cron = flags.scheduler ? await loadCron(flags, registry) : undefined;
  const backend = connect(flags, env);
  try {
    const options = {
      interval: `${flags.interval}ms`,
      concurrency: flags.concurrency,
      lease: flags.lease,
      shutdownTimeout: `${flags.shutdownTimeout}ms`,
      unknownClass: flags.unknownClass,
      exitOnComplete: flags.exitOnComplete ?? false,
      numbers: flags.useNumber ? 'bigint' : 'double',
      logArgs: flags.logArgs ?? false,
      serial: flags.serial ?? '',
    } as const;
    const metrics = flags.metrics && { address: flags.metrics, token: metricsTokenOf(undefined, env) };
    await runWorker({ backend, registry, queues, options, cron, failed, log, metrics }, flags.jobs);
  } finally {
    await backend.store.close();
  }
}

function queuesOf(flag: string, list: string, order?: QueueList['order']): QueueList {
  try {
    return parseQueues(list, order);
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(`${flag}: ${error.message}`, { cause: error }) : error;
  }
}
