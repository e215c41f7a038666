/** What the record of a worker says. Times are milliseconds since it began. */
import { BUCKET, type Interval, type Watched } from '../peers/service.ts';

/** The part of a time that counts as steady: without the start, and without the end. */
const STEADY = { from: 0.25, to: 0.9 };
/** The rate has come when it is this part of the steady one. */
const ENOUGH = 0.8;
/** Round trips over which a rate is measured: jobs come in batches, one or so in each. */
const TRIPS = 2;

type Starts = Pick<Watched, 'starts'>;

/** Jobs started per second from `from` to `to`. */
export function rate({ starts }: Starts, from: number, to: number): number {
  const [first, end] = [Math.round(from / BUCKET), Math.round(to / BUCKET)];
  const count = starts.slice(first, end).reduce((sum, one) => sum + one, 0);
  return (count / ((end - first) * BUCKET)) * 1_000;
}

/** The rate of the steady part of a run that lasted `ms`, or until its last job started. */
export function steadyRate({ starts }: Starts, ms: number): number {
  const length = Math.min(ms, starts.length * BUCKET);
  return rate({ starts }, length * STEADY.from, length * STEADY.to);
}

/**
 * How fast the rate follows when jobs change: round trips from the change until the next two have at least 80 % of the
 * steady rate, which is that of the last half until the next change.
 * @param rtt above 0  @param from the change  @param to the next one, or the end
 * @returns undefined where there are less than two
 */
export function tripsUntilSteady(starts: Starts, rtt: number, from: number, to: number): number | undefined {
  const steady = rate(starts, (from + to) / 2, to);
  const span = Math.max(TRIPS * rtt, BUCKET);
  for (let at = from; at + span <= to; at += BUCKET) {
    if (rate(starts, at, at + span) >= ENOUGH * steady) return (at - from) / rtt;
  }
  return undefined;
}

/** The longest time in which both were so, within `[from, to]`; 0 if there was none. ms */
export function longestOverlap(these: readonly Interval[], those: readonly Interval[], [from, to]: Interval): number {
  let longest = 0;
  for (const one of these) {
    let since: number | undefined;
    let until = Number.NEGATIVE_INFINITY;
    for (const other of those) {
      const [start, end] = [Math.max(one[0], other[0], from), Math.min(one[1], other[1], to)];
      if (end <= start) continue;
      // What is apart by less than can be told is one.
      if (since === undefined || start - until > BUCKET) since = start;
      until = end;
      longest = Math.max(longest, until - since);
    }
  }
  return longest;
}
