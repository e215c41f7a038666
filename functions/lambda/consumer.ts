import {
  type AnyJobDefinition,
  ConfigError,
  type JobCallbacks,
  type JobDefaults,
  type Limit,
  type Middleware,
  type Telemetry,
} from '../../shared/index.ts';
import {
  checkOptions,
  defaultNamespace,
  type KnownOptions,
  namespaceOf,
  type OptionsOf,
  workerDefaults,
} from '../../shared/internal.ts';
import { consumerHandler } from '../consumer.ts';
import { checkConsumer } from '../contract/settings.ts';
import { tracerOf } from '../telemetry/tracer.ts';
import { connector, type LambdaRedis } from './redis.ts';

/** What Lambda calls: a module exports it as `handler`. */
export type LambdaHandler = (event: unknown, context: LambdaContext) => Promise<unknown>;

/** What the handlers use of Lambda's context. */
export interface LambdaContext {
  /** The invocation's id. */
  readonly awsRequestId: string;
  /** Until Lambda ends the invocation. */
  getRemainingTimeInMillis(): number;
}

/** What all functions of a system have in common. */
export interface LambdaOptions {
  /** @default what the environment says */
  readonly redis?: LambdaRedis;
  /** What `defineJob` returns. */
  readonly jobs: readonly AnyJobDefinition[];
  /** Prefix of every key. @default 'resque:' */
  readonly namespace?: string;
  /**
   * The system's name: in metrics and worker ids. Each system of an account, or on a Redis, needs one of its own.
   * @default 'lambdesque'
   */
  readonly system?: string;
  /** Traces: what `openTelemetry(api)` of `lambdesque/opentelemetry` returns. @default nothing does */
  readonly telemetry?: Telemetry;
  /** CloudWatch's. @default 'Lambdesque' */
  readonly metricsNamespace?: string;
}

/** Those of every handler. */
export const lambdaOptions = {
  redis: true,
  jobs: true,
  namespace: true,
  system: true,
  telemetry: true,
  metricsNamespace: true,
} satisfies OptionsOf<LambdaOptions>;

/** What a consumer is told; the times are milliseconds. */
export interface ConsumerHandlerOptions extends LambdaOptions {
  /** Its name, as the scheduler knows it: in metrics, log lines and worker ids. @default 'default' */
  readonly consumer?: string;
  /** Names in order, names with weights (`'high=3,low=1'`), `*`, globs, `!name`. */
  readonly queues: string | readonly string[];
  /** @default 'weighted' where a weight is given, else 'strict' */
  readonly order?: 'strict' | 'weighted';
  /** Jobs at once in one worker. @default 25 */
  readonly concurrency?: number;
  /** Most workers of it at a time: one too many ends before it takes a job. @default 2 */
  readonly maxWorkers?: number;
  /** How long a worker may be silent before its jobs are given to others. @default 60000 */
  readonly lease?: number;
  /** What becomes of a job that no class is defined for. @default 'fail' */
  readonly unknownClass?: 'fail' | 'release';
  /** One job of each of its queues at a time, in order, whoever takes it. @default false */
  readonly serial?: boolean;
  /** How many jobs of a queue run, of all workers together, by its name: `{ reports: { running: 2, rate: '100/1m' } }`. @default any number */
  readonly limits?: Readonly<Record<string, Limit>>;
  /** Options by pattern of class or queue, for jobs whose definition does not say. @default none */
  readonly defaults?: JobDefaults;
  /** Around every handler, the outermost first. @default none */
  readonly middleware?: readonly Middleware[];
  /** Called when jobs of any class end, after those of their definitions. @default none */
  readonly callbacks?: JobCallbacks;
  /** To go on looking at queues that are empty. @default 0 */
  readonly linger?: number;
  /** Put arguments into the log. @default false */
  readonly logArgs?: boolean;
  /** Count by job class as well. @default false */
  readonly classMetrics?: boolean;
}

const OPTIONS = {
  ...lambdaOptions,
  consumer: true,
  queues: true,
  order: true,
  concurrency: true,
  maxWorkers: true,
  lease: true,
  unknownClass: true,
  serial: true,
  limits: true,
  defaults: true,
  middleware: true,
  callbacks: true,
  linger: true,
  logArgs: true,
  classMetrics: true,
} satisfies OptionsOf<ConsumerHandlerOptions>;

/**
 * The handler of a function that runs jobs, for who deploys with SAM, SST or Terraform. Any event starts it; it ends when its
 * queues are empty, or its time is nearly over.
 * @throws ConfigError for an option that cannot be used
 * @example
 * export const handler = createConsumerHandler({
 *   redis: { url: { service: 'secretsmanager', id: 'lambdesque/redis', field: 'url' } },
 *   jobs: [Hello],
 *   queues: ['critical', 'default'],
 * });
 */
export function createConsumerHandler(options: ConsumerHandlerOptions): LambdaHandler {
  const given = withDefaults('createConsumerHandler', options, OPTIONS);
  const { redis, jobs, defaults, middleware, callbacks, queues, telemetry, ...settings } = given;
  // Without streaming it is called with an event and a context.
  return consumerHandler({
    jobs,
    defaults,
    middleware,
    callbacks,
    tracer: telemetry && tracerOf(telemetry),
    connect: connector('createConsumerHandler', redis),
    settings: checkConsumer('createConsumerHandler', {
      consumer: 'default',
      concurrency: workerDefaults.concurrency,
      maxWorkers: MOST_WORKERS,
      ...settings,
      queues: typeof queues === 'string' ? queues : queues.join(','),
    }),
  }) as LambdaHandler;
}

/** A new account runs 10 functions at once, which has to leave room for others. */
export const MOST_WORKERS = 2;

/** @throws ConfigError for an option that there is not, and for what is no list of jobs */
export function withDefaults<Options extends LambdaOptions>(where: string, options: Options, known: KnownOptions) {
  checkOptions(where, options, known, true);
  if (!Array.isArray(options?.jobs)) {
    throw new ConfigError(`${where}: jobs must be a list of what defineJob returns, such as [Hello].`);
  }
  return {
    system: 'lambdesque',
    metricsNamespace: 'Lambdesque',
    ...options,
    namespace: namespaceOf(options.namespace ?? defaultNamespace, false),
  };
}
