/** Workers far from their Redis: rates at round trips of 0 to 150 ms, through a slow proxy in a process of its own. */
import { CHANGES, change } from './far/change.ts';
import { fair } from './far/fair.ts';
import type { Place } from './far/far-workers.ts';
import type { Kind, Over } from './far/selection.ts';
import { bareRow, SLOW, type SteadyCase, type SteadyResult, steady, steadyBars } from './far/steady.ts';
import type { Bar, Bench, Row, Section } from './report.ts';

const RTTS = { quick: [60], full: [0, 20, 60, 100, 150] };
const OVER: readonly Over[] = ['tcp', 'rest'];
const CONCURRENCIES = { quick: [25], full: [25, 100] };
/** Where jobs change, and for fairness, unless others are asked for. */
const ONE_PLACE = { rtt: [60], over: ['tcp'] as const };

export const bench: Bench = async ({ quick, bed, selection = {} }) => {
  const mode = quick ? 'quick' : 'full';
  const { rtt = RTTS[mode], over = OVER, concurrency: concurrencies = CONCURRENCIES[mode] } = selection;
  const chosen = (kind: Kind) => selection.jobs?.includes(kind) ?? true;
  const fewPlaces = placesOf(selection.rtt ?? ONE_PLACE.rtt, selection.over ?? ONE_PLACE.over);

  const results: SteadyResult[] = [];
  const bare: Row[] = [];
  for (const ms of [0, SLOW] as const) {
    if (!chosen(ms > 0 ? '10ms' : 'noop')) continue;
    if (ms > 0) for (const concurrency of concurrencies) bare.push(await bareRow(concurrency, quick));
    // To see that it works, one of the two is enough for slow jobs.
    for (const place of placesOf(rtt, quick && ms > 0 ? over.slice(0, 1) : over)) {
      for (const concurrency of concurrencies) {
        const one: SteadyCase = { ...place, concurrency, ms };
        results.push(await steady(bed, one, quick));
      }
    }
  }

  const also: Section[] = [];
  if (chosen('change')) {
    const rows: Row[] = [];
    // Without a distance there are no round trips to count in.
    for (const place of fewPlaces.filter((one) => one.rtt > 0)) {
      for (const ms of CHANGES[mode]) rows.push(...(await change(bed, place, ms, quick)));
    }
    also.push({
      title: 'Jobs that become slower, and quick again',
      notes: [
        'round trips to 80 %: from the change until the next two have 80 % of the rate that is steady afterwards',
        'most held unstarted: reserved and not started, at most, in this part',
      ],
      rows,
    });
  }
  const fairBars: Bar[] = [];
  if (chosen('fair')) {
    const rows: Row[] = [];
    for (const place of fewPlaces) {
      const { row, bars } = await fair(bed, place, quick);
      rows.push(row);
      fairBars.push(...bars);
    }
    also.push({
      title: 'A second worker that has nothing to do',
      notes: [
        'a worker that ran no-ops holds jobs that have become slow (100 ms); its queue is empty, and a second one begins',
        'longest held: from the reservation of a job, in Redis, until it started or was given back there',
        'longest idle: of one of the two, running nothing while the other held jobs unstarted; with what is lost because',
        'the idle one looks every 10 ms and a round trip',
      ],
      rows,
    });
  }
  return {
    title: 'Far databases',
    notes: [
      'jobs/s: handlers started, without the first quarter and the last tenth of the run; all: from the start of a',
      'connected worker until all that ran is settled; the ideal of jobs that wait 10 ms: concurrency / 10 ms',
      'bare timers: as many loops that only wait 10 ms, without a queue and alone on the machine',
      'places busy: the part of all places’ time in which a handler ran, however long its timer took',
      'a round trip of 0 ms is without the proxy; with it, connecting takes no round trip',
    ],
    rows: [
      ...results.filter(({ ms }) => ms === 0).map(({ row }) => row),
      ...bare,
      ...results.filter(({ ms }) => ms > 0).map(({ row }) => row),
    ],
    bars: [...steadyBars(results), ...fairBars],
    also,
  };
};

function placesOf(rtts: readonly number[], overs: readonly Over[]): Place[] {
  return rtts.flatMap((rtt) => overs.map((over) => ({ rtt, over })));
}
