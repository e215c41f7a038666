/** How fast jobs get into a queue. */
import { all, type ContenderName, withContenders } from './contenders.ts';
import type { How } from './peers/service.ts';
import { atLeast, type Bench } from './report.ts';
import { range, rounds } from './rounds.ts';

const JOBS: Readonly<Record<How, { readonly quick: number; readonly full: number }>> = {
  'one by one': { quick: 10, full: 5_000 },
  concurrently: { quick: 200, full: 20_000 },
  'in bulk': { quick: 200, full: 50_000 },
};

export const bench: Bench = async ({ quick, bed }) => {
  const results = await withContenders(bed, all, (contenders) => {
    const cases = (Object.keys(JOBS) as How[]).flatMap((how) =>
      contenders.map(({ name, ask }) => ({
        name,
        how,
        async run() {
          const jobs = JOBS[how][quick ? 'quick' : 'full'];
          await bed.redis.client.flushall();
          const took = await ask.enqueue(how, jobs);
          // Each job that is there runs, and once.
          await ask.connect({ jobs, concurrency: 25 });
          await ask.drain();
          return (jobs / took) * 1_000;
        },
      })),
    );
    return rounds(cases, { quick });
  });
  const rate = (name: ContenderName, how: How) =>
    results.find((one) => one.name === name && one.how === how)?.median ?? 0;
  return {
    title: 'Enqueue',
    notes: [
      'one by one: each waited for; concurrently: 100 under way at a time; in bulk: 1,000 in each call',
      'bulk: enqueueAll against addBulk; node-resque has none, so its 1,000 jobs are enqueued at once',
      `jobs: ${Object.entries(JOBS)
        .map(([how, jobs]) => `${how} ${jobs[quick ? 'quick' : 'full']}`)
        .join(', ')}; all were then run, once`,
    ],
    rows: results.map(({ name, how, ...figures }) => ({
      how,
      contender: name,
      'jobs/s': Math.round(figures.median),
      'min – max': range(figures),
      '× BullMQ': figures.median / rate('BullMQ', how),
    })),
    bars: [
      atLeast('enqueue over REST, 100 under way at a time', 10_000, rate('Lambdesque REST', 'concurrently'), {
        unit: '/s',
      }),
      atLeast(
        "bulk enqueue over TCP against BullMQ's addBulk",
        3,
        rate('Lambdesque TCP', 'in bulk') / rate('BullMQ', 'in bulk'),
        { unit: ' ×' },
      ),
    ],
  };
};
