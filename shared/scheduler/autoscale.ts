import type { QueueStats } from '../broker/redis/stats.ts';
import type { QueueList } from '../queues/queue-list.ts';
import { QueueSelector } from '../queues/queue-selector.ts';

/** How many workers a consumer may have, and how much each takes at a time. */
export interface AutoscaleLimits {
  /** Jobs that one worker runs at once. */
  readonly concurrency: number;
  /** Most workers at a time. */
  readonly maxWorkers: number;
}

export interface AutoscaleState {
  /** Jobs that nobody has reserved. */
  readonly backlog: number;
  /** Workers whose lease runs. */
  readonly live: number;
  /** Workers that were started and have not registered yet: Lambda may hold them back. */
  readonly starting: number;
}

/**
 * How many workers to start: one for each `concurrency` jobs that wait, since what is in flight has a worker already;
 * never more than `maxWorkers` with those that live.
 */
export function workersToStart(
  { concurrency, maxWorkers }: AutoscaleLimits,
  { backlog, live, starting }: AutoscaleState,
): number {
  const needed = Math.ceil(backlog / concurrency) - starting;
  return Math.max(0, Math.min(needed, maxWorkers - live - starting));
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

/** Jobs that wait where a consumer looks, and that it would get. */
export function backlogOf(queues: QueueList, stats: QueueStats): number {
  return jobsIn(queues, stats, false);
}

/** Jobs that wait where a consumer looks, in paused queues. */
export function pausedBacklogOf(queues: QueueList, stats: QueueStats): number {
  return jobsIn(queues, stats, true);
}

function jobsIn(queues: QueueList, stats: QueueStats, paused: boolean): number {
  const selector = new QueueSelector(queues);
  selector.update(stats.queues.map((one) => one.name));
  const names = new Set(selector.shares(1).map((share) => share.queue));
  return stats.queues.reduce((sum, one) => (names.has(one.name) && one.paused === paused ? sum + one.depth : sum), 0);
}

/** Queues that a list names, which need not be among Resque's `queues`. */
export function namedQueues(queues: QueueList): string[] {
  return queues.patterns.filter((one) => !one.excluded && !/[*?[]/.test(one.pattern)).map((one) => one.pattern);
}
