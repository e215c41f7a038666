import { environment, runWithSignals, textOf, WorkerService, type WorkerServiceDeps } from '../../shared/internal.ts';
import { tellWatch } from '../modules/dev-channel.ts';
import type { Backend } from './backend.ts';
import { onReplaced } from './dev/on-replaced.ts';
import { type MetricsServerOptions, serveMetrics } from './metrics/server.ts';

/** Classes that are named in the first line of the log; of more, only how many there are. */
const FEW_CLASSES = 20;

export interface WorkerSetup extends Omit<WorkerServiceDeps, keyof Backend> {
  readonly backend: Backend;
  /** Tell Prometheus how it does. @default it does not */
  readonly metrics?: Pick<MetricsServerOptions, 'address' | 'token'> | undefined;
}

/** Runs a worker in this process until it ends or is stopped, with a watchdog beside it. @param jobs the module's path, for messages */
export async function runWorker(setup: WorkerSetup, jobs: string): Promise<void> {
  const { backend, registry, queues, log, cron } = setup;
  const underNpm = environment['npm_lifecycle_event'] !== undefined;
  const classes = registry.definitions.map((one) => one.class);
  if (classes.length === 0) {
    log.warn('The jobs module exports an empty list: no job can run here, and each that comes is of an unknown class', {
      jobs,
    });
  }
  await backend.store.ping();
  const worker = new WorkerService({ ...setup, ...backend, watchdog: true });
  const metrics = setup.metrics && (await serveMetrics({ ...setup.metrics, ...backend, worker, log }));
  if (underNpm && !process.stdout.isTTY) {
    log.warn('Started through npm or npx, which hand no signal on: start node_modules/.bin/lambdesque itself', {
      see: 'infra/local/README.md',
    });
  }
  const onReady = () => {
    log.info('working', {
      redis: backend.store.address,
      namespace: backend.namespace,
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
