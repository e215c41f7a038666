/** From a job's enqueue to its start, at rates that leave the workers idle most of the time. */
import { setTimeout as delay } from 'node:timers/promises';
import { openAsynq } from './asynq.ts';
import type { Bed } from './bed.ts';
import { type Contender, type ContenderName, withContenders } from './contenders.ts';
import { atMost, type Bench, percentile } from './report.ts';
import { range, spread } from './rounds.ts';

const RATES = { quick: [100], full: [10, 100, 1_000] };
const CONCURRENCY = 25;
/** Of each run. As long as Lambdesque's and node-resque's interval of 5 s, so that each run has all of it. */
const SECONDS = { quick: 0.1, full: 5 };
const ROUNDS = { quick: 1, full: 5 };
/** Nobody waits five seconds to see that it works. */
const POLL = { quick: 100, full: 5_000 };
/** Workers have come to rest, ms. */
const SETTLED = 300;
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
  const asynq = await openAsynq(bed);
  const inGo = RATES[mode].map((rate) => ({ rate, late: [] as number[], p50: [] as number[], p99: [] as number[] }));
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
          note(one, late);
        }
        for (const one of inGo) {
          if (typeof asynq !== 'string') note(one, await asynq.latency(Math.ceil(one.rate * SECONDS[mode]), one.rate));
        }
      }
    }),
  );
  const waits = (name: ContenderName) => {
    const found = cases.find((one) => one.name === name && one.how === 'waiting' && one.rate === 100);
    return (found?.late ?? []).toSorted((a, b) => a - b);
  };
  return {
    title: 'Latency',
    notes: [
      `ms from enqueue to the handler's start; jobs enqueued one by one, evenly, in a process of their own, for`,
      `${SECONDS[mode]} s, ${ROUNDS[mode]} times in turns; all jobs together, and the range of the runs; concurrency ${CONCURRENCY}`,
      'doorbell: an HTTP call for each enqueue starts a drain, as a Function URL does; calls meanwhile make one more',
      `polling: workers that are always there, every ${POLL[mode]} ms (the default of both is 5,000); BullMQ waits in Redis`,
      'waiting: Redis tells of a push; asynq looks each 1,000 ms when it found nothing, its default',
      ...(typeof asynq === 'string' ? [asynq] : []),
    ],
    rows: [...cases, ...(typeof asynq === 'string' ? [] : asGo(inGo))].map(({ name, how, rate, late, p50, p99 }) => {
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
    bars: [
      atMost('start of a job over TCP, 100/s, p50 ms', 2, percentile(waits('Lambdesque TCP'), 0.5)),
      atMost('the same, p99 ms', 10, percentile(waits('Lambdesque TCP'), 0.99)),
      atMost(
        'the same p99, of that of BullMQ',
        1,
        percentile(waits('Lambdesque TCP'), 0.99) / percentile(waits('BullMQ'), 0.99),
        {
          unit: ' ×',
        },
      ),
    ],
  };
};

interface Noted {
  readonly late: number[];
  readonly p50: number[];
  readonly p99: number[];
}

function note(one: Noted, late: readonly number[]): void {
  const sorted = [...late].sort((a, b) => a - b);
  one.late.push(...sorted);
  one.p50.push(percentile(sorted, 0.5));
  one.p99.push(percentile(sorted, 0.99));
}

const asGo = (cases: readonly (Noted & { readonly rate: number })[]) =>
  cases.map((one) => ({ ...one, name: 'asynq', how: 'polling' }));

async function run(
  bed: Bed,
  consumer: Contender,
  producer: Contender,
  { how, rate, jobs, poll }: { how: How; rate: number; jobs: number; poll: number },
): Promise<number[]> {
  await bed.redis.client.flushall();
  const bell = await consumer.ask.serve({ concurrency: CONCURRENCY, jobs, doorbell: how === 'doorbell', poll });
  // They are there before the first job comes, connected and waiting.
  await delay(SETTLED);
  await producer.ask.offer({ rate, jobs, ...(bell === undefined ? {} : { bell }) });
  return consumer.ask.served();
}
