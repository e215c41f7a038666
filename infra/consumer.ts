import { Duration } from 'aws-cdk-lib';
import type { IMetric, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { Grant, IGrantable, IPrincipal } from 'aws-cdk-lib/aws-iam';
import type { FunctionUrl, IEventSource } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { consumerDefaults } from '../functions/contract/consumer-defaults.ts';
import type { ConsumerSettings } from '../functions/contract/settings.ts';
import type { Limit } from '../shared/index.ts';
import {
  type WorkerOptions as CoreOptions,
  type OptionsOf,
  parseQueues,
  type QueueList,
  workerDefaults,
} from '../shared/internal.ts';
import { checkConsumer } from './consumer-limits.ts';
import { Doorbell } from './doorbell.ts';
import { type FunctionOptions, LambdesqueFunction, type SystemOptions, systemNameOf } from './function/function.ts';
import { functionNameOf } from './function/function-name.ts';
import type { KeepOptions } from './function/logs.ts';
import { omitUndefined } from './omit-undefined.ts';
import { checkProps, functionOptions, systemOptions } from './options.ts';
import { checkLimits, type Queues, queueText } from './queues.ts';
import {
  type ConsumerMetricName,
  consumerMetric,
  fleetMetric,
  type MetricOptions,
  type MetricSource,
  metricSource,
  type QueueMetricOptions,
} from './watching/metrics.ts';

/** What one consumer runs, and how much at a time. */
export interface ConsumerOptions extends FunctionOptions {
  /** Names, globs and `!name`: a list in strict order, or weights. */
  readonly queues: Queues;
  /** @default weighted where there are weights, else strict */
  readonly order?: QueueList['order'];
  /** Jobs at once in one worker. @default 25 */
  readonly concurrency?: number;
  /**
   * Most workers at a time, whoever starts them: Redis counts their leases, and one too many ends before it takes a job.
   * @default 2, since a new account runs 10 functions at once in all
   */
  readonly maxWorkers?: number;
  /**
   * How soon what waits is to start: the scheduler starts so many workers as need that long, by how long jobs of each class took
   * before, and no more. Of jobs that were never measured it starts one worker for each `concurrency`.
   * @default Duration.seconds(30)
   */
  readonly targetLatency?: Duration;
  /**
   * How many jobs of a queue run, of all workers of the system together, by its name: `{ reports: { running: 2, rate: '100/1m' } }`.
   * One that `client.queues.limit` has set counts more.
   * @default any number
   */
  readonly limits?: Readonly<Record<string, Limit>>;
  /**
   * Keep `maxWorkers` of the account's concurrency for it, so that other functions leave it that much, and it takes no more
   * from them. Of the account's limit 100 must stay unreserved, so a new account has to ask for more first; calls beyond it
   * wait, at most `maxEventAge`, or are refused. `maxWorkers` and serial queues hold without it.
   * @default false
   */
  readonly reserveConcurrency?: boolean;
  /**
   * Of one invocation. A worker that has not emptied its queues by then is followed by another.
   * @default Duration.minutes(15), the most that Lambda allows
   */
  readonly timeout?: Duration;
  /** How long a worker may be silent before its jobs are given to others. @default Duration.seconds(60) */
  readonly lease?: Duration;
  /** What becomes of a job that no class is defined for. @default 'fail' */
  readonly unknownClass?: CoreOptions['unknownClass'];
  /**
   * One job of each of its queues runs at a time, in order, across workers, kills and restarts; Redis remembers it for all
   * other workers. @default false
   */
  readonly serial?: boolean;
  /** Go on looking at empty queues for so long: quicker starts, more Lambda time. @default none */
  readonly linger?: Duration;
}

/** Props of a consumer of your own; within `Lambdesque` they are its options. */
export interface ConsumerProps extends SystemOptions, ConsumerOptions {
  /** In metrics, log lines and worker ids. @default the construct's id */
  readonly consumerName?: string;
}

/** Those that it has within `Lambdesque`. */
export const consumerOptions = {
  queues: true,
  order: true,
  concurrency: true,
  maxWorkers: true,
  targetLatency: true,
  limits: true,
  reserveConcurrency: true,
  timeout: true,
  lease: true,
  unknownClass: true,
  serial: true,
  linger: true,
  ...functionOptions,
} satisfies OptionsOf<ConsumerOptions>;
const OPTIONS = {
  ...consumerOptions,
  consumerName: true,
  ...systemOptions,
} satisfies OptionsOf<ConsumerProps>;

/**
 * Runs the jobs of some queues: a function that any event starts, and that ends when they are empty.
 * @throws Error, when it is made, for props that cannot be used
 * @example
 * const consumer = new Consumer(stack, 'Mail', { redis, jobs: 'functions/jobs/index.ts', queues: { mailers: 3, newsletters: 1 } });
 * bucket.grantRead(consumer);
 */
export class Consumer extends Construct implements IGrantable {
  /** The function that runs the jobs. */
  readonly function: LambdesqueFunction;
  /** For what the jobs need: `bucket.grantRead(consumer)`. */
  readonly grantPrincipal: IPrincipal;
  /** In metrics, log lines and worker ids. */
  readonly consumerName: string;
  /** The function's, known before it is deployed: the system's name and its own. */
  readonly functionName: string;
  /** As one text; see `parseQueues`. */
  readonly queues: string;
  /** Whether its queues are strict in order, or weighted. */
  readonly order: QueueList['order'];
  /** Jobs at once in one worker. */
  readonly concurrency: number;
  /** Most workers at a time. */
  readonly maxWorkers: number;
  /** Does Redis hold its queues to one job at a time, whoever drains them? */
  readonly serial: boolean;
  /** How long one invocation may take. */
  readonly timeout: Duration;
  /** MB. */
  readonly memorySize: number;
  /** How long jobs may wait, if it was said. */
  readonly targetLatency: Duration | undefined;
  /** How long a start may wait for a free place in the account. */
  readonly maxEventAge: Duration;
  /** Does Lambda keep concurrency for it? */
  readonly reserved: boolean;
  /** Once `addDoorbellUrl` was called. */
  doorbell: Doorbell | undefined;
  /** Where its metrics are. */
  readonly metricSource: MetricSource;
  readonly #keep: KeepOptions;
  readonly #ringers: IGrantable[] = [];

  constructor(scope: Construct, id: string, props: ConsumerProps) {
    super(scope, id);
    if (new.target === Consumer) checkProps('Consumer', props, OPTIONS);
    this.consumerName = props.consumerName ?? id;
    this.functionName = functionNameOf(this, systemNameOf(scope, props), this.consumerName);
    this.queues = queueText(props.queues);
    this.order = parseQueues(this.queues, props.order).order;
    this.concurrency = props.concurrency ?? workerDefaults.concurrency;
    this.maxWorkers = props.maxWorkers ?? consumerDefaults.maxWorkers;
    this.serial = props.serial ?? false;
    this.timeout = props.timeout ?? Duration.minutes(15);
    this.memorySize = props.memorySize ?? consumerDefaults.memory;
    this.targetLatency = props.targetLatency;
    this.maxEventAge = props.maxEventAge ?? Duration.minutes(1);
    this.reserved = props.reserveConcurrency ?? false;
    const { logRetention, removalPolicy, encryptionKey } = props;
    this.#keep = omitUndefined({ logRetention, removalPolicy, encryptionKey });
    this.metricSource = metricSource(scope, props);
    checkConsumer(this);
    checkLimits(props.limits ?? {}, parseQueues(this.queues));
    this.function = new LambdesqueFunction(this, 'Function', {
      ...props,
      entry: 'consumer',
      functionName: this.functionName,
      description: `Lambdesque consumer ${this.consumerName}: ${this.queues}`.slice(0, 256),
      memorySize: this.memorySize,
      timeout: this.timeout,
      settings: (common): ConsumerSettings => ({
        ...common,
        consumer: this.consumerName,
        queues: this.queues,
        concurrency: this.concurrency,
        maxWorkers: this.maxWorkers,
        ...omitUndefined({
          order: props.order,
          lease: props.lease?.toMilliseconds(),
          unknownClass: props.unknownClass,
          serial: props.serial,
          limits: props.limits,
          linger: props.linger?.toMilliseconds(),
        }),
      }),
      ...(this.reserved ? { reservedConcurrentExecutions: this.maxWorkers } : {}),
    });
    this.grantPrincipal = this.function.grantPrincipal;
    props.wake?.grantStart(this);
  }

  /** One worker, and one job at a time. */
  get runsOneJob(): boolean {
    return this.concurrency === 1 && this.maxWorkers === 1;
  }

  /**
   * A URL that starts it, answered by a small function of its own: 202 once Lambda has taken the start. Callers sign their
   * requests (AWS_IAM) and need `grantDoorbell`.
   */
  addDoorbellUrl(): FunctionUrl {
    if (this.doorbell) return this.doorbell.url;
    const { consumerName } = this;
    this.doorbell = new Doorbell(this, 'Doorbell', { ...this.#keep, starts: this.function, consumerName });
    for (const grantee of this.#ringers) this.doorbell.grantRing(grantee);
    return this.doorbell.url;
  }

  /** Lets somebody start it, with Lambda's Invoke and over its URL. */
  grantDoorbell(grantee: IGrantable): Grant {
    const url = this.grantDoorbellUrl(grantee);
    const grant = this.function.grantInvokeLatestVersion(grantee);
    return url ? grant.combine(url) : grant;
  }

  /** Of many that share a statement: over its URL alone. @internal */
  grantDoorbellUrl(grantee: IGrantable): Grant | undefined {
    this.#ringers.push(grantee);
    return this.doorbell?.grantRing(grantee);
  }

  /**
   * Any event is a doorbell: an SQS message, a DynamoDB stream, …
   * @throws Error for a queue of SQS whose visibility timeout is shorter than the consumer's own
   */
  addEventSource(source: IEventSource): void {
    this.function.addEventSource(source);
  }

  /** Runs that ended: succeeded, failed, retried or discarded. Of one queue, or of all. */
  metricProcessed(options?: QueueMetricOptions): IMetric {
    return this.#metric('processed', options);
  }

  /** Jobs whose handlers returned. */
  metricSucceeded(options?: QueueMetricOptions): IMetric {
    return this.#metric('succeeded', options);
  }

  /** Jobs that went to the failed list. */
  metricFailed(options?: QueueMetricOptions): IMetric {
    return this.#metric('failed', options);
  }

  /** Attempts that failed and are to be tried again. */
  metricRetried(options?: QueueMetricOptions): IMetric {
    return this.#metric('retried', options);
  }

  /** How long handlers ran, ms. */
  metricDuration(options?: QueueMetricOptions): IMetric {
    return this.#metric('duration', options);
  }

  /** From enqueuing to the start, ms; of jobs that say when they were enqueued. */
  metricQueueWait(options?: QueueMetricOptions): IMetric {
    return this.#metric('queueWait', options);
  }

  /** Workers whose lease runs, as the scheduler sees them. */
  metricLiveWorkers(options?: MetricOptions): Metric {
    return fleetMetric(this.metricSource, this.consumerName, 'liveWorkers', options);
  }

  /** Jobs of its dead workers that went back to their queues. */
  metricReclaimed(options?: MetricOptions): Metric {
    return fleetMetric(this.metricSource, this.consumerName, 'reclaimed', options);
  }

  #metric(name: ConsumerMetricName, options?: QueueMetricOptions): IMetric {
    return consumerMetric(this.metricSource, this.consumerName, name, options);
  }
}
