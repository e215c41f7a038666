import { Duration, Validations } from 'aws-cdk-lib';
import type { IMetric, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { type Grant, type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { SchedulerSettings } from '../functions/contract/settings.ts';
import type { CronEntry } from '../shared/index.ts';
import { checkCronEntries, failedLimits, type OptionsOf, type QueueList } from '../shared/internal.ts';
import { type FunctionOptions, LambdesqueFunction, type SystemOptions } from './function/function.ts';
import { functionArn, statementArns } from './function/function-name.ts';
import { MinuteTick } from './minute-tick.ts';
import { requireJobs } from './modules/jobs.ts';
import { omitUndefined } from './omit-undefined.ts';
import type { OnDemand } from './on-demand.ts';
import { checkProps, functionOptions, systemOptions } from './options.ts';
import {
  type MetricOptions,
  type MetricSource,
  metricSource,
  type QueueMetricName,
  type QueueMetricOptions,
  queueMetric,
  type SystemMetricName,
  systemMetric,
} from './watching/metrics.ts';

/** What can be set for the scheduler. */
export interface SchedulerOptions extends FunctionOptions {
  /**
   * Of one tick, which stays for what is due before the next one.
   * @default Duration.minutes(2); 5 minutes with `wake: 'on-demand'`
   */
  readonly timeout?: Duration;
  /**
   * How much of the failed list is kept; what is beyond that is removed for good, the oldest first.
   * @default all
   */
  readonly failed?: FailedListLimits;
}

/** How short the scheduler keeps Resque's failed list. */
export interface FailedListLimits {
  /** Entries. @default any number */
  readonly max?: number;
  /** How long ago an entry may have failed. @default however long */
  readonly age?: Duration;
}

/** What the scheduler needs to know of a consumer that it starts; a `Consumer` is one. */
export interface ScheduledConsumer {
  /** What it starts. */
  readonly function: IFunction;
  /** Its name, where that is known before it is deployed. @default the function's own, known when it is deployed */
  readonly functionName?: string;
  /** As `parseQueues` takes it. */
  readonly queues: string;
  /** Whether its queues are strict in order, or weighted. */
  readonly order: QueueList['order'];
  /** Jobs at once in one worker. */
  readonly concurrency: number;
  /** Most workers at a time. */
  readonly maxWorkers: number;
  /** How soon what waits is to start. @default Duration.seconds(30) */
  readonly targetLatency?: Duration | undefined;
  /** How long a start may wait for a free place in the account. */
  readonly maxEventAge: Duration;
  /** Does Lambda keep concurrency for it? */
  readonly reserved: boolean;
}

/** Props of a scheduler of your own; within `Lambdesque` they are its options. */
export interface SchedulerProps extends SystemOptions, SchedulerOptions {
  /** By name: those that it starts. */
  readonly consumers: Readonly<Record<string, ScheduledConsumer>>;
  /** Jobs enqueued at times, by the entry's name. @default only those that are kept in Redis */
  readonly cron?: Readonly<Record<string, CronEntry>>;
}

const FAILED = { max: true, age: true } satisfies OptionsOf<FailedListLimits>;
/** Those that it has within `Lambdesque`. */
export const schedulerOptions = {
  timeout: true,
  failed: true,
  ...functionOptions,
} satisfies OptionsOf<SchedulerOptions>;
const OPTIONS = {
  ...schedulerOptions,
  consumers: true,
  cron: true,
  ...systemOptions,
} satisfies OptionsOf<SchedulerProps>;

/**
 * Ticks once a minute, or when it is needed: promotes delayed jobs and retries, gives back the jobs of dead workers,
 * enqueues cron slots, starts consumers for what waits, and writes the gauges.
 * @throws Error, when it is made, for props that cannot be used
 * @example new Scheduler(stack, 'Scheduler', { redis, jobs: 'functions/jobs/index.ts', consumers: { mail: consumer } });
 */
export class Scheduler extends Construct {
  /** The function that ticks. */
  readonly function: LambdesqueFunction;
  /** The minute tick; there is none with `wake: 'on-demand'`. */
  readonly tick: MinuteTick | undefined;
  /** What starts it where it has no minute tick. */
  readonly wake: OnDemand | undefined;
  /** Where its metrics are. */
  readonly metricSource: MetricSource;
  /** MB. */
  readonly memorySize: number;

  constructor(scope: Construct, id: string, props: SchedulerProps) {
    super(scope, id);
    if (new.target === Scheduler) checkProps('Scheduler', props, OPTIONS);
    if (props.failed) checkProps('Scheduler: failed', props.failed, FAILED);
    const { consumers, cron = {}, wake } = props;
    this.wake = wake;
    this.metricSource = metricSource(scope, props);
    this.memorySize = props.memorySize ?? 256;
    const registry = requireJobs(props.jobs);
    checkCronEntries(cron, registry);
    this.function = new LambdesqueFunction(this, 'Function', {
      ...props,
      entry: 'scheduler',
      description: 'Lambdesque scheduler: delayed jobs, retries, cron entries, and the starts of consumers',
      memorySize: this.memorySize,
      timeout: checkTimeout(props.timeout ?? Duration.minutes(wake ? 5 : 2), wake !== undefined),
      ...(wake
        ? {
            functionName: wake.functionName,
            retryAttempts: props.retryAttempts ?? 2,
            maxEventAge: props.maxEventAge ?? Duration.hours(1),
          }
        : {}),
      constants: { cron, registry },
      settings: (common): SchedulerSettings => ({
        ...common,
        consumers: targets(consumers),
        ...failedSettings(props.failed),
      }),
    });
    this.#allowStarts(Object.values(consumers));
    allowAccountLimit(this.function);
    wake?.start(this.function);
    this.tick = wake
      ? undefined
      : new MinuteTick(this, 'Tick', { function: this.function, deadLetters: this.function.onFailure });
  }

  /** Each by its ARN: with a hundred of them, one for the function and one for its version would not fit into its policies. */
  #allowStarts(consumers: readonly ScheduledConsumer[]): void {
    const arns = consumers.map((one) =>
      one.functionName === undefined ? one.function.functionArn : functionArn(this, one.functionName),
    );
    for (const resources of statementArns(arns)) {
      this.function.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources }));
    }
  }

  /** Lets somebody start it: after enqueuing something for later, where there is no minute tick. */
  grantDoorbell(grantee: IGrantable): Grant {
    return this.function.grantInvokeLatestVersion(grantee);
  }

  /** Jobs that wait, in one queue; without a queue, in the longest. A queue that stays empty has no data after its 0. */
  metricDepth(options?: QueueMetricOptions): IMetric {
    return this.#queue('depth', options);
  }

  /** Seconds that the job at a queue's head has waited; without a queue, the longest. Of jobs that say when they were enqueued. */
  metricOldestAge(options?: QueueMetricOptions): IMetric {
    return this.#queue('oldestAge', options);
  }

  /** Delayed jobs that wait for their time. */
  metricDelayed(options?: MetricOptions): Metric {
    return this.#system('delayed', options);
  }

  /** Failed attempts that wait for the next one. */
  metricRetries(options?: MetricOptions): Metric {
    return this.#system('retries', options);
  }

  /** Length of the failed list. */
  metricFailedLength(options?: MetricOptions): Metric {
    return this.#system('failedLength', options);
  }

  /** How late delayed jobs and retries were promoted, ms. */
  metricPromotionLateness(options?: MetricOptions): Metric {
    return this.#system('promotionLateness', options);
  }

  /** Ticks that came to their end; none while it is silent. */
  metricTicks(options?: MetricOptions): Metric {
    return this.#system('ticks', options);
  }

  #queue(name: QueueMetricName, options?: QueueMetricOptions): IMetric {
    return queueMetric(this.metricSource, name, options);
  }

  #system(name: SystemMetricName, options?: MetricOptions): Metric {
    return systemMetric(this.metricSource, name, options);
  }
}

