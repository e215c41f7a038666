import { alwaysMost, byCount, byTime, oracle } from './autoscale/rules.ts';
import { type Rule, simulate } from './autoscale/simulation.ts';
import { traces } from './autoscale/traces.ts';
import type { Bench, Row } from './report.ts';

const LIMITS = { concurrency: 25, maxWorkers: 10, targetLatency: 30_000 };
const RULES: Readonly<Record<string, Rule>> = {
  'by time': byTime(LIMITS),
  'by count': byCount(LIMITS),
  'always most': alwaysMost(LIMITS),
  oracle: oracle(LIMITS),
};

/** How many workers the scheduler starts: what six hours cost and how long jobs wait, by its rule and by two others. */
export const bench: Bench = async () => {
  const rows: Row[] = [];
  for (const [trace, jobs] of Object.entries(traces())) {
    const before = simulate(jobs, LIMITS.concurrency, byCount(LIMITS)).seconds;
    for (const [rule, starts] of Object.entries(RULES)) {
      const { seconds, workers, p50, p95, p99 } = simulate(jobs, LIMITS.concurrency, starts);
      const wait = (ms: number) => Math.round(ms / 100) / 10;
      rows.push({
        trace,
        rule,
        'Lambda s': Math.round(seconds),
        'of by count': `${Math.round((100 * seconds) / before)} %`,
        workers,
        'wait p50 s': wait(p50),
        'p95 s': wait(p95),
        'p99 s': wait(p99),
      });
    }
  }
  return {
    title: 'Workers that the scheduler starts (simulated)',
    notes: [
      'Six hours, a tick each minute, 25 jobs at once, 10 workers at the most, 400 ms from a start to the first job.',
      'oracle: knows how long each job takes and which come; as few workers as keep the p95 within a second of always most',
    ],
    rows,
  };
};
