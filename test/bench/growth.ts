/** Whether much of something makes it slower: jobs queued, queues listed, bytes in each job. */
import type { Bed } from './bed.ts';
import { type Contender, startContender } from './contenders.ts';
import { QUEUE } from './peers/peer.ts';
import { field } from './redis-work.ts';
import { atLeast, type Bench } from './report.ts';
import { range, rounds, type Spread } from './rounds.ts';

const CONCURRENCY = 100;
/** Jobs to warm up with. */
const WARM_UP = 10_000;
const MB = 1_000_000;

const QUEUES = 'queues listed';
type What = 'jobs queued' | 'queues listed' | 'queues listed, jobs in the last' | 'queues by *' | 'bytes each';
interface Size {
  readonly what: What;
  readonly size: number;
  readonly jobs: number;
  readonly payload: number;
  /** Jobs are in them, evenly. */
  readonly filled: readonly string[];
  readonly listed: readonly string[];
}

export const bench: Bench = async ({ quick, bed }) => {
  const sizes = quick ? [...quickSizes()] : [...fullSizes()];
  const cases: (Size & Case)[] = [];
  try {
    for (const size of sizes) {
      const contender = (quick && cases[0]?.contender) || (await startContender(bed, 'Lambdesque TCP'));
      cases.push({ ...size, ...caseOf(bed, size, contender) });
    }
    const results = await rounds(cases, { quick });
    const memory = await Promise.all(results.map(({ contender }) => contender.ask.memory()));
    const same = (what: What) => results.filter((one) => one.what === what);
    // The best of them: few jobs are slow for the time that a start and an end take.
    const ratio = (one: Size & Spread) => one.median / Math.max(...same(one.what).map(({ median }) => median));
    const kept = (what: What) => {
      const most = Math.max(...same(what).map(({ size }) => size));
      const fewer = [...same(what), ...(what.startsWith(QUEUES) ? same(QUEUES) : [])].filter(({ size }) => size < most);
      const largest = same(what).find(({ size }) => size === most)?.median ?? 0;
      return (largest / Math.max(...fewer.map(({ median }) => median))) * 100;
    };
    return {
      title: 'Growth',
      notes: [
        `Lambdesque over TCP, concurrency ${CONCURRENCY}, log off; all that is queued is drained; a process for each line`,
        'of the best: this rate against the best of the same kind; below 10,000 jobs, connecting and leaving are most of it',
        'Redis MB: with all jobs queued; peak MB: resident memory of the consumer, which also filled the queues, from its',
        'start; queues listed: strict order, jobs spread evenly over all of them, or all in the last',
        'bytes each: jobs per second fall as bytes grow, since each byte goes through Redis and both processes: see MB/s',
      ],
      rows: results.map((one, i) => ({
        grows: one.what,
        size: one.size,
        jobs: one.jobs,
        'jobs/s': Math.round(one.median),
        'min – max': range(one),
        'MB/s': one.what === 'bytes each' ? (one.median * one.size) / MB : '',
        '% of the best': ratio(one) * 100,
        'Redis MB': one.held() / MB,
        'peak MB': (memory[i] ?? 0) / MB,
      })),
      bars: [
        atLeast('drain rate with 10⁶ jobs queued, of the best with fewer', 80, kept('jobs queued'), { unit: ' %' }),
        atLeast('drain rate with 1,000 queues listed, of the best with fewer', 90, kept('queues listed'), {
          unit: ' %',
          reason: () =>
            'each queue costs four commands of its own and a field of the statistics, and holds no more than 30 jobs here',
        }),
        atLeast('drain rate with 10,000 queues by *, 30 jobs in each, of that with one', 60, kept('queues by *'), {
          unit: ' %',
        }),
        atLeast('the same, all jobs in the last queue', 80, kept('queues listed, jobs in the last'), { unit: ' %' }),
      ],
    };
  } finally {
    await Promise.all([...new Set(cases.map(({ contender }) => contender))].map((one) => one.stop()));
    await bed.redis.client.flushall();
  }
};

function* fullSizes(): Generator<Size> {
  for (const jobs of [1e3, 1e4, 1e5, 1e6]) yield { ...plain, what: 'jobs queued', size: jobs, jobs };
  yield* queueSizes([1, 10, 100, 1_000], 30_000);
  yield* byStar([1, 10_000], 300_000);
  for (const [payload, jobs] of [
    [100, 30_000],
    [1_000, 30_000],
    [10_000, 10_000],
    [100_000, 1_000],
    [1_000_000, 100],
  ] as const) {
    yield { ...plain, what: 'bytes each', size: payload, payload, jobs };
  }
}

function* quickSizes(): Generator<Size> {
  for (const jobs of [10, 100]) yield { ...plain, what: 'jobs queued', size: jobs, jobs };
  yield* queueSizes([1, 10], 100);
  yield* byStar([1, 10], 100);
  yield { ...plain, what: 'bytes each', size: 100_000, payload: 100_000, jobs: 10 };
}

const plain = { payload: 0, filled: [QUEUE], listed: [QUEUE] };

function* queueSizes(sizes: readonly number[], jobs: number): Generator<Size> {
  for (const size of sizes) {
    const listed = Array.from({ length: size }, (_, i) => `bench-${i}`);
    yield { ...plain, what: 'queues listed', size, jobs, filled: listed, listed };
    if (size === 1) continue;
    yield { ...plain, what: 'queues listed, jobs in the last', size, jobs, filled: listed.slice(-1), listed };
  }
}

function* byStar(sizes: readonly number[], jobs: number): Generator<Size> {
  for (const size of sizes) {
    const filled = Array.from({ length: size }, (_, i) => `bench-${i}`);
    yield { ...plain, what: 'queues by *', size, jobs, filled, listed: ['*'] };
  }
}

interface Case {
  readonly contender: Contender;
  /** Bytes in Redis for what was queued. */
  held(): number;
  run(): Promise<number>;
  warmUp(): Promise<number>;
}

function caseOf({ redis }: Bed, { jobs, payload, filled, listed }: Size, contender: Contender): Case {
  const used = async () => field(await redis.client.info('memory'), 'used_memory');
  let held = 0;
  async function run(count: number): Promise<number> {
    await redis.client.flushall();
    const before = await used();
    await contender.ask.fill({ jobs: count, payload, queues: filled });
    held = (await used()) - before;
    await contender.ask.connect({ jobs: count, concurrency: CONCURRENCY, queues: listed });
    return (count / (await contender.ask.drain())) * 1_000;
  }
  return {
    contender,
    held: () => held,
    run: () => run(jobs),
    warmUp: () => run(Math.min(jobs, WARM_UP)),
  };
}
