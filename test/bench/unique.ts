/** How fast unique jobs get into a queue, in bulk, beside plain ones: all of them new, or most of them there already. */

import { type ClientOptions, createClient, defineJob } from '../../shared/index.ts';
import { atLeast, type Bench } from './report.ts';
import { range, rounds } from './rounds.ts';

const JOBS = { quick: 200, full: 50_000 };
/** In each call. */
const IN_A_CALL = 1_000;
/** Equal jobs of each kind, where most are there already. */
const EQUAL = 50;

const Report = defineJob({ class: 'Report', queue: 'q', unique: {}, perform() {} });

const KINDS = {
  plain: { unique: false, argOf: (i: number) => i },
  'unique, all new': { argOf: (i: number) => i },
  'unique, most there': { argOf: (i: number, jobs: number) => i % (jobs / EQUAL) },
} as const;

export const bench: Bench = async ({ quick, bed: { redis, rest } }) => {
  const jobs = JOBS[quick ? 'quick' : 'full'];
  const backends: [string, ClientOptions][] = [
    ['TCP', { url: redis.url }],
    ['REST', { url: rest.url, token: rest.token }],
  ];
  const cases = backends.flatMap(([backend, options]) =>
    Object.entries(KINDS).map(([kind, { argOf, ...rest }]) => ({
      backend,
      kind,
      async run() {
        await redis.client.flushall();
        await using client = createClient(options);
        const items = Array.from({ length: jobs }, (_, i) => ({ job: Report, args: [argOf(i, jobs)], ...rest }));
        const start = performance.now();
        let enqueued = 0;
        for (let from = 0; from < jobs; from += IN_A_CALL) {
          const done = await client.enqueueAll(items.slice(from, from + IN_A_CALL));
          enqueued += done.filter((one) => !one.duplicate).length;
        }
        const took = performance.now() - start;
        const expected = kind === 'unique, most there' ? jobs / EQUAL : jobs;
        const [queued, locks] = [await redis.client.llen('resque:queue:q'), await client.queues.clear('q')];
        const left = await redis.client.keys('resque:unique:*');
        if (enqueued !== expected || queued !== expected || locks !== expected || left.length > 0) {
          throw new Error(
            `${kind}: ${enqueued} enqueued, ${queued} in the queue, ${left.length} locks left of ${expected}`,
          );
        }
        return (jobs / took) * 1_000;
      },
    })),
  );
  const results = await rounds(cases, { quick });
  const rate = (backend: string, kind: keyof typeof KINDS) =>
    results.find((one) => one.backend === backend && one.kind === kind)?.median ?? 0;
  return {
    title: 'Unique jobs',
    notes: [
      `${jobs} jobs, ${IN_A_CALL} in each call of enqueueAll; of those that are mostly there, ${EQUAL} are equal`,
      'the queue is cleared then, and no lock is left',
    ],
    rows: results.map(({ backend, kind, ...figures }) => ({
      backend,
      jobs: kind,
      'jobs/s': Math.round(figures.median),
      'min – max': range(figures),
      '× plain': figures.median / rate(backend, 'plain'),
    })),
    bars: [atLeast('unique bulk enqueue over TCP', 20_000, rate('TCP', 'unique, all new'), { unit: '/s' })],
  };
};