/** With an alarm that comes up to two minutes early, a run must be able to stay three for what is due. */
function checkTimeout(timeout: Duration, onDemand: boolean): Duration {
  if (onDemand && !timeout.isUnresolved() && timeout.toMinutes({ integral: false }) < 4) {
    throw new Error(
      `scheduler.timeout must be 4 minutes or more with wake: 'on-demand', since a run stays 3 minutes for what is due; got ${timeout.toHumanString()}.`,
    );
  }
  return timeout;
}

function failedSettings({ max, age }: FailedListLimits = {}): Pick<SchedulerSettings, 'failed'> {
  const failed = failedLimits(omitUndefined({ max, age: age?.toMilliseconds() }), 'scheduler.failed');
  return Object.keys(failed).length > 0 ? { failed } : {};
}

function targets(consumers: SchedulerProps['consumers']): SchedulerSettings['consumers'] {
  return Object.fromEntries(
    Object.entries(consumers).map(([name, one]) => [
      name,
      {
        functionName: one.functionName ?? one.function.functionName,
        queues: one.queues,
        order: one.order,
        concurrency: one.concurrency,
        maxWorkers: one.maxWorkers,
        maxEventAge: one.maxEventAge.toMilliseconds(),
        ...(one.targetLatency ? { targetLatency: one.targetLatency.toMilliseconds() } : {}),
        ...(one.reserved ? { reserved: true } : {}),
      },
    ]),
  );
}

/** So that its starts leave room in the account for its own ticks. */
function allowAccountLimit(scheduler: LambdesqueFunction): void {
  const { role } = scheduler;
  if (!role) return;
  scheduler.addToRolePolicy(new PolicyStatement({ actions: ['lambda:GetAccountSettings'], resources: ['*'] }));
  Validations.of(role).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason:
      'lambda:GetAccountSettings knows no resource. It tells the limit of concurrent executions, of which the workers that ' +
      'the scheduler starts leave some for its own ticks.',
  });
}
