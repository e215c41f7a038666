import { ConfigError } from '../../shared/index.ts';
import { parseQueues, type QueueList, type WorkerOptions } from '../../shared/internal.ts';

/** The one environment variable of each function. JSON: a `ConsumerSettings` or a `SchedulerSettings`. */
export const settingsVariable = 'LAMBDESQUE_SETTINGS';

/** Where a secret is kept. Its value is read when the function starts and is nowhere else. */
export type SecretRef =
  | {
      readonly service: 'secretsmanager';
      /** ARN (or name). */
      readonly id: string;
      /** Key of the JSON object that the secret is; absent where the secret is the whole string. */
      readonly field?: string;
    }
  | {
      readonly service: 'ssm';
      /** Name (or ARN) of a SecureString parameter. */
      readonly name: string;
    };

export type RedisSettings =
  /** @property url `https://<name>.upstash.io` */
  | { readonly kind: 'upstash'; readonly url: string | SecretRef; readonly token: SecretRef }
  | {
      readonly kind: 'tcp';
      /** As `parseRedisUrl` takes it, without a password; or a secret that is the whole URL, password included. */
      readonly url: string | SecretRef;
      /** A Redis Cluster, also where the URL does not say so. @default as the URL says */
      readonly cluster?: boolean;
      /** The password; or JSON `{"username"?: …, "password": …}`, the form that ElastiCache and MemoryDB rotate. */
      readonly auth?: SecretRef;
    };

/** In a system without a minute tick: the one-time schedule that starts the scheduler when it is needed. */
export interface OnDemandSettings {
  /** Name of the schedule group. */
  readonly group: string;
  /** Name of the schedule in it. */
  readonly schedule: string;
  /** ARN of the scheduler's function. */
  readonly target: string;
  /** ARN of the role with which EventBridge starts it. */
  readonly role: string;
  /** ARN of the queue that starts the scheduler when something has failed. */
  readonly fallback: string;
}

export interface CommonSettings {
  /** @default the scheduler runs each minute */
  readonly wake?: OnDemandSettings;
  readonly redis: RedisSettings;
  /** Prefix of every key. */
  readonly namespace: string;
  /** CloudWatch's. */
  readonly metricsNamespace: string;
  /** Put arguments into the log. @default false */
  readonly logArgs?: boolean;
  /** Add a `class` dimension to the consumer's metrics; each class then costs as much as a queue. @default false */
  readonly classMetrics?: boolean;
}

export interface ConsumerSettings
  extends CommonSettings,
    Pick<WorkerOptions, 'concurrency'>,
    Partial<Pick<WorkerOptions, 'lease' | 'unknownClass'>> {
  /** Its name in the system, such as `default`: a metrics dimension, and the host part of its workers' ids. */
  readonly consumer: string;
  /** As `parseQueues` takes it: `critical,default`, `high=3,low=1`, `*`, `!name`. */
  readonly queues: string;
  /** @default by the list: weighted where it has weights */
  readonly order?: QueueList['order'];
  /** Its queues are serial: one job of each runs at a time, in order, whoever takes it. @default false */
  readonly serial?: boolean;
  /** Milliseconds to go on looking at queues that are empty, before the invocation ends. @default 0 */
  readonly linger?: number;
  /**
   * It has a Function URL with `InvokeMode: RESPONSE_STREAM`: such a call is answered at once, before the drain.
   * @default false
   */
  readonly streaming?: boolean;
}

/** What the scheduler knows of a consumer that it starts. */
export interface ConsumerTarget extends Pick<ConsumerSettings, 'queues' | 'order' | 'concurrency'> {
  /** Name or ARN of its function. */
  readonly functionName: string;
  /** Most workers of it at a time. */
  readonly maxWorkers: number;
}

export interface SchedulerSettings extends CommonSettings {
  /** By consumer name. */
  readonly consumers: Readonly<Record<string, ConsumerTarget>>;
}

/** @param text what `LAMBDESQUE_SETTINGS` holds  @throws ConfigError naming the field */
export function consumerSettings(text: string | undefined): ConsumerSettings {
  const fields = parse(text);
  checkCommon(fields);
  fields.check('consumer', isConsumerName, CONSUMER_NAME);
  checkQueues(fields);
  fields.checkIf('lease', atLeast(1_000), 'milliseconds, 1000 or more');
  fields.checkIf('unknownClass', oneOf('fail', 'release'), '"fail" or "release"');
  fields.checkIf('serial', isBoolean, 'true or false');
  fields.checkIf('linger', atLeast(0), 'milliseconds, 0 or more');
  fields.checkIf('streaming', isBoolean, 'true or false');
  return fields.value as unknown as ConsumerSettings;
}

