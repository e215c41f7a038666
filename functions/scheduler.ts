import {
  type Clock,
  CronRunner,
  createRegistry,
  defineJob,
  environment,
  type Logger,
  type RedisClient,
  redisCronBroker,
  redisOnDemandRunBroker,
  redisSchedulerBroker,
  redisStatsBroker,
  type StatsBroker,
  systemClock,
  type TickResult,
  type TickSnapshot,
  tickUntil,
} from 'lambdesque';
import { connect } from 'lambdesque-backend';
import { eventBridgeSchedule } from './aws/one-time-schedule.ts';
import { awsOf } from './aws/requests.ts';
import { schedulerSettings, settingsVariable } from './contract/settings.ts';
import { Connection } from './runtime/connection.ts';
import { bufferedHandler, type InvocationContext } from './runtime/handler.ts';
import { createLogger } from './runtime/logger.ts';
import { gaugeLines, reclaimedBy } from './scheduler/gauges.ts';
import { minuteLock, onDemandLock, type SchedulerLock } from './scheduler/lock.ts';
import { ConsumerStarter } from './scheduler/start-consumers.ts';

/** Redis is not waited for in the last moment of the function's time, ms. */
const LAST_MS = 500;

// Made once, kept for all invocations of this environment.
const settings = schedulerSettings(environment[settingsVariable]);
const logger = createLogger();
const aws = awsOf(environment);
const connection = new Connection(() => connect(settings.redis, aws.secretReader()));
connection.warmUp();
const fleet = new ConsumerStarter(settings.consumers);
const emptyQueues = new Set<string>();
const alarm = settings.wake && eventBridgeSchedule(settings.wake, systemClock.now);
/** The job classes by name and queue: here nothing of them runs. */
const registry = createRegistry(
  Object.entries(LAMBDESQUE_QUEUES).map(([name, queue]) =>
    defineJob({ class: name, ...(queue === null ? {} : { queue }), perform() {} }),
  ),
);

/** Any event means: one tick. @returns what was done */
async function work(_event: unknown, context: InvocationContext): Promise<object> {
  const clock = systemClock;
  const end = clock.now() + context.getRemainingTimeInMillis();
  const holder = context.awsRequestId;
  const log = logger.child({ requestId: holder });
  const client = await connection.forInvocation(clock, end - LAST_MS);
  try {
    const store = redisStatsBroker(client, settings.namespace);
    const setting = { store, holder, clock, end };
    const tenure = alarm
      ? onDemandLock({ ...setting, wake: redisOnDemandRunBroker(client, settings.namespace), alarm })
      : minuteLock(setting);
    const outlook = await tenure.begin();
    if (outlook) return await tickAndStart(client, store, clock, tenure, outlook, log);
    log.warn('Another tick is still at work; this one does nothing');
    return { skipped: true };
  } finally {
    await client.close();
  }
}

async function tickAndStart(
  client: RedisClient,
  fleetStore: StatsBroker,
  clock: Clock,
  tenure: SchedulerLock,
  outlook: TickSnapshot,
  log: Logger,
): Promise<object> {
  const starter = fleet.forInvocation(aws, clock, log);
  const { store, reclaimed } = reclaimedBy(redisSchedulerBroker(client, settings.namespace));
  const cron = new CronRunner({
    entries: LAMBDESQUE_CRON,
    registry,
    store: redisCronBroker(client, settings.namespace),
    log,
  });
  const results: TickResult[] = [];
  const onTick = async (tick: TickResult) => {
    const isFirst = results.push(tick) === 1;
    if (!isFirst && !tenure.rung && !moved(tick)) return;
    const now = clock.now();
    const survey = await fleet.survey(fleetStore, now);
    await starter.start(survey);
    const { metricsNamespace: namespace } = settings;
    const { lateness } = tick;
    const common = { survey, namespace, now, consumers: fleet.names };
    const lines = gaugeLines({ ...common, reclaimed, lateness, empty: emptyQueues, whole: isFirst });
    reclaimed.clear();
    for (const line of lines) process.stdout.write(`${line}\n`);
  };
  const setting = { store, registry, cron, clock, log, onTick, wait: tenure.wait };
  try {
    do await tickUntil(setting, tenure.until, results.length === 0 ? outlook : undefined);
    while (!(await tenure.end(results.at(-1), starter.unattended)));
  } catch (error) {
    await tenure.abandon();
    throw error;
  }
  const answer = { ...totals(results), started: starter.started };
  log.info('tick', answer);
  starter.check();
  return answer;
}

function moved({ promoted, retried, reclaimed, cron, failed }: TickResult): boolean {
  return promoted + retried + reclaimed + cron + failed > 0;
}

function totals(results: readonly TickResult[]) {
  const sum = (key: 'promoted' | 'retried' | 'reclaimed' | 'cron' | 'failed') =>
    results.reduce((total, one) => total + one[key], 0);
  return {
    ticks: results.length,
    promoted: sum('promoted'),
    retried: sum('retried'),
    reclaimed: sum('reclaimed'),
    cron: sum('cron'),
    failed: sum('failed'),
  };
}

export const handler = bufferedHandler(work, logger);
