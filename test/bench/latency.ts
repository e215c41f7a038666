/** From a job's enqueue to its start, at rates that leave the workers idle most of the time. */
import type { Bed } from './bed.ts';
import { type Contender, type ContenderName, withContenders } from './contenders.ts';
import { type Bench, percentile } from './report.ts';
import { range, spread } from './rounds.ts';

const RATES = { quick: [10, 1_000], full: [10, 100, 1_000] };
const CONCURRENCY = 25;
/** Of each run. As long as Lambdesque's and node-resque's interval of 5 s, so that each run has all of it. */
const SECONDS = { quick: 0.3, full: 5 };
const ROUNDS = { quick: 1, full: 5 };
/** Nobody waits five seconds to see that it works. */
const POLL = { quick: 100, full: 5_000 };
type How = 'polling' | 'waiting' | 'doorbell';
const WAYS: readonly (readonly [ContenderName, How])[] = [
  ['Lambdesque TCP', 'waiting'],
  ['Lambdesque TCP', 'doorbell'],
  ['Lambdesque REST', 'doorbell'],
  ['BullMQ', 'waiting'],
  ['node-resque', 'polling'],
];

export const bench: Bench = async ({ quick, bed }) => {
  const mode = quick ? 'quick' : 'full';
  const cases = RATES[mode].flatMap((rate) =>
    WAYS.map(([name, how]) => ({ name, how, rate, late: [] as number[], p50: [] as number[], p99: [] as number[] })),
  );
  const names = [...new Set(WAYS.map(([name]) => name))];
  await withContenders(bed, names, (consumers) =>
    withContenders(bed, names, async (producers) => {
      const by = (list: readonly Contender[], name: ContenderName) =>
        list.find((one) => one.name === name) as Contender;
      for (let round = 0; round < ROUNDS[mode]; round++) {
        for (const one of cases) {
          const jobs = Math.ceil(one.rate * SECONDS[mode]);
          const late = await run(bed, by(consumers, one.name), by(producers, one.name), {
            ...one,
            jobs,
            poll: POLL[mode],
          });
          late.sort((a, b) => a - b);
          one.late.push(...late);
          one.p50.push(percentile(late, 0.5));
          one.p99.push(percentile(late, 0.99));
        }
      }
    }),
  );
  return {
    title: 'Latency',
    notes: [
      `ms from enqueue to the handler's start; jobs enqueued one by one, evenly, in a process of their own, for`,
      `${SECONDS[mode]} s, ${ROUNDS[mode]} times in turns; all jobs together, and the range of the runs; concurrency ${CONCURRENCY}`,
      'doorbell: an HTTP call for each enqueue starts a drain, as a Function URL does; calls meanwhile make one more',
      `polling: workers that are always there, every ${POLL[mode]} ms (the default of both is 5,000); BullMQ waits in Redis`,
    ],
    rows: cases.map(({ name, how, rate, late, p50, p99 }) => {
      late.sort((a, b) => a - b);
      return {
        'offered/s': rate,
        contender: name,
        how,
        jobs: late.length,
        'p50 ms': percentile(late, 0.5),
        'p50 runs': range(spread(p50), 1),
        'p99 ms': percentile(late, 0.99),
        'p99 runs': range(spread(p99), 1),
      };
    }),
  };
};

async function run(
  bed: Bed,
  consumer: Contender,
  producer: Contender,
  { how, rate, jobs, poll }: { how: How; rate: number; jobs: number; poll: number },
): Promise<number[]> {
  await bed.redis.client.flushall();
  const bell = await consumer.ask.serve({ concurrency: CONCURRENCY, jobs, doorbell: how === 'doorbell', poll });
  await producer.ask.offer({ rate, jobs, ...(bell === undefined ? {} : { bell }) });
  return consumer.ask.served();
}
