import type { QueueInfo, StatTotals } from '../../shared/index.ts';

/** What the inspector says where nothing is: a test names only what matters to it. */

export function queueInfo(name: string, given: Partial<QueueInfo> = {}): QueueInfo {
  return {
    name,
    size: 0,
    oldest: undefined,
    running: 0,
    paused: false,
    serial: false,
    limit: undefined,
    workers: ['host:1:*'],
    rates: { in: undefined, out: 0, failed: 0 },
    ...given,
  };
}

export function statTotals(now: Date): StatTotals {
  return {
    processed: 0,
    failed: 0,
    queued: 0,
    scheduled: 0,
    retries: 0,
    parked: 0,
    failedList: 0,
    workers: 0,
    running: 0,
    paused: false,
    now,
  };
}
