import { type AnyJobDefinition, ConfigError } from '../../shared/index.ts';
import { createRegistry, defaultNamespace, namespaceOf } from '../../shared/internal.ts';
import { type EnqueueMap, type EnqueueRule, mapOf } from '../enqueue/rule.ts';
import { type BatchResponse, enqueueHandler } from '../enqueue.ts';
import type { LambdaContext } from './consumer.ts';
import { connector, type LambdaRedis } from './redis.ts';

/** A consumer that is started. */
export interface RungConsumer {
  /** As the consumer itself is told. */
  readonly queues: string;
  /** Name or ARN, which the function's role has to be allowed to invoke. */
  readonly functionName: string;
}

/** What becomes of the events, and where they go. */
export interface EnqueueHandlerOptions {
  /** @default what the environment says */
  readonly redis?: LambdaRedis;
  /** Prefix of every key. @default 'resque:' */
  readonly namespace?: string;
  /** What `defineJob` returns: then a class finds its queue, and its schema checks the arguments. @default none are known */
  readonly jobs?: readonly AnyJobDefinition[];
  /**
   * A rule, or a function that gives the job of an event, several of them, or none.
   * @default the message itself is a job: `{"class":"Report","args":["May"],"queue":"reports"}`
   */
  readonly map?: EnqueueRule | EnqueueMap;
  /** Functions of consumers to start when there is a job for them, with what they drain. @default none: a tick starts them */
  readonly ring?: readonly RungConsumer[];
}

/**
 * The handler of a function that turns messages of SQS and SNS, events of EventBridge and changes in S3 into jobs. To SQS it gives
 * back exactly the messages that could not be enqueued (set `ReportBatchItemFailures`); for the others it fails, and AWS sends the event again.
 * @throws ConfigError for an option that cannot be used
 * @example
 * export const handler = createEnqueueHandler({
 *   jobs: [Hello],
 *   map: ({ body }) => ({ job: Hello, args: ['hi', String(body)] }),
 * });
 */
export function createEnqueueHandler(
  options: EnqueueHandlerOptions,
): (event: unknown, context: LambdaContext) => Promise<BatchResponse> {
  const { redis, namespace = defaultNamespace, jobs = [], map, ring = [] } = options;
  if (map !== undefined && typeof map !== 'function' && typeof map?.class !== 'string') {
    throw new ConfigError(
      "createEnqueueHandler: map must be a function of the event, or a rule such as { class: 'Thumbnail', args: ['$.bucket', '$.key'] }.",
    );
  }
  return enqueueHandler({
    namespace: namespaceOf(namespace, false),
    registry: createRegistry(jobs),
    map: typeof map === 'function' ? map : mapOf(map),
    ring,
    connect: connector('createEnqueueHandler', redis),
  });
}
