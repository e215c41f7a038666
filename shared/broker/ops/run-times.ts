/**
 * How often handlers and waits took how long: a hash for each day, `<number of the bucket> ["<queue>","<class>"]` → how many. A
 * bucket is a field of its own, so that a sync adds to one or two of them and reads none.
 */

/** Upper ends of the buckets, ms; one without an end follows. From jobs of a millisecond to those of an hour. */
export const BUCKETS_MS = [1, 5, 10, 50, 100, 500, 1e3, 5e3, 1e4, 3e4, 6e4, 3e5, 9e5, 36e5];
/** Buckets of handlers’ times; as many of waits come behind them. */
export const BUCKETS = BUCKETS_MS.length + 1;

/** Counts by bucket; handlers’ first. */
export type RunTimes = number[];

export function countTime(times: RunTimes, ms: number): void {
  const bucket = bucketOf(ms);
  times[bucket] = (times[bucket] ?? 0) + 1;
}

export function countWait(times: RunTimes, ms: number): void {
  const bucket = BUCKETS + bucketOf(ms);
  times[bucket] = (times[bucket] ?? 0) + 1;
}

function bucketOf(ms: number): number {
  const found = BUCKETS_MS.findIndex((end) => ms <= end);
  return found < 0 ? BUCKETS_MS.length : found;
}

/** As the script takes it: `3=2 20=1 `. */
export function timesText(times: RunTimes): string {
  return times.map((count, bucket) => `${bucket}=${count} `).join('');
}
