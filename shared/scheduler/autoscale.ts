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
  /** Workers that were started and have not registered yet: Lambda may hold them back. */
  readonly starting: number;
}

export interface Backlog {
  /** Jobs that wait. */
  readonly jobs: number;
  /** Of these, jobs of queues of which nobody knows yet how long they take. */
  readonly unknown: number;
  /** How much of a worker's time the others take, ms. */
  readonly ms: number;
}

/**
 * How many workers to start: so many that they empty the backlog within the target with those that live, and no more: a
 * thousand jobs of a millisecond need one. Of jobs that were never measured, one for each `concurrency` of them. Never more
 * than `maxWorkers` with those that live, and one where jobs wait and none lives.
 */
export function workersToStart(
  { concurrency, maxWorkers, targetLatency }: AutoscaleLimits,
  { backlog, live, starting }: AutoscaleState,
): number {
  if (backlog.jobs === 0) return 0;
  const measured = Math.max(0, Math.ceil(backlog.ms / targetLatency) - live);
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

/**
 * What waits where a consumer looks, and that it would get.
 * @param paces by queue: µs of a worker's time for each of its jobs, as workers have measured it
 */
export function backlogOf(queues: QueueList, stats: QueueStats, paces: ReadonlyMap<string, number>): Backlog {
  const backlog = { jobs: 0, unknown: 0, ms: 0 };
  for (const { name, depth } of looksAt(queues, stats, false)) {
    const micros = paces.get(name);
    backlog.jobs += depth;
    if (micros === undefined) backlog.unknown += depth;
    else backlog.ms += (depth * micros) / 1_000;
  }
  return backlog;
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
