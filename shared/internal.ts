/** What functions/ and infra/ need besides the public API. Not a part of the package that others may import. */

export type {
  Broker,
  Reclaimed,
  SchedulerBroker,
  TickSnapshot,
  WorkerBroker,
  WorkerPlace,
  WrongKey,
} from './broker/broker.ts';
export type { CronBroker, CronState, CronStatus } from './broker/cron-broker.ts';
export { FLOW_STATES } from './broker/flow-broker.ts';
export { namespaceOf } from './broker/namespace.ts';
export { redisBroker } from './broker/redis/broker.ts';
export type { RedisClient } from './broker/redis/client.ts';
export { redisControlBroker } from './broker/redis/control.ts';
export { redisCronBroker } from './broker/redis/cron.ts';
export { CronReader } from './broker/redis/cron-state.ts';
export { readDueTimes } from './broker/redis/due-times.ts';
export { redisFailedBroker, redisFailedTrimBroker } from './broker/redis/failed.ts';
export { redisJobsBroker } from './broker/redis/jobs.ts';
export { namedUrl } from './broker/redis/named-url.ts';
export { type OnDemandBroker, redisOnDemandBroker, type ScheduleOrder } from './broker/redis/on-demand.ts';
export { type OnDemandRunBroker, redisOnDemandRunBroker } from './broker/redis/on-demand-run.ts';
export { openRedis, type RedisOptions } from './broker/redis/open.ts';
export { type Http, type HttpConfig, restClient, type UpstashOptions } from './broker/redis/rest.ts';
export { redisScheduledBroker, type ScheduledBroker } from './broker/redis/scheduled.ts';
export { redisSchedulerBroker } from './broker/redis/scheduler.ts';
export { type LockBroker, redisLockBroker } from './broker/redis/scheduler-lock.ts';
export { redisSeenRequestsBroker, type SeenRequestsBroker } from './broker/redis/seen-requests.ts';
export { shownUrl } from './broker/redis/shown-url.ts';
export { redisSignInBroker, type SignInBroker } from './broker/redis/sign-ins.ts';
export { type Load, redisStartsBroker, type Start, type StartsBroker } from './broker/redis/starts.ts';
export { type QueueState, type QueueStats, redisStatsBroker, type StatsBroker } from './broker/redis/stats.ts';
export type { TimeSource } from './broker/redis/time.ts';
export { parseRedisUrl, type RedisTarget } from './broker/redis/url.ts';
export { redisWorkerBroker } from './broker/redis/worker.ts';
export { clientOver } from './client/client.ts';
export { doctorOver } from './client/doctor.ts';
export { createEnqueuer, type Enqueuer } from './client/enqueuer.ts';
export { jobObject } from './client/job-object.ts';
export { openShards } from './client/shards.ts';
export { type Clock, sleep, systemClock } from './clock.ts';
export {
  defaultNamespace,
  type WorkerOptions,
  type WorkerOptionsInput,
  workerDefaults,
  workerOptions,
} from './config.ts';
export { type DurationRule, durationMs, parseDuration, SHOWN_UNITS, shownDuration } from './duration.ts';
export { environment } from './env.ts';
export { PayloadError, UnknownClassError, WorkerDiedError } from './errors.ts';
export { createCronClient } from './inspect/cron.ts';
export type { Doctor, Examination } from './inspect/doctor/doctor.ts';
export type { Finding } from './inspect/doctor/finding.ts';
export type { Failed } from './inspect/failed.ts';
export { createFailed } from './inspect/failed-client.ts';
export { failedRef, findFailed } from './inspect/failed-ref.ts';
export type { Jobs } from './inspect/jobs.ts';
export { createJobs } from './inspect/jobs-client.ts';
export { createScheduled } from './inspect/scheduled.ts';
export { checkJsonArgs } from './job/json-args.ts';
export { createRegistry, type Registry, wrapHandlers } from './job/registry.ts';
export { parseWithBigInts, stringify } from './json.ts';
export { limitRules, parseLimit } from './limit.ts';
export { silentLogger } from './log.ts';
export { EXPOSITION_TYPE, exposition, type MetricFamily } from './metrics/exposition.ts';
export { RunMetrics } from './metrics/run-metrics.ts';
export { systemMetricsOver } from './metrics/system-metrics.ts';
export { nearest } from './nearest.ts';
export { checkOptions, type KnownOptions, kindOf, type OptionsOf, shown } from './options.ts';
export {
  checkNamed,
  matchesQueue,
  parseQueues,
  type QueueList,
  type QueuePattern,
  textOf,
} from './queues/queue-list.ts';
export { QueueSelector } from './queues/queue-selector.ts';
export {
  type AutoscaleLimits,
  type AutoscaleState,
  backlogOf,
  namedQueues,
  pausedBacklogOf,
  shareStarts,
  spareOf,
  workersToStart,
} from './scheduler/autoscale.ts';
export { type CronRule, checkCronEntries, cronRule } from './scheduler/cron/entry.ts';
export { CronMemory, CronRunner, type CronRunnerDeps } from './scheduler/cron/runner.ts';
export {
  nextMinute,
  type OneTimeSchedule,
  STAY_MS,
  setSchedule,
  WakeRequester,
  type WakeRequesterDeps,
  wakeAfter,
  wakeBefore,
} from './scheduler/on-demand.ts';
export { ProblemLog } from './scheduler/problem-log.ts';
export { Scheduler, type SchedulerDeps, tickUntil } from './scheduler/scheduler.ts';
export type { Follower, Step, Tick, TickTotals } from './scheduler/step.ts';
export { type TickDeps, type TickOptions, type TickResult, tick } from './scheduler/tick.ts';
export { type FailedLimits, FailedTrimmer, failedLimits } from './scheduler/trim-failed.ts';
export { tellLimitsElsewhere } from './service/limits-elsewhere.ts';
export { runWithSignals } from './service/process-signals.ts';
export { ShardedService } from './service/sharded-worker.ts';
export { StopSignals } from './service/stop-signals.ts';
export { traceTick, tracingRuns, tracingSyncs } from './service/traced.ts';
export { WorkerService, type WorkerServiceDeps } from './service/worker-service.ts';
export { type ErrorInfo, errorFields, errorInfo } from './wire/failed-entry.ts';
export { type FunctionWorker, functionWorkerId, functionWorkerOf, workerId } from './wire/worker-id.ts';
export type { WorkerDeps } from './worker/deps.ts';
export type { FlowHost } from './worker/flow-host.ts';
export { Worker } from './worker/worker.ts';
