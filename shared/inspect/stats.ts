import { DAY_MS, DAYS_KEPT, MINUTE_MS, MINUTES_KEPT } from '../broker/ops/stats.ts';
import type { LimitsBroker } from '../broker/redis/limits.ts';
import type { QueuesBroker } from '../broker/redis/queues.ts';
import type { StatHash, StatHashesBroker, StatSum } from '../broker/redis/stat-hashes.ts';
import type { StatsBroker } from '../broker/redis/stats.ts';
import type { WorkersBroker } from '../broker/redis/workers.ts';
import { ConfigError } from '../errors.ts';
import { notDead } from './liveness.ts';

/** What there is in Redis, and what was ever done. */
export interface StatTotals {
  /** Attempts that ended, since Redis was set up; by all Resque programs. */
  readonly processed: number;
  /** Of these, those that went to the failed list. */
  readonly failed: number;
  /** Jobs in all queues. */
  readonly queued: number;
  /** Delayed jobs; at least so many where there are more than 1,000 due times. */
  readonly scheduled: number;
  /** Jobs that a limit, a paused class or an equal job holds back; at least so many where they wait for more than 10,000 of these. */
  readonly parked: number;
  /** Failed attempts that wait for the next one. */
  readonly retries: number;
  /** Entries in the failed list. */
  readonly failedList: number;
  /** Workers that are not known to be dead, of ours and others. */
  readonly workers: number;
  /** Jobs that workers of ours hold. */
  readonly running: number;
  /** No worker takes a job: `queues.pauseAll`. */
  readonly paused: boolean;
  /** Redis's clock. */
  readonly now: Date;
}

/** What workers of ours did in one day or minute. */
export interface StatPoint {
  /** Where it begins, UTC. */
  readonly at: Date;
  /** Attempts that ended: the sum of the next four. */
  readonly processed: number;
  /** The handler ended without an error. */
  readonly succeeded: number;
  /** To the failed list; those too that died too often. */
  readonly failed: number;
  /** Another attempt follows. */
  readonly retried: number;
  /** Dropped: a handler threw `Discard`. */
  readonly discarded: number;
  /** All handlers' time together. */
  readonly ms: number;
  /** From enqueuing to the first attempt's start, together, of those whose payloads say when they were enqueued… */
  readonly waitMs: number;
  /** …and how many those were: `waitMs / waited` is the mean. */
  readonly waited: number;
}

/** Counts over time. */
export interface StatSeries {
  /** Queue or class; undefined for the sum of all. `(other)` has what exceeds 500 pairs of queue and class (300 in a minute), `(unknown)` what has no class. */
  readonly name: string | undefined;
  /** Without gaps, the oldest first; the last one is still going on. */
  readonly points: readonly StatPoint[];
}

/** Which counts. */
export interface SeriesOptions {
  /** What a point counts. */
  readonly unit: 'day' | 'minute';
  /** How many, the current one included. @default as many as are kept: 90 days, 180 minutes */
  readonly last?: number;
  /** One series for each queue or class, most processed first. @default the sum of all */
  readonly by?: 'queue' | 'class';
}

/** Numbers that Redis keeps: of each day for 90 days, of each minute for 3 hours. Days are UTC. */
export interface Stats {
  /** 5 commands, and 2 more where jobs are parked. */
  totals(): Promise<StatTotals>;
  /** 1 command, and 1 for each 30 days or minutes. @throws ConfigError for an option that cannot be used */
  series(options: SeriesOptions): Promise<StatSeries[]>;
}

interface StatsDeps {
  readonly queues: QueuesBroker;
  readonly stats: StatsBroker;
  readonly hashes: StatHashesBroker;
  readonly workers: WorkersBroker;
  readonly limits: Pick<LimitsBroker, 'parkedCount'>;
  /** Redis's, epoch ms. */
  readonly time: () => Promise<number>;
}

const UNITS = {
  day: { ms: DAY_MS, kept: DAYS_KEPT },
  minute: { ms: MINUTE_MS, kept: MINUTES_KEPT },
} as const;

export function createStats({ queues, stats, hashes, workers, limits, time }: StatsDeps): Stats {
  return {
    async totals() {
      const [found, survey, counters] = await Promise.all([stats.read([]), workers.survey(), hashes.counters()]);
      const parked = found.parkedGates === 0 ? 0 : await limits.parkedCount();
      const running = await queues.inFlight(found.workers);
      return {
        ...counters,
        queued: found.queues.reduce((sum, { depth }) => sum + depth, 0),
        scheduled: found.delayed,
        parked,
        retries: found.retries,
        failedList: found.failed,
        workers: notDead(survey).length,
        running: [...running.values()].reduce((sum, count) => sum + count, 0),
        paused: found.paused,
        now: new Date(found.now),
      };
    },

    async series(options) {
      const { unit, by } = options;
      if (!Object.hasOwn(UNITS, unit)) throw refused('unit', '"day" or "minute"', unit);
      if (by !== undefined && by !== 'queue' && by !== 'class') throw refused('by', '"queue" or "class"', by);
      const { ms, kept } = UNITS[unit];
      const { last = kept } = options;
      if (!Number.isInteger(last) || last < 1 || last > kept) {
        throw refused('last', `a whole number from 1 to ${kept}, since so many ${unit}s are kept`, last);
      }
      const first = Math.floor((await time()) / ms) - last + 1;
      return seriesOf(await hashes.read(unit, first, last), by);
    },
  };
}

function refused(option: string, allowed: string, got: unknown): ConfigError {
  return new ConfigError(`${option} must be ${allowed}; got ${JSON.stringify(got) ?? typeof got}.`);
}

type Point = { -readonly [Key in keyof StatPoint]: StatPoint[Key] };

function seriesOf(hashes: readonly StatHash[], by: SeriesOptions['by']): StatSeries[] {
  const series = new Map<string | undefined, Point[]>();
  const pointsOf = (name: string | undefined) => {
    const known = series.get(name);
    if (known) return known;
    const points = hashes.map(({ at }) => emptyPoint(at));
    series.set(name, points);
    return points;
  };
  if (by === undefined) pointsOf(undefined);
  for (const [i, { sums }] of hashes.entries()) {
    for (const sum of sums) add(pointsOf(by === undefined ? undefined : sum[by])[i] as Point, sum);
  }
  const total = (points: readonly Point[]) => points.reduce((all, { processed }) => all + processed, 0);
  return [...series]
    .map(([name, points]) => ({ name, points, total: total(points) }))
    .sort((a, b) => b.total - a.total || String(a.name).localeCompare(String(b.name)))
    .map(({ name, points }) => ({ name, points }));
}

function emptyPoint(at: number): Point {
  const counts = { processed: 0, succeeded: 0, failed: 0, retried: 0, discarded: 0 };
  return { at: new Date(at), ...counts, ms: 0, waitMs: 0, waited: 0 };
}

function add(point: Point, sum: StatSum): void {
  const { succeeded, failed, retried, discarded } = sum;
  point.processed += succeeded + failed + retried + discarded;
  point.succeeded += succeeded;
  point.failed += failed;
  point.retried += retried;
  point.discarded += discarded;
  point.ms += sum.micros / 1000;
  point.waitMs += sum.waitMs;
  point.waited += sum.waited;
}
