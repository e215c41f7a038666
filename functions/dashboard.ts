import { connect } from 'lambdesque-backend';
import { assets } from 'lambdesque-dashboard-assets';
import {
  clientOver,
  environment,
  redisSeenRequestsBroker,
  redisSignInBroker,
  systemClock,
  systemMetricsOver,
} from '../shared/internal.ts';
import { awsOf } from './aws/requests.ts';
import { answerOf, requestOf, type UrlAnswer, type UrlEvent } from './aws/url-events.ts';
import { settingValue } from './backends/backend.ts';
import { listPrices } from './contract/prices.ts';
import { dashboardSettings, settingsVariable } from './contract/settings.ts';
import {
  CountedRedis,
  createDashboard,
  keyForm,
  type Opened,
  passwordForm,
  type SignIn,
  tokenForm,
} from './dashboard/index.ts';
import { Connection } from './runtime/connection.ts';
import { isHttpEvent } from './runtime/handler.ts';
import type { InvocationContext } from './runtime/invocation.ts';
import { knownClasses } from './runtime/known-classes.ts';
import { createLogger, publicError } from './runtime/logger.ts';
import { settingsText } from './runtime/settings-text.ts';

/** Redis is not waited for in the last moment of the function's time, ms. */
const LAST_MS = 500;
/** Between two updates of a page: each is an invocation and some commands. */
const INTERVAL = 10_000;
/** As JSON has them. Lambda answers with 6 MB at the most, and base64 makes four characters of three bytes. */
const MOST_BYTES = 4_000_000;

/** One call of the URL. */
interface Invocation {
  readonly event: UrlEvent;
  readonly context: InvocationContext;
}

// Made once, kept for all invocations of this environment.
const settings = dashboardSettings(settingsText(import.meta.url, environment[settingsVariable]));
const logger = createLogger(environment);
const aws = awsOf(environment);
const connection = new Connection(() => connect(settings.redis, aws.secretReader()));
connection.warmUp();
let shared: { readonly redis: CountedRedis; readonly opened: Omit<Opened, 'close'> } | undefined;

/** The inspector stays: it remembers what it has counted. Only its way to Redis is another with each invocation. */
async function open({ context }: Invocation): Promise<Opened> {
  const clock = systemClock;
  const client = await connection.forInvocation(clock, clock.now() + context.getRemainingTimeInMillis() - LAST_MS);
  shared ??= share(new CountedRedis(client));
  shared.redis.current = client;
  return { ...shared.opened, close: () => client.close() };
}

function share(redis: CountedRedis) {
  const { namespace } = settings;
  const jobs = knownClasses(LAMBDESQUE_QUEUES);
  const inspector = clientOver(redis, { namespace, jobs, cronEntries: LAMBDESQUE_CRON });
  return {
    redis,
    opened: {
      inspector,
      signIns: redisSignInBroker(redis, namespace),
      requests: redisSeenRequestsBroker(redis, namespace),
      enqueueAll: inspector.enqueueAll,
      metrics: systemMetricsOver(redis, namespace),
      commands: () => redis.sent,
    },
  };
}

function signIn(): SignIn {
  const wanted = settings.signIn;
  if (wanted.kind === 'iam') return wanted;
  // Read anew each time that it is asked for: it may be another by now.
  return { kind: 'password', password: () => settingValue(wanted.password, aws.secretReader(), passwordForm) };
}

const { metricsToken, jobsKey } = settings;

const app = createDashboard<Invocation>({
  open,
  caller: ({ event }) => {
    const arn = event.requestContext.authorizer?.iam?.userArn;
    return { address: event.requestContext.http.sourceIp, ...(arn === undefined ? {} : { name: arn }) };
  },
  signIn: signIn(),
  ...(jobsKey ? { jobsKey: () => settingValue(jobsKey, aws.secretReader(), keyForm) } : {}),
  ...(metricsToken ? { metricsToken: () => settingValue(metricsToken, aws.secretReader(), tokenForm) } : {}),
  secure: true,
  readOnly: settings.readOnly ?? false,
  interval: INTERVAL,
  mostBytes: MOST_BYTES,
  assets,
  about: {
    redis: settings.redis.kind === 'upstash' ? 'Upstash, over REST' : 'Redis, over TCP',
    namespace: settings.namespace,
    version: settings.version,
  },
  logs: { region: environment['AWS_REGION'] ?? 'us-east-1', groups: settings.logGroups },
  prices: { gbSecond: listPrices.gbSecond, commands: listPrices.commands, memory: settings.memory },
  log: logger,
  now: Date.now,
});

/** Answers calls of the function's URL. */
export async function handler(event: unknown, context: InvocationContext): Promise<UrlAnswer> {
  logger.begin(context);
  if (!isHttpEvent(event)) {
    throw new Error('The dashboard answers calls of its URL; this event is none.');
  }
  const call = event as UrlEvent;
  // With IAM, AWS has asked who it is. Where nobody has, the URL is not what it should be, and the door stays shut.
  if (settings.signIn.kind === 'iam' && call.requestContext.authorizer?.iam?.userArn === undefined) {
    logger.error('The URL of this function must be AWS_IAM, since the dashboard asks for no password');
    return answerOf(new Response('Forbidden\n', { status: 403 }));
  }
  try {
    return await answerOf(await app.fetch(requestOf(call), { event: call, context }));
  } catch (error) {
    throw publicError(error);
  }
}
