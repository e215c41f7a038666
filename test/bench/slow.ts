/** Jobs that take their time: how much of it is theirs. */
import { bareTimers } from './bare-timers.ts';
import { all, type ContenderName, withContenders } from './contenders.ts';
import type { Work } from './peers/service.ts';
import { atLeast, type Bench } from './report.ts';
import { range, rounds } from './rounds.ts';

const MS = 10;
/** For so long at the ideal rate, s. */
const SECONDS = { quick: 0.1, full: 1 };
const CASES: readonly (readonly [Work, concurrency: number, quick?: 'in quick mode too'])[] = [
  ['wait', 25],
  ['wait', 100, 'in quick mode too'],
  ['cpu', 25, 'in quick mode too'],
];
const BARE = 'bare timers';

export const bench: Bench = async ({ quick, bed }) => {
  const seconds = quick ? SECONDS.quick : SECONDS.full;
  const results = await withContenders(bed, all, (contenders) => {
    const cases = CASES.flatMap(([work, concurrency, always]) => {
      if (quick && !always) return [];
      const ideal = ((work === 'cpu' ? 1 : concurrency) / MS) * 1_000;
      const jobs = Math.round(ideal * seconds);
      const own = contenders.map(({ name, rate }) => ({
        name: name as ContenderName | typeof BARE,
        work,
        concurrency,
        ideal,
        run: () => rate({ jobs, concurrency, work }),
      }));
      if (work !== 'wait') return own;
      return [...own, { name: BARE, work, concurrency, ideal, run: () => bareTimers(jobs, concurrency, MS) } as const];
    });
    return rounds(cases, { quick });
  });
  const share = (name: ContenderName | typeof BARE) => {
    const found = results.find((one) => one.name === name && one.work === 'wait' && one.concurrency === 100);
    return found ? (found.median / found.ideal) * 100 : 0;
  };
  return {
    title: 'Slow jobs',
    notes: [
      `${MS} ms of waiting (setTimeout), or of the processor, each; jobs for ${seconds} s at the ideal rate`,
      `${BARE}: as many loops that only wait for a timer, without a queue: what Node's timers leave to reach`,
    ],
    rows: results.map(({ name, work, concurrency, ideal, ...figures }) => ({
      'ms of': work === 'wait' ? 'waiting' : 'processor',
      concurrency,
      contender: name,
      'jobs/s': Math.round(figures.median),
      'min – max': range(figures),
      ideal,
      '% of ideal': (figures.median / ideal) * 100,
    })),
    bars: [
      atLeast('10 ms jobs over TCP at concurrency 100, of the ideal 10,000/s', 90, share('Lambdesque TCP'), {
        unit: ' %',
        reason: () => `bare timers, without any queue, come to ${share(BARE).toFixed(1)} % of the ideal here`,
      }),
    ],
  };
};
