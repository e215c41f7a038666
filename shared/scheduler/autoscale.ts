import type { Load, Pace, Sampled } from '../broker/redis/starts.ts';
import type { QueueStats } from '../broker/redis/stats.ts';
import type { QueueList } from '../queues/queue-list.ts';
import { QueueSelector } from '../queues/queue-selector.ts';

/** How many workers a consumer may have, and how soon its jobs are to start. */
export interface AutoscaleLimits {
  /** Jobs that one worker runs at once. */
  readonly concurrency: number;
  /** Most workers at a time. */
  readonly maxWorkers: number;
  /** In how many ms a backlog is to be empty. */
  readonly targetLatency: number;
}

export interface AutoscaleState {
  /** What nobody has reserved. */
  readonly backlog: Backlog;
  /** Workers whose lease runs. */
  readonly live: number;
  /** How much of them there is for the backlog: less than `live` where they are busy with jobs that take long. */
  readonly spare: number;
  /** Workers that were started and have not registered yet: Lambda may hold them back. */
  readonly starting: number;
}

export interface Backlog {
  /** Jobs that wait. */
  readonly jobs: number;
  /** Of these, jobs of which nobody knows yet how long they take. */
  readonly unknown: number;
  /** How many workers start all the others within the target. */
  readonly workers: number;
}

/** From the start of a worker to that of its first job, ms, about. */
const START_MS = 1_000;

/**
 * How many workers to start: so many that they empty the backlog within the target with those that live, and no more: a
 * thousand jobs of a millisecond need one. Of jobs that were never measured, one for each `concurrency` of them. Never more
 * than `maxWorkers` with those that live, and one where jobs wait and none lives.
 */
export function workersToStart(
  { concurrency, maxWorkers }: AutoscaleLimits,
  { backlog, live, spare, starting }: AutoscaleState,
): number {
  if (backlog.jobs === 0) return 0;
  // Sums of parts are not exact.
  const measured = Math.max(0, Math.ceil(backlog.workers - spare - 1e-6));
  const needed = measured + Math.ceil(backlog.unknown / concurrency) - starting;
  const least = live + starting === 0 ? 1 : 0;
  return Math.max(0, Math.min(Math.max(least, needed), maxWorkers - live - starting));
}

/** Divides what there is room for: one for each that wants some, in turn, until there is no more. */
export function shareStarts(wanted: readonly number[], room: number): number[] {
  const shares = wanted.map(() => 0);
  let left = Math.max(0, room);
  for (let gave = true; gave && left > 0; ) {
    gave = false;
    for (const [i, most] of wanted.entries()) {
      if (left === 0 || (shares[i] ?? 0) >= most) continue;
      shares[i] = (shares[i] ?? 0) + 1;
      left--;
      gave = true;
    }
  }
  return shares;
}

/** What waits where a consumer looks, and that it would get. @param load what is known of how long it takes */
export function backlogOf(queues: QueueList, stats: QueueStats, load: Load, limits: AutoscaleLimits): Backlog {
  const backlog = { jobs: 0, unknown: 0, workers: 0 };
  /** Where there are too many queues to look into all of them. */
  const all = [...load.waiting.values()].flat();
  for (const { name, depth } of looksAt(queues, stats, false)) {
    const { known, each } = average(load.waiting.get(name) ?? all, load, (pace) => workersFor(pace, limits));
    backlog.jobs += depth;
    backlog.unknown += Math.ceil(depth * (1 - known));
    backlog.workers += depth * known * each;
  }
  return backlog;
}

/**
 * How much of a worker there is for the jobs that wait: one whose places are taken by jobs that take longer than the target
 * starts none of them in time.
 */
export function spareOf(worker: string, { held, paces }: Load, limits: AutoscaleLimits): number {
  const { jobs, some } = held.get(worker) ?? { jobs: 0, some: [] };
  const within = timeOf(limits);
  const slow = some.filter((name) => (paces.get(name ?? '')?.took ?? 0) > within);
  if (slow.length === 0) return 1;
  const places = slow.reduce((sum, name) => sum + 1 / besides(paces.get(name ?? ''), limits), 0) / some.length;
  return Math.max(0, 1 - jobs * places);
}

/** The part of a worker that starts one such job within the target: so many run at once, so often in that time. */
function workersFor(pace: Pace, limits: AutoscaleLimits): number {
  return 1 / (besides(pace, limits) * (Math.floor(timeOf(limits) / pace.took) + 1));
}

/** How many such jobs run beside each other. */
function besides(pace: Pace | undefined, { concurrency }: AutoscaleLimits): number {
  return pace ? Math.max(1, Math.min(concurrency, pace.took / pace.share)) : concurrency;
}

/** What is left of the target for jobs to start, once a worker is there, ms. */
function timeOf({ targetLatency }: AutoscaleLimits): number {
  return Math.max(targetLatency - START_MS, targetLatency / 2);
}

/** @returns the part of those sampled whose class was measured, and the average of those. What cannot be read is like the others. */
function average(sampled: readonly Sampled[], { paces }: Load, of: (pace: Pace) => number) {
  const readable = sampled.filter((name) => name !== undefined);
  const measured = readable.flatMap((name) => paces.get(name) ?? []);
  const known = readable.length === 0 ? 0 : measured.length / readable.length;
  return { known, each: measured.reduce((sum, pace) => sum + of(pace), 0) / (measured.length || 1) };
}

/** Jobs that wait where a consumer looks, in paused queues. */
export function pausedBacklogOf(queues: QueueList, stats: QueueStats): number {
  return looksAt(queues, stats, true).reduce((sum, { depth }) => sum + depth, 0);
}

function looksAt(queues: QueueList, stats: QueueStats, paused: boolean): QueueStats['queues'] {
  const selector = new QueueSelector(queues);
  selector.update(stats.queues.map((one) => one.name));
  const names = new Set(selector.shares(1).map((share) => share.queue));
  return stats.queues.filter((one) => names.has(one.name) && one.paused === paused && one.depth > 0);
}

/** Queues that a list names, which need not be among Resque's `queues`. */
export function namedQueues(queues: QueueList): string[] {
  return queues.patterns.filter((one) => !one.excluded && !/[*?[]/.test(one.pattern)).map((one) => one.pattern);
}
