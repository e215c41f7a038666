/** Whether a worker idles while another holds jobs that it has not started. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bed } from '../bed.ts';
import { clock } from '../peers/peer.ts';
import { atMost, type Bar, type Row } from '../report.ts';
import { checkAllThere, emptyQueue, fill, type Place, withWorkers } from './far-workers.ts';
import { longestOverlap } from './figures.ts';

const CONCURRENCY = 25;
/** Of the jobs that the first one holds when they become slow, ms. */
const SLOW = 100;
const SIZES = {
  quick: { jobs: 5_000, quickFor: 0.2, slowFor: 0.3, rounds: 1 },
  full: { jobs: 600_000, quickFor: 1, slowFor: 3, rounds: 5 },
};
/** More than it takes to run what has been reserved of the quick ones, ms. */
const SETTLED = 20;
/** Longest time, beside the round trip, ms. */
const LONGEST = 200;

/**
 * A worker runs no-ops, so it holds many. Then jobs become slow, the queue is emptied, and a second worker begins: all
 * that it can get is what the first one gives back.
 */
export async function fair(
  bed: Bed,
  place: Place,
  quick: boolean,
): Promise<{ readonly row: Row; readonly bars: readonly Bar[] }> {
  const { rounds } = quick ? SIZES.quick : SIZES.full;
  const found = await withWorkers(bed, place, 2, async ([first, second]) => {
    if (!first || !second) throw new Error('There are no two workers.');
    const all: Round[] = [];
    for (let i = 0; i < rounds; i++) all.push(await round(bed, place.rtt, first.ask, second.ask, quick));
    return all;
  });
  const idle = Math.max(...found.map((one) => one.idle));
  const heldFor = Math.max(...found.map((one) => one.heldFor));
  const bar = LONGEST + place.rtt;
  const where = `at ${place.rtt} ms over ${place.over.toUpperCase()}`;
  const options = { unit: ' ms', reason: () => 'see the table' };
  return {
    row: {
      'round trip ms': place.rtt,
      over: place.over.toUpperCase(),
      concurrency: CONCURRENCY,
      rounds,
      'held unstarted': `${found.map(({ held }) => held).join(', ')}`,
      'longest held ms': Math.round(heldFor),
      'longest idle ms': Math.round(idle),
      'of each round': `${found.map((one) => Math.round(one.idle)).join(', ')}`,
      bar: `≤ ${bar} ms`,
      met: Math.max(idle, heldFor) <= bar ? 'yes' : 'NO',
    },
    bars: [
      atMost(`idle beside jobs that are held unstarted, ${where}`, bar, idle, options),
      atMost(`jobs held unstarted for, ${where}`, bar, heldFor, options),
    ],
  };
}

interface Round {
  /** The longest time that one idled while the other held some, ms. */
  readonly idle: number;
  /** Jobs that the first had not started when they became slow. */
  readonly held: number;
  /** For how long at most it held one of them, ms. */
  readonly heldFor: number;
}

type Ask = Parameters<Parameters<typeof withWorkers>[3]>[0][number]['ask'];

async function round(bed: Bed, rtt: number, first: Ask, second: Ask, quick: boolean): Promise<Round> {
  const { jobs, quickFor, slowFor } = quick ? SIZES.quick : SIZES.full;
  const slow = { ms: SLOW, seconds: slowFor };
  await fill(bed, jobs);
  const began = await first.watch({ jobs, concurrency: CONCURRENCY, phases: [{ ms: 0, seconds: quickFor }, slow] });
  const changed = began + quickFor * 1_000;
  // The first one has what it asked for when jobs were quick.
  await delay(changed + 1.5 * rtt + SETTLED - clock());
  const taken = await emptyQueue(bed);
  const secondBegan = await second.watch({ jobs, concurrency: CONCURRENCY, phases: [slow] });
  const one = await first.watched();
  const other = await second.watched();
  await checkAllThere(bed, jobs - taken, one.ran + other.ran);
  const together = [secondBegan, changed + slow.seconds * 1_000] as const;
  return {
    idle: Math.max(
      longestOverlap(other.idle, one.holding, together),
      longestOverlap(one.idle, other.holding, together),
    ),
    held: one.held[1]?.most ?? 0,
    heldFor: one.held[1]?.longest ?? 0,
  };
}
