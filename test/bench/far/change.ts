/** Jobs that become slower, and quick again, while a worker is at them. */
import type { Bed } from '../bed.ts';
import type { Row } from '../report.ts';
import { checkAllThere, fill, type Place, withWorkers } from './far-workers.ts';
import { rate, tripsUntilSteady } from './figures.ts';

const CONCURRENCY = 25;
const SIZES = { quick: { jobs: 5_000, seconds: 0.2 }, full: { jobs: 600_000, seconds: 2 } };
/** No-ops become jobs that wait for so long, ms: the rate changes by about 10 and by about 100. */
export const CHANGES = { quick: [100], full: [10, 100] };

/** One row for each of three parts: no-ops, jobs that wait for `ms`, no-ops. */
export async function change(bed: Bed, place: Place, ms: number, quick: boolean): Promise<Row[]> {
  const { rtt, over } = place;
  const { jobs, seconds } = quick ? SIZES.quick : SIZES.full;
  const phases = [0, ms, 0].map((one) => ({ ms: one, seconds }));
  const watched = await withWorkers(bed, place, 1, async ([worker]) => {
    if (!worker) throw new Error('There is no worker.');
    await fill(bed, jobs);
    await worker.ask.watch({ jobs, concurrency: CONCURRENCY, phases });
    const figures = await worker.ask.watched();
    await checkAllThere(bed, jobs, figures.ran);
    return figures;
  });
  return phases.map((phase, i) => {
    // The last part may end because there are no jobs left.
    const [from, length] = [i * seconds * 1_000, seconds * 1_000];
    const to = Math.min(from + length, watched.ended - watched.began);
    const trips = tripsUntilSteady(watched, rtt, from, to);
    const before = phases[i - 1];
    const name = (one: number) => (one > 0 ? `${one} ms` : 'no-op');
    return {
      'round trip ms': rtt,
      over: over.toUpperCase(),
      concurrency: CONCURRENCY,
      jobs: before ? `${name(before.ms)} → ${name(phase.ms)}` : `start → ${name(phase.ms)}`,
      'steady jobs/s': Math.round(rate(watched, (from + to) / 2, to)),
      ideal: phase.ms > 0 ? (CONCURRENCY / phase.ms) * 1_000 : '',
      'round trips to 80 %': trips ?? 'too short to tell',
      'most held unstarted': watched.held[i]?.most ?? 0,
    };
  });
}
