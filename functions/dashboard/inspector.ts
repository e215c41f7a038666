import type { BadCronInfo, Client, CronInfo } from '../../shared/index.ts';

export type {
  FailedEntry,
  FailedGroup,
  FailedQuery,
  FlowInfo,
  FlowState,
  FlowTree,
  FlowView,
  GateInfo,
  JobQuery,
  JobState,
  JobView,
  LockInfo,
  MemberCounts,
  Page,
  QueueInfo,
  StatPoint,
  StatSeries,
  StepState,
  WorkerInfo,
} from '../../shared/index.ts';

/** The part of a client that the pages look at and change things by. */
export type Inspector = Pick<
  Client,
  'queues' | 'jobs' | 'flows' | 'classes' | 'limits' | 'locks' | 'failed' | 'scheduled' | 'cron' | 'workers' | 'stats'
>;

export type CronItem = CronInfo | BadCronInfo;
