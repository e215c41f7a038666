/** Whether what waits makes anything slower: very many delayed jobs, retries, failed entries and cron entries. */
import { redisCronBroker } from '../../shared/broker/redis/cron.ts';
import { tcpClient } from '../../shared/broker/redis/tcp.ts';
import { type Broker, createRegistry, redisBroker, silentLogger, systemClock, tick } from '../../shared/internal.ts';
import { CronRunner } from '../../shared/scheduler/cron/runner.ts';
import type { TestRedis } from '../helpers/redis-server.ts';
import { atLeast, atMost, type Bench, type Row } from './report.ts';
import { rounds, spread } from './rounds.ts';

const NAMESPACE = 'resque:';
interface Sizes {
  readonly delayed: number;
  readonly retries: number;
  readonly failed: number;
  readonly cron: number;
}
const SIZES: { readonly quick: Sizes; readonly full: Sizes } = {
  quick: { delayed: 200, retries: 50, failed: 50, cron: 10 },
  full: { delayed: 1_000_000, retries: 100_000, failed: 100_000, cron: 10_000 },
};
/** Jobs that are added, or become due. */
const JOBS = { quick: 100, full: 20_000 };
const TICKS = { quick: 2, full: 60 };
const ONE_BY_ONE = { quick: 20, full: 2_000 };
const CHUNK = 5_000;
/** Epoch seconds: far ahead; and long ago, so that all are due. */
const FUTURE = 4_000_000_000;
const PAST = 1_000_000_000;
/** Due times over which those that wait are spread. */
const SECONDS = 100_000;

const payload = (i: number) => `{"class":"Wait","args":[${i}],"queue":"waiting"}`;

export const bench: Bench = async ({ quick, bed: { redis } }) => {
  const mode = quick ? 'quick' : 'full';
  const sizes = SIZES[mode];
  const jobs = JOBS[mode];
  const client = tcpClient({ url: redis.url });
  const store = redisBroker(client, NAMESPACE);
  let now = (FUTURE * 1_000) / 2;
  const time = () => now;
  const cron = new CronRunner({
    entries: {},
    registry: createRegistry([]),
    store: redisCronBroker(client, NAMESPACE, time),
    log: silentLogger,
  });
  const timed = async (action: () => Promise<unknown>) => {
    const began = performance.now();
    await action();
    return performance.now() - began;
  };
  const ticking = { store: redisBroker(client, NAMESPACE, time), cron, clock: systemClock, log: silentLogger };
  const idleTicks = async () => {
    const took: number[] = [];
    while (took.length < TICKS[mode]) {
      now += 1_000;
      took.push(await timed(() => tick(ticking)));
    }
    return { ...spread(took), mean: took.reduce((sum, ms) => sum + ms, 0) / took.length };
  };
  const measured = async () => {
    const cases = [
      { what: 'idle tick, ms', run: async () => (await idleTicks()).median },
      { what: 'the mean of a minute of them, ms', run: async () => (await idleTicks()).mean },
      {
        what: 'delayed jobs added a second',
        run: async () => (jobs / (await timed(() => add(store, FUTURE, jobs)))) * 1_000,
      },
      {
        what: 'the same by SADD and RPUSH alone',
        run: async () => (jobs / (await timed(() => addBare(redis, jobs)))) * 1_000,
      },
      {
        what: 'delayed jobs added a second, one by one',
        run: async () => (ONE_BY_ONE[mode] / (await timed(() => add(store, FUTURE, ONE_BY_ONE[mode], 1, 1)))) * 1_000,
      },
      { what: 'promoted a second', run: () => promoted(store, redis, jobs) },
    ];
    const results = await rounds(cases, { quick });
    return new Map(results.map(({ what, median }) => [what, median]));
  };
  try {
    await redis.client.flushall();
    const small = await measured();
    await fill(store, redis, sizes);
    const large = await measured();
    await fillCron(redis, sizes.cron);
    const withCron = await measured();
    const ratio = (of: ReadonlyMap<string, number>, what: string) => (of.get(what) ?? 0) / (small.get(what) ?? 0);
    const rows: Row[] = [...small.keys()].map((what) => ({
      what,
      'with nothing else': small.get(what) ?? 0,
      'with all that waits': large.get(what) ?? 0,
      '×': ratio(large, what),
      'and cron entries': withCron.get(what) ?? 0,
      '× ': ratio(withCron, what),
    }));
    return {
      title: 'What waits',
      notes: [
        `Lambdesque over TCP; all that waits: ${sizes.delayed} delayed jobs at ${SECONDS} times, ${sizes.retries} retries,`,
        `${sizes.failed} failed entries; then ${sizes.cron} cron entries in Redis as well, none of them due`,
        `added and promoted: ${jobs} jobs, ${CHUNK} in a call, all of one second`,
        `idle tick: of ${TICKS[mode]} a second apart by their clock; checksums of many cron entries are made once a minute, and the others look at sizes`,
      ],
      rows,
      bars: [
        atMost('an idle tick with all that waits, of one without', 1.2, ratio(large, 'idle tick, ms'), { unit: ' ×' }),
        atMost('the same, with cron entries', 1.2, ratio(withCron, 'idle tick, ms'), { unit: ' ×' }),
        atLeast('adding delayed jobs, of the rate without', 80, ratio(large, 'delayed jobs added a second') * 100, {
          unit: ' %',
          reason: () =>
            `each has a key of its own, as resque-scheduler wants it, and Redis finds its place among a million: bare commands keep ${Math.round(ratio(large, 'the same by SADD and RPUSH alone') * 100)} %`,
        }),
        atLeast('the same, one by one', 80, ratio(large, 'delayed jobs added a second, one by one') * 100, {
          unit: ' %',
        }),
        atLeast('promoting, of the rate without', 80, ratio(large, 'promoted a second') * 100, { unit: ' %' }),
      ],
    };
  } finally {
    await store.close();
    await redis.client.flushall();
  }
};

