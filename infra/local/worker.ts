import { hostname } from 'node:os';
import type { Logger, RunReport, Summary } from '../../shared/index.ts';
import {
  Worker as CoreWorker,
  createClient,
  type QueueList,
  type Registry,
  Scheduler,
  systemClock,
  type TickResult,
  type WorkerOptions,
  workerId,
  workerOptions,
} from '../../shared/internal.ts';
import type { Backend } from './backend.ts';
import { type CronEntries, cronRunner } from './cron.ts';
import { tellingPaused } from './paused.ts';

/** Milliseconds between two ticks of a scheduler that runs all the time: jobs come on their second. */
const TICK_INTERVAL = 1_000;

export interface WorkerSetup {
  readonly backend: Backend;
  readonly registry: Registry;
  readonly queues: QueueList;
  readonly options: Partial<WorkerOptions>;
  /** Run a scheduler beside the worker, with these static cron entries and those that are in Redis. @default no scheduler */
  readonly cron?: CronEntries | undefined;
  readonly log: Logger;
  readonly onRun?: (report: RunReport) => void;
  readonly onTick?: (result: TickResult) => void;
}

export interface Worker extends Pick<CoreWorker, 'summary' | 'stop' | 'pause' | 'resume' | 'escaped' | 'crash'> {
  readonly id: string;
  /** Milliseconds. */
  readonly lease: number;
  /** Resolves when the worker has ended, and the scheduler with it. */
  run(): Promise<Summary>;
}

/** A worker, and if asked for a scheduler, in this process. */
export function createWorker(setup: WorkerSetup): Worker {
  const { backend, registry, queues, log, onRun, onTick } = setup;
  const { store } = backend;
  const clock = systemClock;
  const patterns = queues.patterns.map((one) => `${one.excluded ? '!' : ''}${one.pattern}`);
  const id = workerId(hostname(), process.pid, patterns);
  const options = workerOptions(setup.options);
  const worker: CoreWorker = new CoreWorker({
    store: tellingPaused(store, `${backend.namespace}pause-all-workers`, log),
    registry,
    client: createClient({ store, clock, registry, now: () => worker.redisNow() }),
    queues,
    options,
    worker: id,
    clock,
    log,
    ...(onRun ? { onRun } : {}),
  });
  const scheduler =
    setup.cron &&
    new Scheduler({
      store,
      registry,
      cron: cronRunner(backend, setup.cron, registry, log),
      clock,
      log,
      interval: TICK_INTERVAL,
      ...(onTick ? { onTick } : {}),
    });
  return {
    id,
    lease: options.lease,
    summary: worker.summary,
    async run() {
      const scheduling = scheduler?.run();
      try {
        return await worker.run();
      } finally {
        scheduler?.stop();
        await scheduling;
      }
    },
    stop: () => worker.stop(),
    pause: () => worker.pause(),
    resume: () => worker.resume(),
    escaped: (error) => worker.escaped(error),
    crash: () => worker.crash(),
  };
}
