/** How fast jobs that do nothing go through, here and in another commit: in pairs, one right after the other. */
import { join } from 'node:path';
import { checkout } from './checkout.ts';
import { type Contender, type ContenderName, ours, startProcess } from './contenders.ts';
import { atLeast, type Bench, percentile } from './report.ts';
import { spread } from './rounds.ts';

const PAIRS = { quick: 1, full: 11 };
const JOBS = { quick: 200, full: 120_000 };
/** One at a time, some take long. */
const JOBS_ONE = { quick: 20, full: 20_000 };
/** What is asked for, in another commit too: `fill`, `connect` and `drain` of `peers/service.ts`. */
const PROGRAM = 'test/bench/peers/child.ts';

interface Case {
  readonly name: ContenderName;
  readonly concurrency: number;
  readonly log: boolean;
}
const CASES: readonly Case[] = ours.flatMap((name) => [
  ...[1, 25, 100].map((concurrency) => ({ name, concurrency, log: false })),
  { name, concurrency: 100, log: true },
]);

export const bench: Bench = async ({ quick, bed, against }) => {
  if (against === undefined) throw new Error('There is no commit to compare with: give one with --against.');
  const mode = quick ? 'quick' : 'full';
  const tree = await checkout(against);
  const processes: Contender[] = [];
  const start = async (name: ContenderName, program?: string) => {
    const one = await startProcess(bed, name, program === undefined ? {} : { program });
    processes.push(one);
    return one;
  };
  try {
    const found: (Pairs & { readonly one: Case })[] = [];
    for (const name of ours) {
      const [here, there] = [await start(name), await start(name, join(tree.folder, PROGRAM))];
      for (const one of CASES.filter((each) => each.name === name)) {
        const jobs = (one.concurrency === 1 ? JOBS_ONE : JOBS)[mode];
        const rateOf = ({ rate }: Contender) => rate({ jobs, concurrency: one.concurrency, logRuns: one.log });
        found.push({
          one,
          ...(await pairs(
            () => rateOf(here),
            () => rateOf(there),
            PAIRS[mode],
            quick,
          )),
        });
      }
    }
    const results = found.map(({ one, here, there, failures }) => {
      const ratios = here.map((rate, i) => rate / (there[i] ?? Number.NaN)).sort((a, b) => a - b);
      return { ...one, here: spread(here).median, there: spread(there).median, failures, ratios };
    });
    return {
      title: `Drain, against ${tree.name}`,
      notes: [
        `jobs that do nothing, as in drain; ${PAIRS[mode]} pairs of runs, in each the one that goes first alternates`,
        'the other commit runs its own files, with the packages that are installed here; medians; ×: median of the',
        'ratios of the pairs, and the range of their middle half: below 1, this tree is slower',
        'failed there: runs in which the other commit did not run all jobs; their pairs were run again',
      ],
      rows: results.map(({ name, concurrency, log, here, there, failures, ratios }) => ({
        contender: name,
        concurrency,
        log: log ? 'on' : 'off',
        'here jobs/s': Math.round(here),
        'there jobs/s': Math.round(there),
        '×': spread(ratios).median.toFixed(3),
        'middle half': `${percentile(ratios, 0.25).toFixed(2)} – ${percentile(ratios, 0.75).toFixed(2)}`,
        'failed there': failures,
        says: verdict(ratios),
      })),
      bars: results.map(({ name, concurrency, log, ratios }) =>
        atLeast(
          `drain over ${name.replace('Lambdesque ', '')}, concurrency ${concurrency}, log ${log ? 'on' : 'off'}, against the other, upper quartile`,
          1,
          percentile(ratios, 0.75),
          { unit: ' ×', reason: () => 'slower in three of four pairs, or more' },
        ),
      ),
    };
  } finally {
    await Promise.all(processes.map((one) => one.kill()));
    tree.remove();
    await bed.redis.client.flushall();
  }
};

interface Pairs {
  readonly here: number[];
  readonly there: number[];
  /** Runs of the other commit that did not work. */
  readonly failures: number;
}

/**
 * Runs both, in turns; the first round warms up. Where the other commit does not work, as one may that was mended since,
 * the pair is run again: it says nothing about speed.
 */
async function pairs(
  here: () => Promise<number>,
  there: () => Promise<number>,
  count: number,
  quick: boolean,
): Promise<Pairs> {
  const rates = { here: [] as number[], there: [] as number[] };
  let failures = 0;
  for (let round = quick ? 0 : -1; round < count; ) {
    const figures = { here: 0, there: 0 };
    const order = round % 2 === 0 ? (['here', 'there'] as const) : (['there', 'here'] as const);
    try {
      for (const side of order) figures[side] = await (side === 'here' ? here() : there().catch(otherFailed));
    } catch (error) {
      if (!(error instanceof OtherFailed) || ++failures > count) throw error;
      continue;
    }
    if (round++ < 0) continue;
    rates.here.push(figures.here);
    rates.there.push(figures.there);
  }
  return { ...rates, failures };
}

class OtherFailed extends Error {}

function otherFailed(cause: unknown): never {
  throw new OtherFailed('The other commit did not work.', { cause });
}

/** @param ratios sorted */
function verdict(ratios: readonly number[]): string {
  if (percentile(ratios, 0.75) < 1) return 'slower';
  return percentile(ratios, 0.25) > 1 ? 'faster' : 'no difference that can be told';
}
