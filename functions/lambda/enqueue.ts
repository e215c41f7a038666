import { type AnyJobDefinition, ConfigError } from '../../shared/index.ts';
import {
  checkOptions,
  createRegistry,
  defaultNamespace,
  namespaceOf,
  type OptionsOf,
  parseQueues,
  shown,
} from '../../shared/internal.ts';
import { type EnqueueMap, type EnqueueRule, mapOf } from '../enqueue/rule.ts';
import { type BatchResponse, enqueueHandler } from '../enqueue.ts';
import type { LambdaContext } from './consumer.ts';
import { connector, type LambdaRedis } from './redis.ts';

const WHERE = 'createEnqueueHandler';

/** A consumer that is started. */
export interface RungConsumer {
  /** As the consumer itself is told. */
  readonly queues: string | readonly string[];
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

const OPTIONS = {
  redis: true,
  namespace: true,
  jobs: true,
  map: true,
  ring: true,
} satisfies OptionsOf<EnqueueHandlerOptions>;
const RUNG = { queues: true, functionName: true } satisfies OptionsOf<RungConsumer>;
const RULE = { class: true, queue: true, args: true } satisfies OptionsOf<EnqueueRule>;

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
  checkOptions(WHERE, options, OPTIONS, true);
  const { redis, namespace = defaultNamespace, jobs = [], map, ring = [] } = options;
  if (map !== undefined && typeof map !== 'function') checkRule(map);
  const rung = checkRing(ring);
  return enqueueHandler({
    namespace: namespaceOf(namespace, false),
    registry: createRegistry(jobs),
    map: typeof map === 'function' ? map : mapOf(map),
    ring: rung,
    connect: connector(WHERE, redis),
  });
}

/** @throws ConfigError */
function checkRule(rule: EnqueueRule): void {
  if (typeof rule?.class !== 'string') {
    throw new ConfigError(
      `${WHERE}: map must be a function of the event, or a rule such as { class: 'Thumbnail', args: ['$.bucket', '$.key'] }.`,
    );
  }
  checkOptions(`${WHERE}: map`, rule, RULE);
  if (rule.args === undefined || Array.isArray(rule.args)) return;
  throw new ConfigError(
    `${WHERE}: map.args must be a list of arguments, such as ['$.bucket', '$.key']; got ${typeof rule.args}.`,
  );
}

/** @throws ConfigError */
function checkRing(ring: readonly RungConsumer[]): { queues: string; functionName: string }[] {
  if (!Array.isArray(ring)) {
    throw new ConfigError(`${WHERE}: ring must be a list of { queues, functionName }; got ${typeof ring}.`);
  }
  return ring.map((one, i) => {
    checkOptions(`${WHERE}: ring[${i}]`, one, RUNG);
    const { functionName } = one;
    const queues = Array.isArray(one.queues) ? one.queues.join(',') : one.queues;
    for (const [name, value] of Object.entries({ queues, functionName })) {
      if (typeof value === 'string' && value !== '') continue;
      throw new ConfigError(`${WHERE}: ring[${i}].${name} must be a text; got ${shown(value)}.`);
    }
    parseQueues(queues);
    return { queues, functionName };
  });
}
