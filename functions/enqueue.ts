import {
  createEnqueuer,
  environment,
  matchesQueue,
  parseQueues,
  type RedisClient,
  type Registry,
  redisBroker,
  systemClock,
} from '../shared/internal.ts';
import { awsOf } from './aws/requests.ts';
import type { ReadSecret } from './backends/backend.ts';
import { enqueueEvents } from './enqueue/enqueue-events.ts';
import { eventsOf } from './enqueue/events.ts';
import type { EnqueueMap } from './enqueue/rule.ts';
import { Connection } from './runtime/connection.ts';
import type { InvocationContext } from './runtime/invocation.ts';
import { createLogger, publicError } from './runtime/logger.ts';

interface EnqueueHandlerDeps {
  /** Prefix of every key. */
  readonly namespace: string;
  readonly registry: Registry;
  readonly map: EnqueueMap;
  /** Consumers that are started for jobs in their queues. */
  readonly ring: readonly { readonly queues: string; readonly functionName: string }[];
  readonly connect: (readSecret: ReadSecret) => Promise<RedisClient>;
}

/** SQS gets back what failed; the others know only all or nothing, and send all again. */
export interface BatchResponse {
  /** In their order; of a source that takes no list back, none. */
  readonly batchItemFailures: readonly BatchItemFailure[];
}

/** One message that comes back. */
export interface BatchItemFailure {
  /** Its id. */
  readonly itemIdentifier: string;
}

/** Redis is not waited for in the last moment of the function's time, ms. */
const LAST_MS = 500;

/** What Lambda calls. Made once, kept for all invocations of this environment. */
export function enqueueHandler({ namespace, registry, map, ring, connect }: EnqueueHandlerDeps) {
  const logger = createLogger(environment);
  const aws = awsOf(environment);
  const connection = new Connection(() => connect(aws.secretReader()));
  connection.warmUp();
  const clock = systemClock;
  const doorbells = ring.map((one) => ({ ...one, drains: matchesQueue(parseQueues(one.queues)) }));

  return async (event: unknown, context: InvocationContext): Promise<BatchResponse> => {
    logger.begin(context);
    try {
      const events = eventsOf(event);
      const until = clock.now() + context.getRemainingTimeInMillis() - LAST_MS;
      const redis = await connection.forInvocation(clock, until);
      try {
        const client = createEnqueuer({ store: redisBroker(redis, namespace), registry, clock });
        const { jobs, queues, failed } = await enqueueEvents(events, { map, client, log: logger });
        logger.info('enqueued', { events: events.length, jobs, failed: failed.size });
        const names = [...queues];
        const woken = doorbells.filter(({ drains }) => names.some(drains));
        // The jobs are in their queues: that nobody could be called only makes them later.
        for (const result of await Promise.allSettled(
          woken.map(({ functionName }) => aws.startFunction(functionName, { source: 'lambdesque.enqueue' })),
        )) {
          if (result.status === 'rejected') logger.warn('A consumer could not be started', { error: result.reason });
        }
        if (events.every(({ source }) => source === 'sqs')) {
          return { batchItemFailures: [...failed.keys()].map(({ id }) => ({ itemIdentifier: id })) };
        }
        const [error] = failed.values();
        if (failed.size > 0) throw error;
        return { batchItemFailures: [] };
      } finally {
        await redis.close();
      }
    } catch (error) {
      const shown = publicError(error);
      logger.error('The invocation failed', { error: shown });
      throw shown;
    }
  };
}
