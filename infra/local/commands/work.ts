import { ConfigError, type Limit } from '../../../shared/index.ts';
import { parseLimit, parseQueues, type QueueList, type WorkerOptions } from '../../../shared/internal.ts';
import { omitUndefined } from '../../omit-undefined.ts';
import { type CronFlags, loadCron } from '../cron.ts';
import { loadJobs } from '../jobs.ts';
import { createLogger } from '../log.ts';
import type { MetricsAddress } from '../metrics/address.ts';
import type { Env } from '../redis/install.ts';
import { runWorker } from '../run-worker.ts';
import { connectAll, type ShardFlags } from '../shards.ts';
import { loadTelemetry } from '../telemetry.ts';
import { metricsTokenOf } from './dashboard.ts';

interface WorkFlags
  extends ShardFlags,
    CronFlags,
    Pick<WorkerOptions, 'interval' | 'concurrency' | 'lease' | 'shutdownTimeout' | 'unknownClass'> {
  readonly queues?: string;
  /** Queue list. */
  readonly serial?: string;
  /** `<queue>=<limit>` */
  readonly limit?: readonly string[];
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
  readonly tracing?: true;
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
  const limits = limitsOf(flags.limit ?? []);
  if (flags.cron !== undefined && !flags.scheduler) {
    throw new ConfigError('--cron needs --scheduler, which is what enqueues its entries.');
  }
  const failed = omitUndefined({ max: flags.failedMax, age: flags.failedAge });
  if (Object.keys(failed).length > 0 && !flags.scheduler) {
    throw new ConfigError('--failed-max and --failed-age need --scheduler, which keeps the failed list short.');
  }
  const registry = await loadJobs(flags.jobs);
  const cron = flags.scheduler ? await loadCron(flags, registry) : undefined;
  const telemetry = flags.tracing ? await loadTelemetry() : undefined;
  const backends = connectAll(flags, env);
  if (flags.concurrency < backends.length) {
    throw new ConfigError(
      `--concurrency must be ${backends.length} or more, a place for each --redis; got ${flags.concurrency}.`,
    );
  }
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
      limits,
    } as const;
    const metrics = flags.metrics && { address: flags.metrics, token: metricsTokenOf(undefined, env) };
    await runWorker({ backends, registry, queues, options, cron, failed, log, metrics, telemetry }, flags.jobs);
  } finally {
    await Promise.all(backends.map(({ store }) => store.close()));
  }
}

/** @throws ConfigError */
function limitsOf(given: readonly string[]): Readonly<Record<string, Limit>> {
  const limits = new Map<string, Limit>();
  for (const one of given) {
    const at = one.indexOf('=');
    const queue = one.slice(0, Math.max(0, at));
    if (queue === '') {
      // As others write pairs, or without the queue.
      const [, name, text] = /^([^:=]+):(\d.*)$/.exec(one) ?? [];
      const meant = name === undefined ? '' : ` Did you mean ${name}=${text}?`;
      throw new ConfigError(
        `--limit names a queue and its limit, such as reports=2, reports=100/1m or reports=2,100/1m; got ${JSON.stringify(one)}.${meant}`,
      );
    }
    if (/[*!]/.test(queue)) {
      throw new ConfigError(
        `--limit is of one queue, by its name; got ${JSON.stringify(one)}. Give it once for each queue.`,
      );
    }
    if (limits.has(queue))
      throw new ConfigError(`--limit is given twice for ${queue}. Both fit into one: ${queue}=2,100/1m.`);
    limits.set(queue, parseLimit(`--limit ${queue}`, one.slice(at + 1)));
  }
  return Object.fromEntries(limits);
}

function queuesOf(flag: string, list: string, order?: QueueList['order']): QueueList {
  try {
    return parseQueues(list, order);
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(`${flag}: ${error.message}`, { cause: error }) : error;
  }
}
