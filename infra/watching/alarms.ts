import { Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct, type IConstruct } from 'constructs';
import type { OptionsOf } from '../../shared/internal.ts';
import type { Consumer } from '../consumer.ts';
import type { OnDemand } from '../on-demand.ts';
import { checkProps } from '../options.ts';
import type { Scheduler } from '../scheduler.ts';

/** Whom to tell, and from when on. */
export interface AlarmOptions {
  /** Gets every alarm, and its end. */
  readonly topic: ITopic;
  /** Jobs of a consumer that go to the failed list within 5 minutes. @default 1 */
  readonly failedJobs?: number;
  /** How long the job at a queue's head may wait, three minutes in a row. @default Duration.minutes(10) */
  readonly oldestJobAge?: Duration;
  /** Without a tick that came to its end; whole minutes. @default Duration.minutes(5) */
  readonly schedulerSilence?: Duration;
  /** Invocations of a function that fail within 5 minutes. @default 1 */
  readonly functionErrors?: number;
  /** Invocations of a function that Lambda refuses within 5 minutes. @default 1 */
  readonly throttles?: number;
}

/** Props of the alarms. */
export interface AlarmsProps extends AlarmOptions {
  /** Those that are watched. */
  readonly consumers: readonly Consumer[];
  /** @default the alarms that are about a scheduler are left out */
  readonly scheduler?: Scheduler;
  /** Where the events of failed invocations go. @default there is no alarm about it */
  readonly onFailure?: IQueue;
}

const OPTIONS = {
  topic: true,
  failedJobs: true,
  oldestJobAge: true,
  schedulerSilence: true,
  functionErrors: true,
  throttles: true,
  consumers: true,
  scheduler: true,
  onFailure: true,
} satisfies OptionsOf<AlarmsProps>;

/**
 * Alarms whose descriptions say what to do. `Lambdesque` makes them with `alarms`.
 * @example new Alarms(stack, 'Alarms', { topic, consumers: [consumer], oldestJobAge: Duration.minutes(30) });
 */
