/** Everything that Lambdesque offers to code that uses it. */

export type { Broker, SchedulerBroker, WorkerBroker } from './broker/broker.ts';
export { namespaceOf } from './broker/namespace.ts';
export { redisBroker } from './broker/redis/broker.ts';
export type { RedisClient } from './broker/redis/client.ts';
export { type CronBroker, type CronState, type CronStatus, redisCronBroker } from './broker/redis/cron.ts';
export { readDueTimes } from './broker/redis/due-times.ts';
export {
  type OnDemandBroker,
  type OnDemandRunBroker,
  redisOnDemandBroker,
  redisOnDemandRunBroker,
  type ScheduleOrder,
} from './broker/redis/on-demand.ts';
export { type Http, type HttpConfig, restClient, type UpstashOptions } from './broker/redis/rest.ts';
export { redisScheduledBroker, type ScheduledBroker } from './broker/redis/scheduled.ts';
export { redisSchedulerBroker } from './broker/redis/scheduler.ts';
export { shownUrl } from './broker/redis/shown-url.ts';
export {
  type QueueState,
  type QueueStats,
  redisStatsBroker,
  type StatsBroker,
  type TickSnapshot,
} from './broker/redis/stats.ts';
export { parseRedisUrl, type RedisTarget } from './broker/redis/url.ts';
export { redisWorkerBroker } from './broker/redis/worker.ts';
export {
  type Client,
  type ClientOptions,
  createClient,
  type Enqueue,
  type Enqueued,
  type EnqueueItem,
  type EnqueueOptions,
} from './client/client.ts';
export { type Clock, sleep, systemClock } from './clock.ts';
export { defaultNamespace, type WorkerOptions, workerDefaults, workerOptions } from './config.ts';
export { environment } from './env.ts';
export * from './errors.ts';
export { type BadCronInfo, type CronClient, type CronInfo, createCronClient } from './inspect/cron.ts';
export { createScheduled, type JobFilter, type Scheduled, type WaitingJob } from './inspect/scheduled.ts';
export type { JobContext, JobInfo } from './job/context.ts';
export { type AnyJobDefinition, type Args, defineJob, type JobDefinition, type JobOptions } from './job/define.ts';
export type { Middleware } from './job/middleware.ts';
export { createRegistry, type Registry } from './job/registry.ts';
export {
  type Backoff,
  type BackoffFunction,
  type ExponentialOptions,
  exponential,
  type RetryOptions,
} from './job/retry.ts';
export { similarName } from './job/similar.ts';
export { parseWithBigInts } from './json.ts';
export { type LogFields, type Logger, silentLogger } from './log.ts';
export { parseQueues, type QueueList, type QueuePattern, QueueSelector } from './queues/queue-list.ts';
export {
  type AutoscaleLimits,
  type AutoscaleState,
  backlogOf,
  consumerOf,
  namedQueues,
  workersToStart,
} from './scheduler/autoscale.ts';
export { type CronEntry, type CronRule, checkCronEntries, cronRule } from './scheduler/cron/entry.ts';
export { CronRunner, type CronRunnerDeps } from './scheduler/cron/runner.ts';
export {
  nextMinute,
  type OneTimeSchedule,
  STAY_MS,
  setSchedule,
  WakeRequester,
  wakeAfter,
  wakeBefore,
} from './scheduler/on-demand.ts';
export { Scheduler, type SchedulerDeps, tickUntil } from './scheduler/scheduler.ts';
export { type TickDeps, type TickResult, tick } from './scheduler/tick.ts';
export { type ErrorInfo, errorFields, errorInfo } from './wire/failed-entry.ts';
export { workerId } from './wire/worker-id.ts';
export type { WorkerDeps } from './worker/deps.ts';
export type { RunReport, Stopped, Summary } from './worker/reporter.ts';
export { Worker } from './worker/worker.ts';
