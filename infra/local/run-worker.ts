import {
  environment,
  runWithSignals,
  ShardedService,
  tellLimitsElsewhere,
  textOf,
  WorkerService,
  type WorkerServiceDeps,
  workerOptions,
} from '../../shared/internal.ts';
import { tellWatch } from '../modules/dev-channel.ts';
import type { Backend } from './backend.ts';
import { onReplaced } from './dev/on-replaced.ts';
import { type MetricsServerOptions, serveMetrics } from './metrics/server.ts';
import type { NamedBackend } from './shards.ts';

/** Classes that are named in the first line of the log; of more, only how many there are. */
const FEW_CLASSES = 20;

interface WorkerSetup extends Omit<WorkerServiceDeps, keyof Backend> {
  /** One, or several shards with their names. Static cron entries stand in the first. */
  readonly backends: readonly NamedBackend[];
  /** Tell Prometheus how it does. @default it does not */
  readonly metrics?: Pick<MetricsServerOptions, 'address' | 'token'> | undefined;
}

/** Runs a worker in this process until it ends or is stopped, with a watchdog beside it. @param jobs the module's path, for messages */
export async function runWorker(setup: WorkerSetup, jobs: string): Promise<void> {
  const { backends, registry, queues, log, cron } = setup;
  const underNpm = environment['npm_lifecycle_event'] !== undefined;
  const classes = registry.definitions.map((one) => one.class);
  if (classes.length === 0) {
    log.warn('The jobs module exports an empty list: no job can run here, and each that comes is of an unknown class', {
      jobs,
    });
  }
  tellLimitsElsewhere(workerOptions(setup.options).limits, queues, log);
  const worker = await workerOf(setup);
  const metrics = setup.metrics && (await serveMetrics({ ...setup.metrics, systems: backends, worker, log }));
  if (underNpm && !process.stdout.isTTY) {
    log.warn('Started through npm or npx, which hand no signal on: start node_modules/.bin/lambdesque itself', {
      see: 'infra/local/README.md',
    });
  }
  const onReady = () => {
    log.info('working', {
      redis: backends.map(({ store }) => store.address).join(','),
      ...(backends.length > 1 ? { shards: backends.map(({ name }) => name) } : {}),
      namespace: [...new Set(backends.map(({ namespace }) => namespace))].join(','),
      queues: queues.patterns.map(textOf).join(','),
      order: queues.order,
      classes: classes.length > FEW_CLASSES ? classes.length : classes,
      ...(cron ? { scheduler: true, cron: Object.keys(cron) } : {}),
      worker: worker.id,
      ...(metrics ? { metrics: metrics.port } : {}),
    });
    tellWatch({ ready: true });
  };
  let signalled = false;
  let replaced = false;
  const onStop = () => {
    signalled = true;
  };
  const endReplaced = onReplaced(() => {
    replaced = true;
    worker.stop();
  });
  try {
    const summary = await runWithSignals(worker, log, { underNpm, onReady, onStop }, () => worker.run());
    // Whoever replaces it has told of it.
    if (signalled || !replaced) log.info('summary', { worker: worker.id, ...summary });
  } finally {
    await metrics?.close();
    endReplaced();
  }
}

async function workerOf({ backends, cron, ...setup }: WorkerSetup): Promise<WorkerService | ShardedService> {
  const [only, ...others] = backends;
  if (only && others.length === 0) {
    await only.store.ping();
    return new WorkerService({ ...setup, ...only, cron, watchdog: true });
  }
  // One that is away stops no other.
  const shards = backends.map((one, i) => ({
    ...setup,
    ...one,
    name: one.name ?? '',
    cron: cron && (i === 0 ? cron : {}),
    watchdog: true,
  }));
  const { concurrency, exitOnComplete } = workerOptions(setup.options);
  return new ShardedService({ shards, concurrency, exitOnComplete, handleSignals: false, log: setup.log });
}
