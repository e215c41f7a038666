import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Annotations, Duration, Token } from 'aws-cdk-lib';
import type { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { type IGrantable, type IPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { S3EventSourceV2, SnsEventSource, SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { type Bucket, EventType, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { EnqueueSettings } from '../functions/contract/settings.ts';
import { type OptionsOf, parseQueues, type Registry, shown } from '../shared/internal.ts';
import type { Consumer } from './consumer.ts';
import { type FunctionOptions, LambdesqueFunction, type SystemOptions } from './function/function.ts';
import { functionArn, statementArns } from './function/function-name.ts';
import { requireJobs } from './modules/jobs.ts';
import { omitUndefined } from './omit-undefined.ts';
import { checkProps, functionOptions, systemOptions } from './options.ts';
import { drains } from './queues.ts';

/** Where events come from: a queue of SQS, a topic of SNS, a rule of EventBridge, a bucket of S3. */
// Bucket does not fit its own interface under exactOptionalPropertyTypes, hence both types.
export type EnqueueSource = IQueue | ITopic | IBucket | Bucket | Rule;

/** Which job an event becomes. */
export interface EventRule {
  /** The job's class. */
  readonly class: string;
  /** @default the definition's queue */
  readonly queue?: string;
  /**
   * Its arguments, JSON values. `$` is what the event says (the message, parsed where it is JSON; the `detail`; of S3 `event`, `bucket`,
   * `key` and `size`), `$.key` a part of it, `$event.time` a part of the event as AWS has it.
   * @default ['$']
   */
  readonly args?: readonly unknown[];
}

/** Options of what enqueues events. */
export interface EnqueueOptions extends FunctionOptions {
  /** Which job an event becomes. @default the message itself is one: `{"class":"Report","args":["May"]}` */
  readonly rule?: EventRule;
  /**
   * A module whose default export is a function of the event, which gives a job, several or none; a path from the folder of cdk.json.
   * @default the rule
   */
  readonly map?: string;
  /** Start the consumers of the jobs at once. @default only where there is no minute tick */
  readonly ring?: boolean;
  /** Of SQS: messages in one invocation. @default 10 */
  readonly batchSize?: number;
  /** Of SQS: how long to wait for so many. @default not at all */
  readonly maxBatchingWindow?: Duration;
  /** Of one invocation. @default Duration.seconds(30) */
  readonly timeout?: Duration;
}

/** Props of an `EnqueueFunction` without `Lambdesque` around it. */
export interface EnqueueFunctionProps extends SystemOptions, EnqueueOptions {
  /** Those that may be started. */
  readonly consumers: readonly Consumer[];
}

/** Those that it has within `Lambdesque`. */
export const enqueueOptions = {
  rule: true,
  map: true,
  ring: true,
  batchSize: true,
  maxBatchingWindow: true,
  timeout: true,
  ...functionOptions,
} satisfies OptionsOf<EnqueueOptions>;
const OPTIONS = {
  ...enqueueOptions,
  consumers: true,
  ...systemOptions,
} satisfies OptionsOf<EnqueueFunctionProps>;

const RULE = { class: true, queue: true, args: true } satisfies OptionsOf<EventRule>;

/**
 * Turns events of AWS into jobs. SQS gets back exactly the messages that could not be enqueued; of SNS, EventBridge and S3, a failed
 * event is sent again by Lambda, twice, and goes to the failure queue then. `Lambdesque` makes one with `enqueueFrom`.
 * @throws Error, when it is made, for props that cannot be used
 * @example
 * const enqueue = new EnqueueFunction(stack, 'Uploads', {
 *   redis,
 *   jobs: 'functions/jobs/index.ts',
 *   consumers: [consumer],
 *   rule: { class: 'Thumbnail', queue: 'images', args: ['$.bucket', '$.key'] },
 * });
 * enqueue.addSource(bucket);
 */
export class EnqueueFunction extends Construct implements IGrantable {
  /** What enqueues. */
  readonly function: LambdesqueFunction;
  /** For what its `map` needs. */
  readonly grantPrincipal: IPrincipal;
  readonly #options: Pick<EnqueueOptions, 'batchSize' | 'maxBatchingWindow'>;

  constructor(scope: Construct, id: string, props: EnqueueFunctionProps) {
    super(scope, id);
    if (new.target === EnqueueFunction) checkProps('EnqueueFunction', props, OPTIONS);
    // An event that failed goes to the failure queue, not to the queue that starts the scheduler: there it would be lost.
    const { wake, ...own } = props;
    const { rule, map, consumers } = own;
    if (rule && map !== undefined)
      throw new Error('enqueueFrom: rule and map both say what an event becomes. Give one.');
    const registry = requireJobs(props.jobs);
    if (rule) checkRule(this, rule, registry, consumers);
    if (map !== undefined) checkMap(map);
    const ring = (props.ring ?? wake !== undefined) ? consumers : [];
    this.#options = props;
    this.function = new LambdesqueFunction(this, 'Function', {
      ...own,
      entry: 'enqueue',
      description: `Lambdesque: enqueues ${rule ? `${rule.class} for ` : ''}events of AWS`.slice(0, 256),
      memorySize: props.memorySize ?? 256,
      timeout: props.timeout ?? Duration.seconds(30),
      // Nobody else does what a failed one has not done.
      retryAttempts: props.retryAttempts ?? 2,
      maxEventAge: props.maxEventAge ?? Duration.hours(6),
      constants: { cron: {}, registry },
      ...omitUndefined({ map }),
      settings: (common): EnqueueSettings => ({
        ...common,
        ...(rule
          ? { rule: omitUndefined({ class: rule.class, queue: rule.queue, args: rule.args as unknown[] | undefined }) }
          : {}),
        ring: ring.map(({ queues, functionName }) => ({ queues, functionName })),
      }),
    });
    const arns = ring.map(({ functionName }) => functionArn(this, functionName));
    for (const resources of statementArns(arns)) {
      this.function.addToRolePolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources }));
    }
    this.grantPrincipal = this.function.grantPrincipal;
  }

  /** Enqueues what comes from there as well. A queue of SQS has to hide messages for as long as the function may run, or longer. */
  addSource(source: EnqueueSource): void {
    if ('ruleArn' in source) source.addTarget(new LambdaFunction(this.function));
    else if ('topicArn' in source) this.function.addEventSource(new SnsEventSource(source));
    else if ('bucketArn' in source) {
      this.function.addEventSource(new S3EventSourceV2(source as IBucket, { events: [EventType.OBJECT_CREATED] }));
    } else {
      this.function.addEventSource(
        new SqsEventSource(source, {
          reportBatchItemFailures: true,
          ...omitUndefined({ batchSize: this.#options.batchSize, maxBatchingWindow: this.#options.maxBatchingWindow }),
        }),
      );
    }
  }
}

/** @throws Error for a class whose jobs would go nowhere */
function checkRule(scope: Construct, rule: EventRule, registry: Registry, consumers: readonly Consumer[]): void {
  checkProps('enqueueFrom: rule', rule, RULE);
  // As the function finds it: by an ActiveJob's name too, and by the prefix of a `Billing::*`.
  const handler = registry.handlerFor(rule.class) ?? registry.handlerFor(rule.class, true);
  const queue = rule.queue ?? handler?.definition.queue;
  if (queue === undefined) {
    throw new Error(
      `enqueueFrom: the rule has no queue, and the class ${JSON.stringify(rule.class)} has none either. Give one: { class, queue, args }.`,
    );
  }
  // Which queue that is, only the deployment knows.
  if (Token.isUnresolved(queue)) return;
  if (consumers.some((one) => drains(parseQueues(one.queues, one.order), queue))) return;
  Annotations.of(scope).addWarningV2(
    `lambdesque:ruleQueue:${queue}`,
    `The rule enqueues to ${JSON.stringify(queue)}, which no consumer of this system drains.`,
  );
}

/** @throws Error where there is no such file */
function checkMap(map: string): void {
  if (typeof map !== 'string') {
    throw new Error(`enqueueFrom: map must be the path of a module, such as 'functions/map.ts'; got ${shown(map)}.`);
  }
  if (existsSync(map)) return;
  throw new Error(`enqueueFrom: map: the module ${map} does not exist (looked at ${resolve(map)}).`);
}