async function add(store: Broker, seconds: number, jobs: number, spread = 1, atOnce = CHUNK): Promise<void> {
  for (let from = 0; from < jobs; from += atOnce) {
    const chunk = Array.from({ length: Math.min(atOnce, jobs - from) }, (_, i) => from + i);
    await store.enqueueDelayed(chunk.map((i) => ({ seconds: seconds + (i % spread), payload: payload(i) })));
  }
}

/** What Redis alone takes for it. */
async function addBare(redis: TestRedis, jobs: number): Promise<void> {
  for (let from = 0; from < jobs; from += CHUNK) {
    const commands = redis.client.pipeline();
    for (let i = from; i < Math.min(from + CHUNK, jobs); i++) {
      commands.sadd(`${NAMESPACE}timestamps:${payload(i)}`, `delayed:${FUTURE}`);
      commands.rpush(`${NAMESPACE}delayed:${FUTURE}`, payload(i));
    }
    await commands.exec();
  }
}

/** @returns jobs a second that a tick promotes */
async function promoted(store: Broker, redis: TestRedis, jobs: number): Promise<number> {
  await add(store, PAST, jobs);
  const began = performance.now();
  const { promoted: moved } = await tick({ store, clock: systemClock, log: silentLogger });
  const took = performance.now() - began;
  const queued = await redis.client.llen(`${NAMESPACE}queue:waiting`);
  if (moved !== jobs || queued !== jobs) throw new Error(`${moved} of ${jobs} jobs were promoted.`);
  await redis.client.del(`${NAMESPACE}queue:waiting`);
  return (jobs / took) * 1_000;
}

async function fill(store: Broker, redis: TestRedis, { delayed, retries, failed }: Sizes): Promise<void> {
  await add(store, FUTURE, delayed, SECONDS);
  const numbers = (from: number, most: number) =>
    Array.from({ length: Math.min(CHUNK, most - from) }, (_, i) => from + i);
  for (let from = 0; from < retries; from += CHUNK) {
    const members = numbers(from, retries).map((i) => [i, `bench-${i}:waiting`] as const);
    await redis.client.zadd(`${NAMESPACE}retry`, ...members.flatMap(([i, name]) => [FUTURE * 1_000 + i, name]));
    await redis.client.hset(`${NAMESPACE}retry:payloads`, ...members.flatMap(([i, name]) => [name, payload(i)]));
  }
  const entry = {
    failed_at: '2026/11/20 20:29:37 UTC',
    exception: 'Error',
    error: 'e',
    backtrace: [],
    worker: 'a:1:q',
    queue: 'q',
  };
  for (let from = 0; from < failed; from += CHUNK) {
    const entries = numbers(from, failed).map((i) =>
      JSON.stringify({ ...entry, payload: { class: 'Wait', args: [i] } }),
    );
    await redis.client.rpush(`${NAMESPACE}failed`, ...entries);
  }
}

async function fillCron(redis: TestRedis, entries: number): Promise<void> {
  for (let i = 0; i < entries; i++) {
    const rule = JSON.stringify({ cron: `${i % 60} 3 1 1 *`, class: 'Wait', queue: 'waiting', args: [i] });
    await redis.client.hset(`${NAMESPACE}persistent_schedules`, `entry-${i}`, rule);
  }
}
