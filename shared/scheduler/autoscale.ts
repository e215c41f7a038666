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
  /** Workers that were started a moment ago and may not have registered yet. */
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
