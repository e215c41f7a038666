/** What a job costs Redis, and what nothing costs. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bed } from './bed.ts';
import { all, type Contender, withContenders } from './contenders.ts';
import { startFunctions } from './functions.ts';
import { type RedisWork, redisWork } from './redis-work.ts';
import { atMost, type Bench, type Row } from './report.ts';

const JOBS = { quick: 200, full: 50_000 };
const CONCURRENCY = { busy: 100, idle: 25 };
/** Of looking at idle workers; a minute of it is told. */
const IDLE_SECONDS = { quick: 0.1, full: 20 };

export const bench: Bench = async ({ quick, bed }) => {
  const mode = quick ? 'quick' : 'full';
  const [jobs, seconds] = [JOBS[mode], IDLE_SECONDS[mode]];
  const busy = new Map<string, RedisWork>();
  const rows: Row[] = [];
  await withContenders(bed, all, async (contenders) => {
    for (const one of contenders) {
      const work = await whileBusy(bed, one, jobs);
      busy.set(one.name, work);
      rows.push(row(one.name, 'each job', work, jobs));
    }
    for (const one of contenders) {
      rows.push(row(one.name, 'idle minute', await whileIdle(bed, one, seconds), seconds / 60));
    }
  });
  const tick = await idleTick(bed);
  rows.push(row('Lambdesque TCP', 'idle tick of the scheduler function', tick, 1));
  const onDemand = await idleOnDemand(bed, seconds);
  rows.push(row('Lambdesque TCP', 'idle minute, on demand', onDemand, seconds / 60));
  const per = (figure: 'roundTrips' | 'inScripts') =>
    Math.max(...['Lambdesque TCP', 'Lambdesque REST'].map((name) => (busy.get(name)?.[figure] ?? 0) / jobs));
  return {
    title: 'Redis work',
    notes: [
      `each job: ${jobs} jobs that do nothing, queued before, concurrency ${CONCURRENCY.busy}, connecting not included`,
      `idle minute: workers at their default interval, concurrency ${CONCURRENCY.idle}, from their start, ${seconds} s; told for a minute`,
      'by INFO commandstats; round trips: scripts, transactions and commands that were waited for',
      "idle tick: one invocation of the scheduler's bundle in a warm environment, with one consumer",
      'on demand: after an invocation of the scheduler that found nothing, and set no schedule',
    ],
    rows,
    bars: [
      atMost('round trips per job under backlog (TCP and REST)', 0.03, per('roundTrips')),
      atMost('commands inside scripts per job under backlog (TCP and REST)', 0.3, per('inScripts')),
      atMost('commands sent in an idle tick (minute mode)', 3, tick.topLevel),
      atMost('commands sent while idle (on-demand mode)', 0, onDemand.topLevel),
    ],
  };
};

async function whileBusy({ redis }: Bed, { name, ask }: Contender, jobs: number): Promise<RedisWork> {
  await redis.client.flushall();
  await ask.fill({ jobs });
  await ask.connect({ jobs, concurrency: CONCURRENCY.busy });
  return redisWork(redis.client, name, () => ask.drain());
}

async function whileIdle({ redis }: Bed, { name, ask }: Contender, seconds: number): Promise<RedisWork> {
  await redis.client.flushall();
  await ask.serve({ concurrency: CONCURRENCY.idle, jobs: 0 });
  const work = await redisWork(redis.client, name, () => delay(seconds * 1_000));
  await ask.served();
  return work;
}

/** The scheduler function has nothing to do. */
function idleTick(bed: Bed): Promise<RedisWork> {
  return afterTick(bed, false, (invoke) => redisWork(bed.redis.client, 'Lambdesque TCP', invoke));
}

/** Nothing is to come, so nothing runs until somebody rings. */
function idleOnDemand(bed: Bed, seconds: number): Promise<RedisWork> {
  return afterTick(bed, true, (_invoke, pending) => {
    if (pending > 0) throw new Error(`${pending} starts are to come, although there is nothing to do.`);
    return redisWork(bed.redis.client, 'Lambdesque TCP', () => delay(seconds * 1_000));
  });
}

/** The first tick connects. */
async function afterTick(
  bed: Bed,
  onDemand: boolean,
  measure: (invoke: () => Promise<void>, pending: number) => Promise<RedisWork>,
): Promise<RedisWork> {
  await bed.redis.client.flushall();
  const functions = await startFunctions(bed);
  try {
    const scheduler = await functions.start('scheduler', 'tcp', { onDemand });
    const invoke = async () => {
      const { error, died } = await scheduler.invoke();
      if (error ?? died) throw new Error(`The scheduler function failed:\n${scheduler.output}`);
    };
    await invoke();
    return await measure(invoke, functions.pending());
  } finally {
    await functions.stop();
  }
}

function row(contender: string, per: string, work: RedisWork, share: number): Row {
  return {
    per,
    contender,
    'round trips': work.roundTrips / share,
    'top-level commands': work.topLevel / share,
    'commands in scripts': work.inScripts / share,
    'bytes to Redis': Math.round(work.bytesIn / share),
    'bytes from Redis': Math.round(work.bytesOut / share),
  };
}