/** @param text what `LAMBDESQUE_SETTINGS` holds  @throws ConfigError naming the field */
export function schedulerSettings(text: string | undefined): SchedulerSettings {
  const fields = parse(text);
  checkCommon(fields);
  const consumers = fields.inner('consumers');
  for (const name of Object.keys(consumers.value)) {
    const target = consumers.inner(name);
    if (!isConsumerName(name)) {
      throw new ConfigError(
        `${settingsVariable}.consumers: a name must be ${CONSUMER_NAME}; got ${JSON.stringify(name)}.`,
      );
    }
    target.check('functionName', isText, 'the name or ARN of a function');
    target.check('maxWorkers', wholeFrom1, 'a whole number, 1 or more');
    checkQueues(target);
  }
  return fields.value as unknown as SchedulerSettings;
}

function checkCommon(fields: Fields): void {
  const redis = fields.inner('redis');
  redis.check('kind', oneOf('upstash', 'tcp'), '"upstash" or "tcp"');
  if (typeof redis.value['url'] === 'object') checkSecret(redis.inner('url'));
  // Not shown: what stands here by mistake may hold a password.
  else if (!isText(redis.value['url'])) redis.refuse('url', 'a URL, or where a secret is kept', false);
  redis.checkIf('cluster', isBoolean, 'true or false');
  if (redis.value['kind'] === 'upstash') checkSecret(redis.inner('token'));
  else if (redis.value['auth'] !== undefined) checkSecret(redis.inner('auth'));
  if (fields.value['wake'] !== undefined) {
    const wake = fields.inner('wake');
    for (const name of ['group', 'schedule']) wake.check(name, isText, 'a name');
    for (const name of ['target', 'role', 'fallback']) wake.check(name, isText, 'an ARN');
  }
  fields.check('namespace', isText, 'the prefix of every key, such as "resque:"');
  fields.check('metricsNamespace', isText, 'a CloudWatch namespace, such as "Lambdesque"');
  fields.checkIf('logArgs', isBoolean, 'true or false');
  fields.checkIf('classMetrics', isBoolean, 'true or false');
}

function checkSecret(ref: Fields): void {
  ref.check('service', oneOf('secretsmanager', 'ssm'), '"secretsmanager" or "ssm"');
  if (ref.value['service'] === 'ssm') {
    ref.check('name', isText, 'the name of a parameter');
  } else {
    ref.check('id', isText, 'the ARN or name of a secret');
    ref.checkIf('field', isText, 'a key of the JSON object that the secret is');
  }
}

function checkQueues(fields: Fields): void {
  fields.check('queues', isText, 'a list of queues, such as "critical,default"');
  fields.checkIf('order', oneOf('strict', 'weighted'), '"strict" or "weighted"');
  fields.check('concurrency', wholeFrom1, 'a whole number, 1 or more');
  parseQueues(String(fields.value['queues']));
}

type Check = (value: unknown) => boolean;

const CONSUMER_NAME = 'made of letters, digits, ".", "_" and "-"';
const isConsumerName: Check = (value) => typeof value === 'string' && /^[A-Za-z0-9._-]+$/.test(value);
const isText: Check = (value) => typeof value === 'string' && value !== '';
const isBoolean: Check = (value) => typeof value === 'boolean';
const wholeFrom1: Check = (value) => Number.isInteger(value) && (value as number) >= 1;
const atLeast =
  (low: number): Check =>
  (value) =>
    typeof value === 'number' && value >= low;
const oneOf =
  (...allowed: readonly string[]): Check =>
  (value) =>
    allowed.includes(value as string);

/** An object of the settings and the path to it. */
class Fields {
  readonly value: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ConfigError(`${path} must be an object; it is ${value === undefined ? 'missing' : 'something else'}.`);
    }
    this.value = value as Record<string, unknown>;
    this.#path = path;
  }

  inner(name: string): Fields {
    return new Fields(this.value[name], `${this.#path}.${name}`);
  }

  check(name: string, passes: Check, allowed: string): void {
    if (!passes(this.value[name])) this.refuse(name, allowed);
  }

  checkIf(name: string, passes: Check, allowed: string): void {
    if (this.value[name] !== undefined) this.check(name, passes, allowed);
  }

  refuse(name: string, allowed: string, shown = true): never {
    const got = shown ? JSON.stringify(this.value[name]) : typeof this.value[name];
    throw new ConfigError(`${this.#path}.${name} must be ${allowed}; got ${got}.`);
  }
}

function parse(text: string | undefined): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    // Without the parser's words, which quote the text.
    throw new ConfigError(
      `The environment variable ${settingsVariable} ${text === undefined ? 'is not set' : 'is not JSON'}. ` +
        'The CDK constructs set it; deploy with them, or write it as functions/contract/settings.ts says.',
    );
  }
  return new Fields(value, settingsVariable);
}
