/**
 * The public API of Lambdesque: define jobs, enqueue them, run them.
 * @module lambdesque
 */

export type { CronPast, CronStatus } from './broker/cron-broker.ts';
export type { RedisOptions } from './broker/redis/open.ts';
export { type Client, type ClientOptions, createClient } from './client/client.ts';
export { defineFlowJob, type FlowJobOptions } from './client/define-flow-job.ts';
export type { EnqueueAll, EnqueueItem } from './client/enqueuer.ts';
export {
  type ClientShard,
  createShardedClient,
  type ShardedClient,
  type ShardedClientOptions,
  type ShardedEnqueued,
  type ShardedEnqueueItem,
  type ShardedEnqueueOptions,
} from './client/sharded-client.ts';
export type { ShardOptions } from './client/shards.ts';
export { startFlow } from './client/start-flow.ts';
export type { Numbers } from './config.ts';
export type { Duration } from './duration.ts';
export {
  ArgumentsError,
  CancelledError,
  ConfigError,
  DeadlineError,
  Discard,
  DuplicateJobError,
  ExpiredError,
  JobDeadlineError,
  JobTimeoutError,
  LambdesqueError,
  LeaseLostError,
  LiveWorkerError,
  MiddlewareError,
  PartlyEnqueuedError,
  RedisAuthError,
  RedisReplyError,
  RedisTypeError,
  RedisUnavailableError,
  ResultError,
  ShardsPartlyEnqueuedError,
  ShutdownError,
  SkipRetry,
  UntrackedJobError,
  WaitTimeoutError,
} from './errors.ts';
export type { Classes } from './inspect/classes.ts';
export type { BadCronInfo, CronClient, CronInfo } from './inspect/cron.ts';
export type {
  Failed,
  FailedDay,
  FailedDays,
  FailedEntry,
  FailedGroup,
  FailedGroups,
  FailedList,
  FailedPage,
  FailedQuery,
  FailedRef,
} from './inspect/failed.ts';
export type {
  FlowInfo,
  FlowListOptions,
  FlowPart,
  FlowProgress,
  FlowState,
  Flows,
  FlowTree,
  FlowView,
  MemberCounts,
  StepError,
  StepState,
} from './inspect/flows.ts';
export type { AttemptError, JobState, JobView, Page } from './inspect/job-view.ts';
export type { WaitOptions } from './inspect/job-wait.ts';
export type { Cancelled, FoundJobs, JobAt, JobQuery, Jobs } from './inspect/jobs.ts';
export type { GateHolder, GateInfo, Limits } from './inspect/limits.ts';
export type { LockInfo, Locks } from './inspect/locks.ts';
export type { QueueInfo, QueueRates, Queues } from './inspect/queues.ts';
export type { JobFilter, Scheduled, WaitingCount, WaitingJob, WaitingPage } from './inspect/scheduled.ts';
export type { SeriesOptions, StatPoint, StatSeries, Stats, StatTotals } from './inspect/stats.ts';
export type { WorkerInfo, Workers } from './inspect/workers.ts';
export type { Batch, BatchContext, BatchedJob, BatchOptions } from './job/batch.ts';
export type { EndedJob, JobCallbacks } from './job/callbacks.ts';
export type { CronOrigin, JobContext, JobInfo } from './job/context.ts';
export type { TrackOptions } from './job/control-options.ts';
export type { DefaultOptions } from './job/default-options.ts';
export type { JobDefaults } from './job/defaults.ts';
export { type AnyJobDefinition, type Args, defineJob, type JobDefinition, type JobOptions } from './job/define.ts';
export { type ActiveJobOptions, defineActiveJob } from './job/define-active-job.ts';
export { type BatchJobOptions, defineBatchJob } from './job/define-batch-job.ts';
export type { ActiveJobDefaults, Enqueue, Enqueued, EnqueueOptions, JobRef, Target } from './job/enqueue.ts';
export {
  chain,
  chord,
  type FlowChain,
  type FlowGroup,
  type FlowNode,
  type FlowStep,
  type GroupOptions,
  group,
  type JobFlow,
  type StepOptions,
  step,
  type WithoutLast,
} from './job/flow.ts';
export type { Flow, FlowOptions, MakeFlow, StartedFlow } from './job/flow-options.ts';
export type { Middleware } from './job/middleware.ts';
export type { Progress } from './job/progress.ts';
export { type ResqueLockOptions, resqueLock } from './job/resque-plugins/lock.ts';
export { type ResqueLonerOptions, resqueLoner } from './job/resque-plugins/loner.ts';
export { type ResqueRetryOptions, resqueRetry } from './job/resque-plugins/retry.ts';
export { type ResqueStatusOptions, resqueStatus } from './job/resque-plugins/status.ts';
export {
  type Backoff,
  type BackoffFunction,
  type ExponentialOptions,
  exponential,
  RetryIn,
  type RetryOptions,
} from './job/retry.ts';
export type { Errors, RetryOn } from './job/retry-on.ts';
export type { UniqueOptions } from './job/unique-options.ts';
export type { KeyedLimit, Limit } from './limit.ts';
export type { LogFields, Logger } from './log.ts';
export { consoleLogger } from './log.ts';
export type { CronEntry, IntervalOptions } from './scheduler/cron/entry.ts';
export type { TickTotals } from './scheduler/step.ts';
export type { FailedLimits } from './scheduler/trim-failed.ts';
export {
  type CreateShardedWorkerOptions,
  createShardedWorker,
  type ShardedWorker,
  type WorkerShard,
} from './service/create-sharded-worker.ts';
export { type CreateWorkerOptions, createWorker, type Worker } from './service/create-worker.ts';
export type { WorkerEvents } from './service/worker-service.ts';
export type { Operation, SentJob, Telemetry, TraceContext, TracedJob } from './telemetry.ts';
export type { ActiveJobInfo, ResquePlugin } from './types.ts';
export {
  GlobalId,
  keywords,
  RubyDate,
  RubyDecimal,
  RubyDuration,
  RubyFloat,
  RubyModule,
  RubyRange,
  RubySymbol,
  RubyTime,
  serializedBy,
  symbolKeys,
} from './wire/active-job/values.ts';
export type { FailedFields } from './wire/read-failed.ts';
export type { TrackedJob } from './wire/read-status.ts';
export type { WhyIdle } from './worker/queue-poller.ts';
export type { RunReport, Stopped, Summary } from './worker/reporter.ts';
export type { WhyShutdown } from './worker/shutdown.ts';
