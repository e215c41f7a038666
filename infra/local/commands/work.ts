import { ConfigError, parseQueues, type QueueList, type WorkerOptions } from 'lambdesque';
import { type BackendFlags, connect } from '../backend.ts';
import { loadJobs } from '../jobs.ts';
import { createLogger } from '../log.ts';
import type { Env } from '../redis/install.ts';
import { createWorker, runUntilSignal } from '../worker.ts';

export interface WorkFlags
  extends BackendFlags,
    Pick<WorkerOptions, 'interval' | 'concurrency' | 'lease' | 'shutdownTimeout' | 'unknownClass'> {
  readonly queues: string;
  readonly serial?: string;
  readonly jobs: string;
  readonly exitOnComplete?: true;
  readonly scheduler?: true;
  readonly strict?: true;
  readonly weighted?: true;
  readonly useNumber: boolean;
  readonly logArgs?: true;
  readonly connections?: string;
}

/** `lambdesque work`: a consumer as a process, with goworker's flags. */
export async function work(flags: WorkFlags, env: Env): Promise<void> {
  const log = createLogger(process.stdout.isTTY);
  if (flags.connections !== undefined) {
    log.warn('--connections has no meaning here: one connection carries everything, since jobs come in batches');
  }
  const queues = queuesOf(flags);
  const registry = await loadJobs(flags.jobs);
  const backend = await connect(flags, env);
  try {
    const worker = createWorker({
      backend,
      registry,
      queues,
      ...(flags.serial === undefined ? {} : { serial: parseQueues(flags.serial) }),
      options: {
        interval: flags.interval,
        concurrency: flags.concurrency,
        lease: flags.lease,
        shutdownTimeout: flags.shutdownTimeout,
        unknownClass: flags.unknownClass,
        exitOnComplete: flags.exitOnComplete ?? false,
        numbers: flags.useNumber ? 'bigint' : 'double',
        logArgs: flags.logArgs ?? false,
      },
      scheduler: flags.scheduler ?? false,
      log,
    });
    log.info('working', { redis: backend.store.address, queues: flags.queues, order: queues.order, worker: worker.id });
    await runUntilSignal(worker, log);
  } finally {
    await backend.store.close();
  }
}

function queuesOf({ queues, strict, weighted }: WorkFlags): QueueList {
  try {
    return parseQueues(queues, strict ? 'strict' : weighted ? 'weighted' : undefined);
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(`--queues: ${error.message}`, { cause: error }) : error;
  }
}
