import type { AnyJobDefinition, JobCallbacks, JobDefaults, Limit, Middleware, Summary } from '../shared/index.ts';
import {
  createRegistry,
  environment,
  matchesQueue,
  parseQueues,
  type RedisClient,
  readDueTimes,
  redisOnDemandBroker,
  redisWorkerBroker,
  systemClock,
  WakeRequester,
  type WorkerBroker,
  workerOptions,
} from '../shared/internal.ts';
import { eventBridgeSchedule, orStart } from './aws/one-time-schedule.ts';
import { awsOf } from './aws/requests.ts';
import type { ReadSecret } from './backends/backend.ts';
import { drain } from './consumer/drain.ts';
import { memoryBounds, withinMemory } from './consumer/memory-bounds.ts';
import { RunMetrics } from './consumer/run-metrics.ts';
import { consumerEnd } from './contract/invocation-end.ts';
import type { ConsumerSettings } from './contract/settings.ts';
import { Connection } from './runtime/connection.ts';
import { EscapedErrors } from './runtime/escaped-errors.ts';
import { bufferedHandler } from './runtime/handler.ts';
import type { InvocationContext } from './runtime/invocation.ts';
import { createLogger } from './runtime/logger.ts';
import { startOf } from './runtime/start-event.ts';
import type { Tracer } from './telemetry/tracer.ts';

/** AWS's clock. Ours only measures how long things take. */
const wallTime = Date.now;

interface ConsumerHandlerDeps {
  readonly settings: Omit<ConsumerSettings, 'redis'>;
  readonly jobs: readonly AnyJobDefinition[];
  /** Options by pattern. @default none */
  readonly defaults?: JobDefaults | undefined;
  /** Around every handler. @default none */
  readonly middleware?: readonly Middleware[] | undefined;
  /** For jobs of all classes. @default none */
  readonly callbacks?: JobCallbacks | undefined;
  readonly connect: (readSecret: ReadSecret) => Promise<RedisClient>;
  readonly tracer?: Tracer | undefined;
}

/** What Lambda calls. Made once, kept for all invocations of this environment. */
export function consumerHandler(deps: ConsumerHandlerDeps) {
  const { settings, jobs, defaults, middleware, callbacks, connect, tracer } = deps;
  const { system, consumer, concurrency, lease, unknownClass, limits, linger = 0 } = settings;
  const logger = createLogger(environment);
  const aws = awsOf(environment);
  const connection = new Connection(() => connect(aws.secretReader()));
  connection.warmUp();
  const untraced = createRegistry(jobs, middleware, defaults, callbacks);
  const registry = tracer?.runs(untraced) ?? untraced;
  const queues = parseQueues(settings.queues, settings.order);
  const drained = matchesQueue(queues);
  const { wake: wakeSettings } = settings;
  const schedule =
    wakeSettings &&
    orStart(eventBridgeSchedule(wakeSettings, wallTime), () =>
      aws.startFunction(wakeSettings.target, { source: 'lambdesque.consumer', consumer }),
    );
  const memory = environment['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'];
  const options = workerOptions({
    concurrency,
    logArgs: settings.logArgs ?? false,
    ...memoryBounds(memory),
    ...(lease === undefined ? {} : { lease }),
    ...(unknownClass === undefined ? {} : { unknownClass }),
    ...(limits === undefined ? {} : { limits: limits as Readonly<Record<string, Limit>> }),
    ...(settings.serial ? { serial: settings.queues.replaceAll(/=\d+/g, '') } : {}),
  });

  const escapedErrors = new EscapedErrors(logger);
  escapedErrors.listen();

  /** Any event means: drain the queues. @returns what was done */
  async function work(event: unknown, context: InvocationContext): Promise<Summary> {
    const clock = systemClock;
    const now = clock.now();
    const end = consumerEnd(now, now + context.getRemainingTimeInMillis());
    const requestId = context.awsRequestId;
    const id = startOf(event);
    const log = logger.child({ consumer });
    const metrics = new RunMetrics({
      namespace: settings.metricsNamespace,
      system,
      consumer,
      byClass: settings.classMetrics ?? false,
      clock,
      wallTime,
      print: (line) => process.stdout.write(`${line}\n`),
    });
    const client = await connection.forInvocation(clock, end.giveUpAt);
    const onDemand = redisOnDemandBroker(client, settings.namespace, system);
    const wake = schedule && new WakeRequester({ store: onDemand, schedule, clock, wallTime });
    const broker = redisWorkerBroker(client, settings.namespace);
    const store = withinMemory(tracer?.syncs(broker) ?? broker, memory);
    try {
      const summary = await drain({
        store: wake ? covered(store, wake) : store,
        openFlows: (make) => make(client, settings.namespace),
        telemetry: tracer?.telemetry,
        registry,
        queues,
        options,
        consumer,
        system,
        requestId,
        place: { maxWorkers: settings.maxWorkers, start: id === undefined ? undefined : { system, consumer, id } },
        clock,
        log,
        onRun: (run) => {
          metrics.record(run);
          if (run.retryIn !== undefined) wake?.dueIn(run.retryIn);
        },
        ...(wake ? { onDue: (at) => wake.due(at) } : {}),
        onWorker: (worker) => {
          escapedErrors.worker = worker;
        },
        linger,
        end,
      });
      log.info('summary', { ...summary });
      if (wake) await handOver(wake, client, summary);
      return summary;
    } finally {
      escapedErrors.worker = undefined;
      metrics.flush();
      await tracer?.flush();
      await client.close();
    }
  }

  /**
   * Before a worker takes a lease, a run of the scheduler is set for when that has ended: the worker may die with it. And what comes
   * after a step of a flow may be in a queue of another consumer, of which nobody has told.
   */
  function covered(store: WorkerBroker, wake: WakeRequester): WorkerBroker {
    return {
      ...store,
      async sync(turn) {
        if (turn.register) await wake.begin(options.lease);
        const answer = await store.sync(turn);
        const elsewhere = turn.settle.some(({ effects }) =>
          effects.some((one) => one.kind === 'flow' && !one.mark.queues.every(drained)),
        );
        if (elsewhere && answer.kind === 'held') wake.due(answer.now);
        return answer;
      },
    };
  }

  /** Without a minute tick: what others have enqueued for later, and what this worker leaves, has to be known. */
  async function handOver(wake: WakeRequester, client: RedisClient, { stopped }: Summary): Promise<void> {
    const { now, retry, delayed, parked } = await readDueTimes(client, settings.namespace);
    // What a limit holds back has another look when a minute tick would have one.
    const left = stopped === 'empty' ? undefined : stopped === 'over limit' ? now + 60_000 : now;
    for (const at of [retry, delayed, parked, left]) {
      if (at !== undefined) wake.dueAfterAll(at);
    }
    await wake.end();
  }

  return bufferedHandler(work, logger);
}