export class Alarms extends Construct {
  /** One for each consumer: jobs went to the failed list. */
  readonly failedJobs: readonly Alarm[];
  /** A job waits for too long; where there is a scheduler, which measures that. */
  readonly oldestJob: Alarm | undefined;
  /** Where the scheduler ticks each minute. */
  readonly schedulerSilent: Alarm | undefined;
  /** Where it does not. */
  readonly fallback: Alarm | undefined;
  /** Events of failed invocations wait for somebody to look at them. */
  readonly failureQueue: Alarm | undefined;
  /** One for each function: invocations failed. */
  readonly functionErrors: readonly Alarm[];
  /** One for each function: Lambda refused invocations. */
  readonly throttles: readonly Alarm[];
  readonly #topic: ITopic;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    if (new.target === Alarms) checkProps('Alarms', props, OPTIONS);
    if (typeof props.topic?.grantPublish !== 'function') {
      throw new Error("alarms: topic must be an SNS topic, such as new Topic(stack, 'Alarms', { enforceSSL: true }).");
    }
    this.#topic = props.topic;
    // A topic with any policy of its own, as enforceSSL makes one, lets nobody in by default; with a key, the key too.
    const { account } = Stack.of(this);
    const inAccount = { conditions: { StringEquals: { 'aws:SourceAccount': account } } };
    props.topic.grantPublish(new ServicePrincipal('cloudwatch.amazonaws.com', inAccount));
    const { consumers, scheduler } = props;
    this.failedJobs = consumers.map((consumer) => this.#failedJobs(consumer, props.failedJobs ?? 1));
    this.oldestJob = scheduler && this.#oldestJob(scheduler, props.oldestJobAge ?? Duration.minutes(10));
    this.schedulerSilent =
      scheduler && !scheduler.wake
        ? this.#silence(scheduler, props.schedulerSilence ?? Duration.minutes(5))
        : undefined;
    this.fallback = scheduler?.wake && this.#fallback(scheduler.wake);
    this.failureQueue = props.onFailure && this.#failureQueue(props.onFailure);
    const functions = [
      ...consumers.map(titled),
      ...(scheduler ? [{ title: 'scheduler', fn: scheduler.function }] : []),
    ];
    this.functionErrors = functions.map((one) => this.#errors(one, props.functionErrors ?? 1));
    // Where concurrency is reserved, throttles are how it is kept.
    const shared = functions.filter((one) => !one.reserved);
    this.throttles = shared.map((one) => this.#throttles(one, props.throttles ?? 1));
  }

  #failedJobs(consumer: Consumer, threshold: number): Alarm {
    const name = consumer.consumerName;
    return this.#alarm(`FailedJobs-${name}`, {
      scope: this.#besides(consumer),
      metric: consumer.metricFailed({ period: FIVE_MINUTES }),
      threshold: positive('failedJobs', threshold),
      what: `Jobs of the consumer ${name} have no attempts left and went to the failed list.`,
      remedy:
        'Run the saved query "failures by class" to see which and why. When the cause is gone, requeue them from resque-web.',
    });
  }

  #oldestJob(scheduler: Scheduler, limit: Duration): Alarm {
    return this.#alarm('OldestJob', {
      metric: scheduler.metricOldestAge({ period: Duration.minutes(1) }),
      threshold: positive('oldestJobAge', limit.toMilliseconds() / 1_000),
      periods: 3,
      comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
      what: `A job has been waiting at the head of its queue for more than ${limit.toHumanString()}.`,
      remedy:
        'The dashboard shows the queue. If the live workers of its consumer are at maxWorkers, raise maxWorkers, concurrency or ' +
        "memorySize; if there are none, look at the scheduler's errors and at the key pause-all-workers.",
    });
  }

  #silence(scheduler: Scheduler, limit: Duration): Alarm {
    const minutes = limit.toMilliseconds() / 60_000;
    if (!Number.isInteger(minutes) || minutes < 1 || minutes > 1_440) {
      throw new Error(
        `alarms: schedulerSilence must be a whole number of minutes, from 1 to 1440, as CloudWatch has it; got ${limit.toHumanString()}.`,
      );
    }
    return this.#alarm('SchedulerSilent', {
      metric: scheduler.metricTicks({ period: Duration.minutes(1) }),
      threshold: 1,
      periods: minutes,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      missing: TreatMissingData.BREACHING,
      what: `No tick of the scheduler came to its end for ${limit.toHumanString()}: nothing is promoted, reclaimed or started.`,
      remedy:
        'Its log says why: Redis away, wrong credentials, a timeout. No log lines: see whether the schedule is enabled (EventBridge Scheduler). ' +
        'On the first deployment this alarm rings once, before the first ticks.',
    });
  }

  #fallback(wake: OnDemand): Alarm {
    return this.#alarm('Fallback', {
      metric: wake.fallback.metricNumberOfMessagesSent({ period: FIVE_MINUTES, statistic: Stats.SUM }),
      threshold: 1,
      what:
        'The next run of the scheduler may not be set, or an invocation failed. The fallback queue starts the scheduler ' +
        'within a quarter of an hour, and every half hour until that ends well; until then jobs may be late.',
      remedy:
        'The log of the scheduler and of the consumers says why, at "The invocation failed": no permission to set the ' +
        'schedule, EventBridge Scheduler throttling, Redis away, a timeout.',
    });
  }

  #failureQueue(queue: IQueue): Alarm {
    return this.#alarm('FailureQueue', {
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: FIVE_MINUTES, statistic: Stats.MAXIMUM }),
      threshold: 1,
      what: 'Events of invocations that failed are in the failure queue. They are no jobs: those are in Redis.',
      remedy:
        'Read one (aws sqs receive-message): it names the function, the request id to search its log for, and the error. ' +
        'When the cause is gone, purge the queue (aws sqs purge-queue); the alarm ends when it is empty.',
    });
  }

  #errors({ title, fn }: Titled, threshold: number): Alarm {
    return this.#alarm(`Errors-${title}`, {
      scope: this.#besides(fn),
      metric: fn.metricErrors({ period: FIVE_MINUTES, statistic: Stats.SUM }),
      threshold: positive('functionErrors', threshold),
      what: `Invocations of the ${title} failed. No job is lost: its jobs go back to their queues when their lease ends.`,
      remedy:
        'Look for "The invocation failed" in its log: Redis away, wrong credentials or settings; "Task timed out" or ' +
        '"out of memory": raise timeout or memorySize. The events are in the failure queue.',
    });
  }

  #throttles({ title, fn }: Titled, threshold: number): Alarm {
    return this.#alarm(`Throttles-${title}`, {
      scope: this.#besides(fn),
      metric: fn.metricThrottles({ period: FIVE_MINUTES, statistic: Stats.SUM }),
      threshold: positive('throttles', threshold),
      what: `Lambda refused to start the ${title}: the account's concurrency is used up.`,
      remedy:
        'Ask for a higher limit (Service Quotas, Lambda, Concurrent executions), or lower the maxWorkers of the consumers.',
    });
  }

  /** What is about a function of a nested stack stands there too: one stack could not hold the alarms of a hundred consumers. */
  #besides(part: IConstruct): Construct {
    return Stack.of(part) === Stack.of(this) ? this : (part as Construct);
  }

  #alarm(id: string, { scope = this, metric, threshold, what, remedy, ...options }: Setting): Alarm {
    const alarm = new Alarm(scope, id, {
      metric,
      threshold,
      alarmDescription: `${what} What to do: ${remedy}`,
      evaluationPeriods: options.periods ?? 1,
      comparisonOperator: options.comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: options.missing ?? TreatMissingData.NOT_BREACHING,
    });
    const action = new SnsAction(this.#topic);
    alarm.addAlarmAction(action);
    alarm.addOkAction(action);
    return alarm;
  }
}

const FIVE_MINUTES = Duration.minutes(5);

interface Setting {
  /** @default the construct of all alarms */
  readonly scope?: Construct;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly what: string;
  readonly remedy: string;
  /** @default 1 */
  readonly periods?: number;
  /** @default at or above the threshold */
  readonly comparison?: ComparisonOperator;
  /** @default not breaching: what does not happen is not counted */
  readonly missing?: TreatMissingData;
}

interface Titled {
  readonly title: string;
  readonly fn: IFunction;
  readonly reserved?: boolean;
}

function titled(consumer: Consumer): Titled {
  return { title: `consumer-${consumer.consumerName}`, fn: consumer.function, reserved: consumer.reserved };
}

function positive(option: string, value: number): number {
  if (!(value > 0)) throw new Error(`alarms: ${option} must be more than 0; got ${value}.`);
  return value;
}
