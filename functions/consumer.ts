import {
  consumerOptions,
  createRegistry,
  environment,
  parseQueues,
  type RedisClient,
  readAgenda,
  redisWakeStore,
  redisWorkerStore,
  type Summary,
  systemClock,
  type WorkerStore,
  WorkerWake,
} from 'lambdesque';
import { connect } from 'lambdesque-backend';
import jobs from 'lambdesque-jobs';
import { eventBridgeAlarm, orStart } from './alarm-clock.ts';
import { awsOf } from './aws.ts';
import { Connection } from './connection.ts';
import { drain, planEnd } from './drain.ts';
import { bufferedHandler, type InvocationContext, type LambdaRuntime, streamingHandler } from './lambda.ts';
import { createLogger } from './logger.ts';
import { RunMetrics } from './run-metrics.ts';
import { consumerSettings, settingsVariable } from './settings.ts';

// Made once, kept for all invocations of this environment.
const settings = consumerSettings(environment[settingsVariable]);
const { concurrency, lease, unknownClass, linger = 0 } = settings;
const logger = createLogger();
const aws = awsOf(environment);
const connection = new Connection(() => connect(settings.redis, aws.secretReader()));
connection.warmUp();
const registry = createRegistry(jobs);
const queues = parseQueues(settings.queues, settings.order);
const { wake: wakeSettings } = settings;
const alarm =
  wakeSettings &&
  orStart(eventBridgeAlarm(wakeSettings, systemClock.now), () =>
    aws.startFunction(wakeSettings.target, { source: 'lambdesque.consumer', consumer: settings.consumer }),
  );
const options = consumerOptions({
  concurrency,
  logArgs: settings.logArgs ?? false,
  ...(lease === undefined ? {} : { lease }),
  ...(unknownClass === undefined ? {} : { unknownClass }),
});

// Lambda's runtime would end the process, and with it all other jobs, for a promise that one handler left behind.
process.removeAllListeners('unhandledRejection').on('unhandledRejection', (error) => {
  logger.error('A handler left a promise that was rejected; its job is not affected. Await it, or catch it.', {
    error,
  });
});

/** Any event means: drain the queues. @returns what was done */
async function work(_event: unknown, context: InvocationContext): Promise<Summary> {
  const clock = systemClock;
  const end = planEnd(clock.now(), clock.now() + context.getRemainingTimeInMillis());
  const requestId = context.awsRequestId;
  const log = logger.child({ consumer: settings.consumer, requestId });
  const metrics = new RunMetrics({
    namespace: settings.metricsNamespace,
    consumer: settings.consumer,
    byClass: settings.classMetrics ?? false,
    clock,
    print: (line) => process.stdout.write(`${line}\n`),
  });
  const client = await connection.forInvocation(clock, end.giveUpAt);
  const wake = alarm && new WorkerWake(redisWakeStore(client, settings.namespace), alarm, clock);
  try {
    const summary = await drain({
      store: wake
        ? covered(redisWorkerStore(client, settings.namespace), wake)
        : redisWorkerStore(client, settings.namespace),
      registry,
      queues,
      options,
      consumer: settings.consumer,
      requestId,
      clock,
      log,
      onRun: (run) => {
        metrics.record(run);
        if (run.retryIn !== undefined) wake?.due(clock.now() + run.retryIn);
      },
      ...(wake ? { onDue: (at) => wake.due(at) } : {}),
      linger,
      end,
    });
    log.info('summary', { ...summary });
    if (wake) await handOver(wake, client, summary, clock.now());
    return summary;
  } finally {
    metrics.flush();
    await client.close();
  }
}

/** Before a worker takes a lease, the scheduler is told to look when that has ended: the worker may die with it. */
function covered(store: WorkerStore, wake: WorkerWake): WorkerStore {
  return {
    ...store,
    async settleAndReserve(turn) {
      if (turn.register) await wake.begin(turn.leaseEnd);
      return store.settleAndReserve(turn);
    },
  };
}

/** Without a minute tick: what others have enqueued for later, and what this worker leaves, has to be known. */
async function handOver(wake: WorkerWake, client: RedisClient, { stopped }: Summary, now: number): Promise<void> {
  const { retry, delayed } = await readAgenda(client, settings.namespace);
  for (const at of [retry, delayed, stopped === 'empty' ? undefined : now]) {
    if (at !== undefined) wake.dueAfterAll(at);
  }
  await wake.end();
}

const runtime = (globalThis as { awslambda?: LambdaRuntime }).awslambda;
export const handler =
  settings.streaming && runtime ? streamingHandler(work, logger, runtime) : bufferedHandler(work, logger);
