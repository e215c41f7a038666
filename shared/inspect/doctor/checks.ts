import { clock } from './checks/clock.ts';
import { cronEntries } from './checks/cron-entries.ts';
import { deadWorkers } from './checks/dead-workers.ts';
import { delayedIndexes } from './checks/delayed-indexes.ts';
import { delayedTimes } from './checks/delayed-times.ts';
import { eviction } from './checks/eviction.ts';
import { failedList } from './checks/failed-list.ts';
import { inflightWithoutLease } from './checks/inflight-without-lease.ts';
import { keyTypes } from './checks/key-types.ts';
import { leaseWithoutInflight } from './checks/lease-without-inflight.ts';
import { limits } from './checks/limits.ts';
import { memory } from './checks/memory.ts';
import { overdue } from './checks/overdue.ts';
import { parkedJobs } from './checks/parked-jobs.ts';
import { paused } from './checks/paused.ts';
import { pausedClasses } from './checks/paused-classes.ts';
import { persistence } from './checks/persistence.ts';
import { retryPayloads } from './checks/retry-payloads.ts';
import { rubyScheduler } from './checks/ruby-scheduler.ts';
import { serialHolders } from './checks/serial-holders.ts';
import { suspects } from './checks/suspects.ts';
import { undrainedQueues } from './checks/undrained-queues.ts';
import { unknownQueues } from './checks/unknown-queues.ts';
import { version } from './checks/version.ts';
import { workerRecords } from './checks/worker-records.ts';
import type { Check } from './finding.ts';

/** In the order in which they are made: what a later one finds may be mended by an earlier one. */
export const checks: readonly Check[] = [
  version,
  eviction,
  memory,
  persistence,
  clock,
  keyTypes,
  deadWorkers,
  inflightWithoutLease,
  leaseWithoutInflight,
  serialHolders,
  workerRecords,
  unknownQueues,
  undrainedQueues,
  paused,
  pausedClasses,
  parkedJobs,
  limits,
  overdue,
  delayedTimes,
  delayedIndexes,
  retryPayloads,
  rubyScheduler,
  cronEntries,
  failedList,
  suspects,
];
