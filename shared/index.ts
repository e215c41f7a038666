/** Everything that Lambdesque offers to code that uses it. */
export {
  type Client,
  type ClientOptions,
  createClient,
  type Enqueue,
  type Enqueued,
  type EnqueueItem,
  type EnqueueOptions,
} from './client/client.ts';
export { type BadCronInfo, type CronClient, type CronInfo, createCronClient } from './client/cron.ts';
export { createScheduled, type JobFilter, type Scheduled, type WaitingJob } from './client/scheduled.ts';
export { type Clock, sleep, systemClock } from './clock.ts';
export { type ConsumerOptions, consumerDefaults, consumerOptions, defaultNamespace } from './config.ts';
export { Consumer } from './consume/consumer.ts';
export { parseQueues, type QueueList, type QueuePattern, QueueSelector } from './consume/queues.ts';
export type { RunReport, Stopped, Summary } from './consume/report.ts';
export type { ConsumerSetting } from './consume/setting.ts';
export { environment } from './env.ts';
export * from './errors.ts';
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
export { parseWithBigInts } from './json.ts';
export { type LogFields, type Logger, silentLogger } from './log.ts';
export { type ErrorInfo, errorInfo } from './resque/failed-entry.ts';
export { type CronEntry, type CronRule, checkCronEntries, cronRule } from './schedule/cron-entry.ts';
export { CronRunner, type CronRunnerSetting } from './schedule/cron-runner.ts';
export {
  backlogOf,
  consumerOf,
  type FleetLimits,
  type FleetState,
  namedQueues,
  workersToStart,
} from './schedule/fleet.ts';
export { Scheduler, type SchedulerSetting, tickUntil } from './schedule/scheduler.ts';
export { type TickResult, type TickSetting, tick } from './schedule/tick.ts';
export { type AlarmClock, nextMinute, STAY_MS, tellClock, WorkerWake, wakeAfter, wakeBefore } from './schedule/wake.ts';
export { readAgenda } from './store/agenda.ts';
export { type CronState, type CronStatus, type CronStore, redisCronStore } from './store/cron-store.ts';
export { type FleetStore, type Outlook, type QueueState, redisFleetStore, type Survey } from './store/fleet-store.ts';
export type { JobStore, TickStore, WorkerStore } from './store/job-store.ts';
export type { RedisClient } from './store/redis-client.ts';
export { redisJobStore } from './store/redis-job-store.ts';
export { redisTickStore } from './store/redis-tick-store.ts';
export { redisWorkerStore } from './store/redis-worker-store.ts';
export { type Http, type HttpConfig, restClient, type UpstashOptions } from './store/rest-client.ts';
export { redisScheduledStore, type ScheduledStore } from './store/scheduled-store.ts';
export { type RunStore, redisRunStore, redisWakeStore, type WakeOrder, type WakeStore } from './store/wake-store.ts';
export { workerId } from './store/worker-id.ts';
