import {
  type Clock,
  CronRunner,
  createRegistry,
  defineJob,
  environment,
  type FleetStore,
  type Logger,
  type RedisClient,
  RedisUnavailableError,
  redisCronStore,
  redisFleetStore,
  redisTickStore,
  sleep,
  systemClock,
  type TickResult,
  tickUntil,
} from 'lambdesque';
import { connect } from 'lambdesque-backend';
import { awsOf } from './aws.ts';
import { Connection } from './connection.ts';
import { Fleet } from './fleet.ts';
import { gaugeLines, reclaimedBy } from './gauges.ts';
import { bufferedHandler, type InvocationContext } from './lambda.ts';
import { createLogger } from './logger.ts';
import { schedulerSettings, settingsVariable } from './settings.ts';

/** Milliseconds. */
const times = {
  /** Ticks are a minute apart: one that knows of something due before the next stays so long. */
  stay: 57_000,
  /** Kept of the function's time for the last tick. */
  margin: 5_000,
  /** Redis is not waited for in the last moment of the function's time. */
  last: 500,
  /** How long to wait for a tick that is about to end, and between two looks. */
  patience: 5_000,
  look: 500,
  /** The right to tick outlives the stay by this, for a last tick that takes long. */
  reserve: 15_000,
};

// Made once, kept for all invocations of this environment.
const settings = schedulerSettings(environment[settingsVariable]);
const logger = createLogger();
const aws = awsOf(environment);
const connection = new Connection(() => connect(settings.redis, aws.secretReader()));
connection.warmUp();
const fleet = new Fleet(settings.consumers);
/** The job classes by name and queue: here nothing of them runs. */
const registry = createRegistry(
  Object.entries(LAMBDESQUE_QUEUES).map(([name, queue]) =>
    defineJob({ class: name, ...(queue === null ? {} : { queue }), perform() {} }),
  ),
);

/** Any event means: one tick. @returns what was done */
async function work(_event: unknown, context: InvocationContext): Promise<object> {
  const clock = systemClock;
  const begin = clock.now();
  const end = begin + context.getRemainingTimeInMillis();
  const until = Math.min(begin + times.stay, end - times.margin);
  const holder = context.awsRequestId;
  const log = logger.child({ requestId: holder });
  const client = await connection.forInvocation(clock, end - times.last);
  try {
    const fleetStore = redisFleetStore(client, settings.namespace);
    if (await hold(fleetStore, holder, until - begin + times.reserve, clock)) {
      try {
        return await tickAndStart(client, fleetStore, clock, until, log);
      } finally {
        // It expires by itself where Redis is away.
        await fleetStore.releaseScheduler(holder).catch(() => {});
      }
    }
    log.warn('Another tick is still at work; this one does nothing');
    return { skipped: true };
  } finally {
    await client.close();
  }
}

async function tickAndStart(
  client: RedisClient,
  fleetStore: FleetStore,
  clock: Clock,
  until: number,
  log: Logger,
): Promise<object> {
  const starter = fleet.forInvocation(aws, clock, log);
  const { store, reclaimed } = reclaimedBy(redisTickStore(client, settings.namespace));
  const cron = new CronRunner({
    entries: LAMBDESQUE_CRON,
    registry,
    store: redisCronStore(client, settings.namespace),
    log,
  });
  let ticks = 0;
  const onTick = async (tick: TickResult) => {
    const isFirst = ticks++ === 0;
    if (!isFirst && !moved(tick)) return;
    const now = clock.now();
    const survey = await fleetStore.survey(fleet.namedQueues, now);
    await starter.start(survey);
    const { metricsNamespace: namespace } = settings;
    const { lateness } = tick;
    const lines = gaugeLines({ survey, namespace, now, consumers: fleet.names, reclaimed, lateness, whole: isFirst });
    reclaimed.clear();
    for (const line of lines) process.stdout.write(`${line}\n`);
  };
  const results = await tickUntil({ store, registry, cron, clock, log, onTick }, until);
  const answer = { ...totals(results), started: starter.started };
  log.info('tick', answer);
  starter.check();
  return answer;
}

/** Waits a little for the tick before, and for a connection that did not survive the environment's sleep. */
async function hold(store: FleetStore, holder: string, ms: number, clock: Clock): Promise<boolean> {
  const giveUpAt = clock.now() + times.patience;
  for (let failures = 0; ; ) {
    try {
      if (await store.holdScheduler(holder, ms)) return true;
    } catch (error) {
      if (!(error instanceof RedisUnavailableError) || ++failures === 3) throw error;
    }
    if (clock.now() >= giveUpAt) return false;
    await sleep(clock, times.look);
  }
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
