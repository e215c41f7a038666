import * as v from 'valibot';
import { ConfigError } from '../../shared/index.ts';
import { parseQueues } from '../../shared/internal.ts';

/** Beside each function's bundle: its settings as JSON, as far as they were known when that was made. */
export const settingsFile = 'settings.json';

/** The one environment variable of each function, JSON: what else its `ConsumerSettings`, `SchedulerSettings` or `DashboardSettings` hold. */
export const settingsVariable = 'LAMBDESQUE_SETTINGS';

// The message of each schema says what is allowed there.
const text = (allowed: string, passes = /./s) =>
  v.pipe(
    v.string(allowed),
    v.check((value) => passes.test(value), allowed),
  );
const number = (allowed: string, passes: (value: number) => boolean) =>
  v.pipe(v.number(allowed), v.check(passes, allowed));
const boolean = v.boolean('true or false');
const wholeFrom0 = number('a whole number, 0 or more', (value) => Number.isInteger(value) && value >= 0);
const wholeFrom1 = number('a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1);
const ms = (least: number) => number(`milliseconds, ${least} or more`, (value) => value >= least);

const OBJECT = 'an object';
/** A field that is missing is told as one that is wrong. */
const object = <Entries extends v.ObjectEntries>(entries: Entries) =>
  v.object(entries, ({ path }) => {
    const field = path && entries[String(path[0].key)];
    return field ? (v.safeParse(field, undefined).issues?.[0].message ?? OBJECT) : OBJECT;
  });

/** One of two objects, as a field of theirs says. */
const either = <A, B>(isFirst: (value: object) => boolean, a: v.GenericSchema<A>, b: v.GenericSchema<B>) =>
  v.lazy((value): v.GenericSchema<A | B> => (typeof value === 'object' && value && isFirst(value) ? a : b));

/** A parameter of the Systems Manager. */
const parameter = object({
  service: v.picklist(['ssm']),
  /** Name (or ARN) of a SecureString parameter. */
  name: text('the name of a parameter'),
});
/** A secret of the Secrets Manager. */
const managed = object({
  service: v.picklist(['secretsmanager'], '"secretsmanager" or "ssm"'),
  /** ARN (or name). */
  id: text('the ARN or name of a secret'),
  /** Key of the JSON object that the secret is; absent where the secret is the whole string. */
  field: v.exactOptional(text('a key of the JSON object that the secret is')),
});
const secret = either((value) => 'service' in value && value.service === 'ssm', parameter, managed);
/** Where a secret is kept. Its value is read when the function starts and is nowhere else. */
export type SecretRef = v.InferOutput<typeof secret>;

const url = v.lazy((value): v.GenericSchema<string | SecretRef> => {
  return typeof value === 'object' ? secret : text('a URL, or where a secret is kept');
});
const tcp = object({
  kind: v.picklist(['tcp']),
  /** As `parseRedisUrl` takes it, without a password; or a secret that is the whole URL, password included. */
  url,
  /** A Redis Cluster, also where the URL does not say so. @default as the URL says */
  cluster: v.exactOptional(boolean),
  /** The password; or JSON `{"username"?: …, "password": …}`, the form that ElastiCache and MemoryDB rotate. */
  auth: v.exactOptional(secret),
});
const upstash = object({
  kind: v.picklist(['upstash'], '"upstash" or "tcp"'),
  /** `https://<name>.upstash.io` */
  url,
  token: secret,
});
const redis = either((value) => 'kind' in value && value.kind === 'tcp', tcp, upstash);
export type RedisSettings = v.InferOutput<typeof redis>;

/** In a system without a minute tick: the one-time schedule that starts the scheduler when it is needed. */
const onDemand = object({
  /** Name of the schedule group. */
  group: text('a name'),
  /** Name of the schedule in it. */
  schedule: text('a name'),
  /** ARN of the scheduler's function. */
  target: text('an ARN'),
  /** ARN of the role with which EventBridge starts it. */
  role: text('an ARN'),
  /** ARN of the queue that starts the scheduler when something has failed. */
  fallback: text('an ARN'),
});
export type OnDemandSettings = v.InferOutput<typeof onDemand>;

const NAME = 'made of letters, digits, ".", "_" and "-"';
const name = text(NAME, /^[A-Za-z0-9._-]+$/);

const common = {
  redis,
  /** The system's name: a metrics dimension, a part of its workers' ids, and of the keys that are one for each system. */
  system: name,
  /** @default the scheduler runs each minute */
  wake: v.exactOptional(onDemand),
  /** Prefix of every key. */
  namespace: text('the prefix of every key, such as "resque:"'),
  /** CloudWatch's. */
  metricsNamespace: text('a CloudWatch namespace, such as "Lambdesque"'),
  /** Put arguments into the log. @default false */
  logArgs: v.exactOptional(boolean),
  /** Add a `class` dimension to the consumer's metrics; each class then costs as much as a queue. @default false */
  classMetrics: v.exactOptional(boolean),
};
const commonSettings = object(common);
export type CommonSettings = v.InferOutput<typeof commonSettings>;

/** What a consumer drains, for itself and for the scheduler that starts it. */
const drained = {
  /** As `parseQueues` takes it: `critical,default`, `high=3,low=1`, `*`, `!name`. */
  queues: text('a list of queues, such as "critical,default"'),
  /** @default by the list: weighted where it has weights */
  order: v.exactOptional(v.picklist(['strict', 'weighted'], '"strict" or "weighted"')),
  /** Jobs at once in one worker. */
  concurrency: wholeFrom1,
  /** Most workers of it at a time, whoever starts them. */
  maxWorkers: wholeFrom1,
  /** Milliseconds in which what waits is to be done; so many workers are started. @default 30000 */
  targetLatency: v.exactOptional(ms(1_000)),
};

const RATE = 'a number of jobs and a time, such as "100/1m"';
const limit = object({
  running: v.exactOptional(wholeFrom1),
  rate: v.exactOptional(v.pipe(v.string(RATE), v.regex(/^\d+\/.+$/, RATE))),
});

const consumer = object({
  ...common,
  /** Its name in the system, such as `default`: a metrics dimension, and a part of its workers' ids. */
  consumer: name,
  ...drained,
  /** Milliseconds that a worker may be silent before its jobs are given to others. @default 60000 */
  lease: v.exactOptional(ms(1_000)),
  /** @default 'fail' */
  unknownClass: v.exactOptional(v.picklist(['fail', 'release'], '"fail" or "release"')),
  /** Its queues are serial: one job of each runs at a time, in order, whoever takes it. @default false */
  serial: v.exactOptional(boolean),
  /** How many of a queue's jobs run, of all workers together, by its name. @default any number */
  limits: v.exactOptional(v.record(v.string(), limit, OBJECT)),
  /** Milliseconds to go on looking at queues that are empty, before the invocation ends. @default 0 */
  linger: v.exactOptional(ms(0)),
});
export type ConsumerSettings = v.InferOutput<typeof consumer>;

/** What the scheduler knows of a consumer that it starts. */
const target = object({
  ...drained,
  /** Name or ARN of its function. */
  functionName: text('the name or ARN of a function'),
  /** Milliseconds for which Lambda holds back a start that the account has no room for. */
  maxEventAge: ms(0),
  /** Lambda keeps concurrency of the account for it. @default false */
  reserved: v.exactOptional(boolean),
});
export type ConsumerTarget = v.InferOutput<typeof target>;

const scheduler = object({
  ...common,
  /** By consumer name. */
  consumers: v.record(name, target, OBJECT),
  /** How much of the failed list is kept: entries; milliseconds since they failed. @default all */
  failed: v.exactOptional(object({ max: v.exactOptional(wholeFrom0), age: v.exactOptional(ms(1_000)) })),
});
export type SchedulerSettings = v.InferOutput<typeof scheduler>;

const password = object({
  kind: v.picklist(['password']),
  /** 12 characters or more. */
  password: secret,
});
const iam = object({ kind: v.picklist(['iam'], '"password" or "iam"') });

const dashboard = object({
  ...common,
  /** AWS asks (the URL is AWS_IAM), or the page itself, for a password. */
  signIn: either((value) => 'kind' in value && value.kind === 'password', password, iam),
  /** The key with which apps sign jobs. @default none are taken */
  jobsKey: v.exactOptional(secret),
  /** The bearer token that opens the metrics. @default they are behind the sign-in */
  metricsToken: v.exactOptional(secret),
  /** Refuse every change. @default false */
  readOnly: v.exactOptional(boolean),
  /** Of this package. */
  version: text('the version of the package'),
  /** Log groups of the functions that run jobs. */
  logGroups: v.array(text('the name of a log group'), 'a list of names of log groups'),
  /** MB of the functions that run jobs, for what a class costs. */
  memory: wholeFrom1,
});
export type DashboardSettings = v.InferOutput<typeof dashboard>;

/** @param text what `LAMBDESQUE_SETTINGS` holds  @throws ConfigError naming the field */
export function dashboardSettings(text: string | undefined): DashboardSettings {
  return read(dashboard, text);
}

const enqueue = object({
  ...common,
  /** What an event becomes. @default what the bundle's `map` says; without one, the message itself is a job */
  rule: v.exactOptional(
    object({
      class: text('the name of a job class'),
      queue: v.exactOptional(text('the name of a queue')),
      args: v.exactOptional(v.array(v.unknown(), 'a list of arguments')),
    }),
  ),
  /** Consumers to start for jobs in their queues. */
  ring: v.array(
    object({ queues: drained.queues, functionName: text('the name or ARN of a function') }),
    'a list of functions',
  ),
});
export type EnqueueSettings = v.InferOutput<typeof enqueue>;

/** @param text what `LAMBDESQUE_SETTINGS` holds  @throws ConfigError naming the field */
export function enqueueSettings(text: string | undefined): EnqueueSettings {
  const settings = read(enqueue, text);
  for (const { queues } of settings.ring) parseQueues(queues);
  return settings;
}

/** @param text what `LAMBDESQUE_SETTINGS` holds  @throws ConfigError naming the field */
export function consumerSettings(text: string | undefined): ConsumerSettings {
  const settings = read(consumer, text);
  parseQueues(settings.queues);
  return settings;
}

/** @param text what `LAMBDESQUE_SETTINGS` holds  @throws ConfigError naming the field */
export function schedulerSettings(text: string | undefined): SchedulerSettings {
  const settings = read(scheduler, text);
  for (const { queues } of Object.values(settings.consumers)) parseQueues(queues);
  return settings;
}

function read<Settings>(schema: v.GenericSchema<unknown, Settings>, text: string | undefined): Settings {
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
  return checked(schema, value, settingsVariable);
}

/** @param where what it is called in messages @default they begin with the field */
function checked<Settings>(schema: v.GenericSchema<unknown, Settings>, value: unknown, where?: string): Settings {
  const { success, output, issues } = v.safeParse(schema, value, { abortEarly: true });
  if (success) return output;
  const [{ message, input, path = [] }] = issues;
  const keys = path.map(({ key }) => String(key));
  // What stands in place of a secret may be the secret.
  const hidden = message === OBJECT || (keys[0] === 'redis' && keys.at(-1) !== 'kind');
  const got = hidden ? typeof input : JSON.stringify(input);
  const found = input === undefined ? 'it is missing' : `got ${got}`;
  throw new ConfigError(`${[where ?? [], ...keys].flat().join('.')} must be ${message}; ${found}.`);
}

/** Before anything is deployed: what the function would say when it starts.  @throws ConfigError naming the field */
export function checkSettings(of: 'consumer' | 'scheduler' | 'dashboard' | 'enqueue', settings: unknown): void {
  checked<unknown>({ consumer, scheduler, dashboard, enqueue }[of], settings);
}

/** Of a handler that is made by a program: it knows its Redis by itself. @throws ConfigError naming the option */
export function checkConsumer(where: string, options: object): Omit<ConsumerSettings, 'redis'> {
  const { redis: _, ...entries } = consumer.entries;
  return checked(object(entries), options, where);
}

/** @throws ConfigError naming the option */
export function checkScheduler(where: string, options: object): Omit<SchedulerSettings, 'redis'> {
  const { redis: _, ...entries } = scheduler.entries;
  return checked(object(entries), options, where);
}
