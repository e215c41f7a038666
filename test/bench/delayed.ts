/**
 * How late delayed jobs are: enqueued for some seconds ahead, promoted by a scheduler, run by a consumer. Lateness is
 * what a user feels: from the second for which a job was enqueued to the start of its handler.
 */

import { tcpClient } from '../../shared/broker/redis/tcp.ts';
import { upstashClient } from '../../shared/broker/redis/upstash.ts';
import { defineJob } from '../../shared/index.ts';
import {
  createEnqueuer,
  createRegistry,
  parseQueues,
  type RedisClient,
  redisBroker,
  Scheduler,
  silentLogger,
  systemClock,
  tick,
  Worker,
  workerId,
  workerOptions,
} from '../../shared/internal.ts';
import type { TestRedis } from '../helpers/redis-server.ts';
import { type Bench, percentile, type Row } from './report.ts';

const NAMESPACE = 'resque:';
/** Of the scheduler, as in `npm start`. Milliseconds. */
const TICK_INTERVAL = 1_000;
/** Of the consumer: how often it looks at an empty queue. Milliseconds. */
const POLL = 20;
/** Before the first job is due; all have to be enqueued by then, or they are late for that. Milliseconds. */
const LEAD = { quick: 0, full: 10_000 };

interface Size {
  readonly jobs: number;
  /** Over which they are spread. */
  readonly seconds: number;
  /** Jobs due at one second, for the rate. */
  readonly burst: number;
}
const SIZES: { readonly quick: Size; readonly full: Size } = {
  quick: { jobs: 100, seconds: 1, burst: 500 },
  full: { jobs: 20_000, seconds: 20, burst: 100_000 },
};

export const bench: Bench = async ({ quick, bed: { redis, rest } }) => {
  const mode = quick ? 'quick' : 'full';
  const size = SIZES[mode];
  const rows: Row[] = [];
  const backends: [string, () => RedisClient][] = [
    ['TCP', () => tcpClient({ url: redis.url })],
    ['REST', () => upstashClient(rest)],
  ];
  for (const [backend, open] of backends) {
    await redis.client.flushall();
    const sorted = (await lateness(open, size, LEAD[mode])).sort((a, b) => a - b);
    await redis.client.flushall();
    const perSecond = await rate(open, redis, size.burst);
    await redis.client.flushall();
    rows.push({
      backend,
      jobs: sorted.length,
      'p50 ms': percentile(sorted, 0.5),
      'p99 ms': percentile(sorted, 0.99),
      'max ms': percentile(sorted, 1),
      burst: size.burst,
      'promoted/s': Math.round(perSecond),
    });
  }
  return {
    title: 'Delayed jobs',
    notes: [
      `lateness, from a job's second to the start of its handler: ${size.jobs} jobs over ${size.seconds} seconds,`,
      `one scheduler (interval ${TICK_INTERVAL} ms) and one consumer (looks every ${POLL} ms) in one process`,
      `promoted/s: ${size.burst} jobs due at one second, one tick`,
    ],
    rows,
  };
};

/** @returns lateness of each job, ms */
async function lateness(open: () => RedisClient, { jobs, seconds }: Size, lead: number): Promise<number[]> {
  const late: number[] = [];
  const job = defineJob({
    class: 'Late',
    queue: 'late',
    perform([due]) {
      late.push(Date.now() - Number(due));
      if (late.length === jobs) consumer.stop();
    },
  });
  const registry = createRegistry([job]);
  const store = () => redisBroker(open(), NAMESPACE);
  const [producing, scheduling, consuming] = [store(), store(), store()];
  const client = createEnqueuer({ store: producing, registry });
  const consumer = new Worker({
    store: consuming,
    registry,
    client,
    queues: parseQueues('late'),
    options: workerOptions({ interval: `${POLL}ms`, logRuns: false }),
    worker: workerId('bench', process.pid, ['late']),
    clock: systemClock,
    log: silentLogger,
  });
  const scheduler = new Scheduler({
    store: scheduling,
    registry,
    log: silentLogger,
    clock: systemClock,
    interval: TICK_INTERVAL,
  });
  const running = scheduler.run();
  const consumed = consumer.run();

  const first = Math.ceil((Date.now() + lead) / 1_000);
  const items = Array.from({ length: jobs }, (_, i) => {
    const at = new Date((first + (i % seconds)) * 1_000);
    return { job, args: [at.getTime(), i], at };
  });
  for (let from = 0; from < jobs; from += 1_000) await client.enqueueAll(items.slice(from, from + 1_000));
  if (lead > 0 && Date.now() > first * 1_000) throw new Error('This machine enqueues too slowly for this benchmark.');

  await consumed;
  scheduler.stop();
  await running;
  await Promise.all([producing.close(), scheduling.close(), consuming.close()]);
  return late;
}

/** @returns jobs per second that one tick promotes */
async function rate(open: () => RedisClient, redis: TestRedis, burst: number): Promise<number> {
  const store = redisBroker(open(), NAMESPACE);
  const seconds = 1_000_000_000;
  const payloads = Array.from({ length: burst }, (_, i) => `{"class":"Late","args":[${i}],"queue":"late"}`);
  for (let from = 0; from < burst; from += 5_000) {
    await store.enqueueDelayed(payloads.slice(from, from + 5_000).map((payload) => ({ seconds, payload })));
  }
  const began = performance.now();
  const { promoted } = await tick({ store, clock: systemClock, log: silentLogger });
  const took = performance.now() - began;
  await store.close();
  const queued = await redis.client.llen(`${NAMESPACE}queue:late`);
  if (promoted !== burst || queued !== burst) throw new Error(`${promoted} of ${burst} jobs were promoted.`);
  return (burst / took) * 1_000;
}
