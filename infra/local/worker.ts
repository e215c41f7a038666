import { hostname } from 'node:os';
import {
  Worker as CoreWorker,
  createClient,
  type Logger,
  type QueueList,
  type Registry,
  type RunReport,
  Scheduler,
  type Summary,
  systemClock,
  type TickResult,
  type WorkerOptions,
  workerId,
  workerOptions,
} from 'lambdesque';
import type { Backend } from './backend.ts';

/** Milliseconds between two ticks of a scheduler that runs all the time: jobs come on their second. */
const TICK_INTERVAL = 1_000;

export interface WorkerSetting {
  readonly backend: Backend;
  readonly registry: Registry;
  readonly queues: QueueList;
  readonly options: Partial<WorkerOptions>;
  readonly serial?: QueueList;
  /** Run a scheduler beside the consumer. */
  readonly scheduler: boolean;
  readonly log: Logger;
  readonly onRun?: (report: RunReport) => void;
  readonly onTick?: (result: TickResult) => void;
}

export interface Worker {
  readonly id: string;
  readonly summary: Summary;
  /** Resolves when the consumer has ended, and the scheduler with it. */
  run(): Promise<Summary>;
  stop(): void;
  escaped(error: unknown): boolean;
  crash(): Promise<void>;
}

/** A consumer, and if asked for a scheduler, in this process. */
export function createWorker(setting: WorkerSetting): Worker {
  const { backend, registry, queues, log, onRun, onTick } = setting;
  const { store } = backend;
  const clock = systemClock;
  const patterns = queues.patterns.map((one) => `${one.excluded ? '!' : ''}${one.pattern}`);
  const id = workerId(hostname(), process.pid, patterns);
  const client = createClient({ store, clock, registry });
  const options = workerOptions(setting.options);
  const consumer = new CoreWorker({
    store,
    registry,
    client,
    queues,
    options,
    worker: id,
    ...(setting.serial ? { serial: setting.serial } : {}),
    clock,
    log,
    ...(onRun ? { onRun } : {}),
  });
  const scheduler = new Scheduler({
    store,
    registry,
    clock,
    log,
    interval: TICK_INTERVAL,
    ...(onTick ? { onTick } : {}),
  });
  return {
    id,
    summary: consumer.summary,
    async run() {
      await store.ping();
      const scheduling = setting.scheduler ? scheduler.run() : Promise.resolve();
      try {
        return await consumer.run();
      } finally {
        scheduler.stop();
        await scheduling;
      }
    },
    stop: () => consumer.stop(),
    escaped: (error) => consumer.escaped(error),
    crash: () => consumer.crash(),
  };
}

/**
 * Runs a worker until it ends or a signal stops it; a second signal ends the process at once. SIGUSR1 logs what it has
 * done so far, as its end does. A mistake in a handler that nothing can catch ends the worker, but not its other jobs.
 */
export async function runUntilSignal(worker: Worker, log: Logger): Promise<Summary> {
  let stopped = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopped) process.exit(signal === 'SIGINT' ? 130 : 143);
    stopped = true;
    log.info('stopping; a second signal ends at once', { signal });
    worker.stop();
  };
  const onReport = () => log.info('summary', { worker: worker.id, ...worker.summary });
  const onException = (error: unknown) => {
    if (worker.escaped(error)) return;
    log.error('An error was thrown outside of any handler; stopping, since the state is unknown', { error });
    process.exitCode = 1;
    void worker.crash();
  };
  const onRejection = onException;
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('SIGUSR1', onReport);
  process.on('unhandledRejection', onRejection).on('uncaughtException', onException);
  try {
    const summary = await worker.run();
    log.info('summary', { worker: worker.id, ...summary });
    return summary;
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal).off('SIGUSR1', onReport);
    process.off('unhandledRejection', onRejection).off('uncaughtException', onException);
  }
}
