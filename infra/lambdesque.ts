import { NestedStack, RemovalPolicy, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { CronEntry } from '../shared/index.ts';
import { type OptionsOf, shown } from '../shared/internal.ts';
import { checkSystem } from './checks.ts';
import { Consumer, type ConsumerOptions, consumerOptions } from './consumer.ts';
import { Dashboard, type DashboardOptions, dashboardOptions } from './dashboard.ts';
import { describeSystem } from './describe-system.ts';
import { EnqueueFunction, type EnqueueOptions, type EnqueueSource, enqueueOptions } from './enqueue-function.ts';
import { FailureQueue } from './function/failure-queue.ts';
import type { SystemOptions } from './function/function.ts';
import { functionArn, statementArns } from './function/function-name.ts';
import { requireJobs } from './modules/jobs.ts';
import { omitUndefined } from './omit-undefined.ts';
import { OnDemand } from './on-demand.ts';
import { checkProps, systemOptions } from './options.ts';
import { Scheduler, type SchedulerOptions, schedulerOptions } from './scheduler.ts';
import { systemMetadata } from './system-metadata.ts';
import { claimSystemName, defaultSystemName } from './system-name.ts';
import { type AlarmOptions, Alarms } from './watching/alarms.ts';
import { MetricsDashboard } from './watching/metrics-dashboard.ts';
import { Queries } from './watching/queries.ts';

/**
 * Props of the whole system.
 * @typeParam Name the consumers' names, taken from the keys of `consumers`
 */
export interface LambdesqueProps<Name extends string> extends Omit<SystemOptions, 'wake'> {
  /** By name: each is a function of its own, with its own queues, memory, timeout, concurrency and number of workers. */
  readonly consumers: Readonly<Record<Name, ConsumerOptions>>;
  /** Jobs enqueued at times, by the entry's name. @default only those that are kept in Redis */
  readonly cron?: Readonly<Record<string, CronEntry>>;
  /** Memory, timeout and the like of the scheduler. @default those of `SchedulerOptions` */
  readonly scheduler?: SchedulerOptions;
  /**
   * When the scheduler runs: each minute, or when something is due or somebody asks. On demand, an idle system runs
   * nothing at all; but whoever enqueues has to ring a doorbell, since nobody looks.
   * @default 'minute'
   */
  readonly wake?: 'minute' | 'on-demand';
  /** Whom to tell, and when. @default no alarms */
  readonly alarms?: AlarmOptions;
  /** The page in the browser, as one more function with a URL, behind a password or AWS_IAM. @default none */
  readonly dashboard?: DashboardOptions | undefined;
  /** CloudWatch's. @default true */
  readonly metricsDashboard?: boolean;
  /** Saved Logs Insights queries. @default true */
  readonly queries?: boolean;
  /** Of all log groups. @default RetentionDays.ONE_MONTH */
  readonly logRetention?: RetentionDays;
  /** Of what holds logs and failed events. @default RemovalPolicy.DESTROY, as the jobs themselves are in Redis */
  readonly removalPolicy?: RemovalPolicy;
  /** For the events of failed invocations, of all functions. @default an encrypted queue */
  readonly onFailure?: IQueue;
  /**
   * A key of yours for all log groups and queues. Its policy gets what CloudWatch Logs and the functions need, where this
   * app makes the key. The topic of the alarms is yours: give it the key as `masterKey`.
   * @default AWS's own keys
   */
  readonly encryptionKey?: IKey | Key;
}

const OPTIONS = {
  ...systemOptions,
  consumers: true,
  cron: true,
  scheduler: true,
  alarms: true,
  dashboard: true,
  metricsDashboard: true,
  queries: true,
  logRetention: true,
  removalPolicy: true,
  onFailure: true,
  encryptionKey: true,
} satisfies OptionsOf<LambdesqueProps<string>>;

/** Consumers in one stack: each is five resources, with alarms eight, with its doorbell’s URL thirteen, of the 500 that a stack may have. */
const MOST_IN_STACK = 25;

/** Consumers whose functions, versions and URLs, by names as long as can be, fit into the 10,240 characters of a role's policies. */
const MOST_GRANTED = 20;

/**
 * Resque queues, run by Lambda: consumers, their scheduler, and what shows how they do.
 * @throws Error, when it is made, for props that cannot be used: they are named, with what is allowed
 * @example
 * const jobs = new Lambdesque(stack, 'Jobs', {
 *   redis,
 *   jobs: 'functions/jobs/index.ts',
 *   consumers: { default: { queues: ['critical', 'default'], timeout: Duration.minutes(5) } },
 * });
 * jobs.grantDoorbell(webApp); // may start the consumers as soon as it has enqueued
 */
export class Lambdesque<Name extends string> extends Construct {
  /** What sets it apart from others on the same Redis: in metrics, worker ids and log lines. */
  readonly systemName: string;
  /** By name. */
  readonly consumers: { readonly [name in Name]: Consumer };
  /** What promotes, reclaims, enqueues cron slots and starts the consumers. */
  readonly scheduler: Scheduler;
  /** What starts the scheduler, with `wake: 'on-demand'`. */
  readonly wake: OnDemand | undefined;
  /** Where the events of failed invocations go. */
  readonly onFailure: IQueue;
  /** Where `alarms` was given. */
  readonly alarms: Alarms | undefined;
  /** The page in the browser, where `dashboard` was given. */
  readonly dashboard: Dashboard | undefined;
  /** CloudWatch's, unless it was left out. */
  readonly metricsDashboard: MetricsDashboard | undefined;
  /** Unless they were left out. */
  readonly queries: Queries | undefined;

  readonly #shared: SystemOptions & Pick<EnqueueOptions, 'removalPolicy' | 'onFailure' | 'logRetention'>;
  #enqueuing = 0;

  constructor(scope: Construct, id: string, props: LambdesqueProps<Name>) {
    super(scope, id);
    if (new.target === Lambdesque) checkProps('Lambdesque', props, OPTIONS);
    checkWake(props.wake);
    const { redis, jobs, cron = {}, logRetention, removalPolicy = RemovalPolicy.DESTROY } = props;
    const names = Object.keys(props.consumers) as Name[];
    if (names.length === 0) {
      throw new Error("consumers is empty, so no job would run. Give one, such as { default: { queues: ['*'] } }.");
    }
    const registry = requireJobs(jobs);
    this.systemName = props.systemName ?? defaultSystemName(this);
    claimSystemName(this, this.systemName);
    const kept = { removalPolicy, ...omitUndefined({ encryptionKey: props.encryptionKey }) };
    this.onFailure = props.onFailure ?? new FailureQueue(this, 'Failures', kept);
    this.wake =
      props.wake === 'on-demand' ? new OnDemand(this, 'Wake', { ...kept, onFailure: this.onFailure }) : undefined;
    const shared = {
      redis,
      jobs,
      ...kept,
      onFailure: this.onFailure,
      systemName: this.systemName,
      ...omitUndefined({
        logRetention,
        namespace: props.namespace,
        metricsNamespace: props.metricsNamespace,
        logArgs: props.logArgs,
        classMetrics: props.classMetrics,
        tracing: props.tracing,
        wake: this.wake,
      }),
    };
    const scopeOf = consumerScopes(this);
    this.#shared = shared;
    this.consumers = Object.fromEntries(
      names.map((name, i) => [
        name,
        named(name, () => {
          // With another Redis or name than the others it would be none of this system.
          checkProps('Consumer', props.consumers[name], consumerOptions);
          return new Consumer(scopeOf(i), name, { ...shared, ...props.consumers[name] });
        }),
      ]),
    ) as typeof this.consumers;
    checkSystem(this, this.consumers, registry, cron);
    if (props.scheduler) checkProps('Scheduler', props.scheduler, schedulerOptions);
    this.scheduler = new Scheduler(this, 'Scheduler', {
      ...shared,
      ...props.scheduler,
      consumers: this.consumers,
      cron,
    });
    const seen = {
      consumers: Object.values<Consumer>(this.consumers),
      scheduler: this.scheduler,
    };
    this.alarms = props.alarms && new Alarms(this, 'Alarms', { ...seen, onFailure: this.onFailure, ...props.alarms });
    if (props.dashboard) checkProps('Dashboard', props.dashboard, dashboardOptions);
    this.dashboard =
      props.dashboard &&
      new Dashboard(this, 'Dashboard', { ...shared, ...props.dashboard, consumers: seen.consumers, cron });
    this.metricsDashboard =
      (props.metricsDashboard ?? true) ? new MetricsDashboard(this, 'MetricsDashboard', seen) : undefined;
    this.node.addMetadata(
      systemMetadata,
      describeSystem({
        consumers: seen.consumers,
        scheduler: this.scheduler,
        alarms: this.alarms !== undefined,
        metricsDashboard: this.metricsDashboard !== undefined,
        redis: redis.settings,
        secrets: [props.dashboard?.password, props.dashboard?.metricsToken, props.dashboard?.jobsKey],
        registry,
      }),
    );
    this.queries = (props.queries ?? true) ? new Queries(this, 'Queries', seen) : undefined;
  }

  /**
   * Turns what comes from a queue of SQS, a topic of SNS, a rule of EventBridge or a bucket of S3 into jobs, by a function of its own. To
   * SQS exactly the messages come back that could not be enqueued.
   * @returns more sources can be added to it
   * @example
   * const jobs = new Lambdesque(stack, 'Jobs', { redis, jobs: 'functions/jobs/index.ts', consumers: { default: { queues: '*' } } });
   * jobs.enqueueFrom(bucket, { rule: { class: 'Thumbnail', queue: 'images', args: ['$.bucket', '$.key'] } });
   */
  enqueueFrom(source: EnqueueSource, options: EnqueueOptions = {}): EnqueueFunction {
    checkProps('enqueueFrom', options, enqueueOptions);
    const enqueue = new EnqueueFunction(this, `Enqueue${this.#enqueuing++ || ''}`, {
      ...this.#shared,
      ...options,
      consumers: Object.values<Consumer>(this.consumers),
    });
    enqueue.addSource(source);
    return enqueue;
  }

  /**
   * Lets somebody start every consumer; without a minute tick, the scheduler as well.
   */
  grantDoorbell(grantee: IGrantable): Grant[] {
    const consumers = Object.values<Consumer>(this.consumers);
    const many = consumers.length > MOST_GRANTED ? this.#grantMany(grantee, consumers) : undefined;
    return (many ?? consumers.map((consumer) => consumer.grantDoorbell(grantee))).concat(
      this.wake ? [this.scheduler.grantDoorbell(grantee)] : [],
    );
  }

  /** @returns undefined for whom a policy cannot tell it: a service, and a role of another account, which the functions have to let in */
  #grantMany(grantee: IGrantable, consumers: readonly Consumer[]): Grant[] | undefined {
    const account = grantee.grantPrincipal.principalAccount;
    if (account !== undefined && !isSame(account, Stack.of(this).account)) return undefined;
    const arns = consumers.map((one) => functionArn(this, one.functionName));
    const grants = statementArns(arns).map((resourceArns) =>
      Grant.addToPrincipal({ grantee, actions: ['lambda:InvokeFunction'], resourceArns }),
    );
    if (!grants.every((one) => one.success)) return undefined;
    return [...grants, ...consumers.flatMap((one) => one.grantDoorbellUrl(grantee) ?? [])];
  }
}

function checkWake(wake: unknown): void {
  if (wake === undefined || wake === 'minute' || wake === 'on-demand') return;
  throw new Error(`wake must be 'minute' or 'on-demand'; got ${shown(wake)}.`);
}

/** The first ones stand in the stack itself, as many as fit; further ones in nested stacks. */
function consumerScopes(system: Construct): (i: number) => Construct {
  const scopes: Construct[] = [];
  return (i) => {
    const place = Math.floor(i / MOST_IN_STACK);
    scopes[place] ??=
      place === 0 ? new Construct(system, 'Consumers') : new NestedStack(system, `Consumers${place + 1}`);
    return scopes[place];
  };
}

function isSame(one: string, other: string): boolean {
  return [TokenComparison.SAME, TokenComparison.BOTH_UNRESOLVED].includes(Token.compareStrings(one, other));
}

/** Says which consumer an error is about. */
function named<T>(name: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new Error(`consumers.${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
