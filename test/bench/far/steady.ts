/** Rates of jobs that are all alike. */
import { bareTimers } from '../bare-timers.ts';
import type { Bed } from '../bed.ts';
import { atLeast, type Bar, type Row } from '../report.ts';
import { checkAllThere, fill, type Place, withWorkers } from './far-workers.ts';
import { steadyRate } from './figures.ts';

/** Of a job that is no no-op, ms. */
export const SLOW = 10;
const SIZES = { quick: { jobs: 2_000, seconds: 0.2 }, full: { jobs: 400_000, seconds: 6 } };
/** Times as many where Redis is near: else they are gone in a second. */
const NEAR = 3;
/** Jobs per second that do nothing: by round trip, ms, at concurrency 25. */
const NOOP_BARS: ReadonlyMap<number, number> = new Map([
  [60, 30_000],
  [100, 20_000],
]);
const NOOP_BAR_CONCURRENCY = 25;
/** Of the ideal, %. */
const SLOW_BAR = 90;

export interface SteadyCase extends Place {
  readonly concurrency: number;
  readonly ms: 0 | typeof SLOW;
}

export interface SteadyResult extends SteadyCase {
  readonly row: Row;
  /** The figure that there is a bar for, and the bar. */
  readonly wanted: { readonly least: number; readonly measured: number } | undefined;
}

export async function steady(bed: Bed, one: SteadyCase, quick: boolean): Promise<SteadyResult> {
  const { rtt, over, concurrency, ms } = one;
  const { jobs: far, seconds } = quick ? SIZES.quick : SIZES.full;
  const jobs = rtt > 0 ? far : far * NEAR;
  const watched = await withWorkers(bed, one, 1, async ([worker]) => {
    if (!worker) throw new Error('There is no worker.');
    await fill(bed, jobs);
    await worker.ask.watch({ jobs, concurrency, phases: [{ ms, seconds }] });
    const figures = await worker.ask.watched();
    await checkAllThere(bed, jobs, figures.ran);
    return figures;
  });
  const took = watched.ended - watched.began;
  const whole = (watched.ran / took) * 1_000;
  const steadily = steadyRate(watched, seconds * 1_000);
  const ideal = (concurrency / ms) * 1_000;
  const least = ms > 0 ? SLOW_BAR : concurrency === NOOP_BAR_CONCURRENCY ? NOOP_BARS.get(rtt) : undefined;
  const measured = ms > 0 ? (steadily / ideal) * 100 : steadily;
  const met = least === undefined ? '' : measured >= least ? 'yes' : 'NO';
  return {
    ...one,
    wanted: least === undefined ? undefined : { least, measured },
    row: {
      'round trip ms': rtt,
      over: over.toUpperCase(),
      concurrency,
      jobs: ms > 0 ? `${ms} ms` : 'no-op',
      ran: watched.ran,
      's, all': took / 1_000,
      'jobs/s': Math.round(steadily),
      'jobs/s, all': Math.round(whole),
      '% of ideal': ms > 0 ? (steadily / ideal) * 100 : '',
      '%, all': ms > 0 ? (whole / ideal) * 100 : '',
      'places busy %': ms > 0 ? (watched.busy / concurrency / took) * 100 : '',
      bar: least === undefined ? '' : ms > 0 ? `≥ ${least} %` : `≥ ${least.toLocaleString('en-US')}/s`,
      met,
    },
  };
}

/** What is to be reached without a queue. */
export async function bareRow(concurrency: number, quick: boolean): Promise<Row> {
  const ideal = (concurrency / SLOW) * 1_000;
  const found = await bareTimers(ideal * (quick ? 0.2 : 2), concurrency, SLOW);
  return {
    over: 'bare timers',
    concurrency,
    jobs: `${SLOW} ms`,
    'jobs/s': Math.round(found),
    '% of ideal': (found / ideal) * 100,
  };
}

/** One for each promise; those of slow jobs are for all rows of a round trip. */
export function steadyBars(results: readonly SteadyResult[]): Bar[] {
  const bars: Bar[] = [];
  for (const { rtt, over, ms, wanted } of results) {
    if (!wanted || ms > 0) continue;
    const name = `no-op jobs at ${rtt} ms over ${over.toUpperCase()}, concurrency ${NOOP_BAR_CONCURRENCY}`;
    bars.push(atLeast(name, wanted.least, wanted.measured, { unit: '/s', reason: () => 'see the table' }));
  }
  const slow = results.filter(({ ms }) => ms > 0);
  for (const rtt of new Set(slow.map((one) => one.rtt))) {
    const rows = slow.flatMap((one) => (one.rtt === rtt && one.wanted ? [{ ...one, share: one.wanted.measured }] : []));
    const missing = rows.filter(({ share }) => share < SLOW_BAR);
    const names = missing.map(({ over, concurrency }) => `${over.toUpperCase()} at concurrency ${concurrency}`);
    const lowest = Math.min(...rows.map(({ share }) => share));
    const name = `${SLOW} ms jobs at ${rtt} ms, of the ideal, the lowest of all`;
    bars.push(atLeast(name, SLOW_BAR, lowest, { unit: ' %', reason: () => `missed by ${names.join(', ')}` }));
  }
  return bars;
}
