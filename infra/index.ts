/** The constructs: the whole system, and each of its parts. */
export { type AlarmOptions, Alarms, type AlarmsProps } from './alarms.ts';
export { Consumer, type ConsumerOptions, type ConsumerProps } from './consumer.ts';
export { Dashboard, type DashboardProps } from './dashboard.ts';
export { FailureQueue, type FailureQueueProps } from './failure-queue.ts';
export { type FunctionOptions, LambdesqueFunction, type SystemOptions } from './function.ts';
export { Lambdesque, type LambdesqueProps } from './lambdesque.ts';
export type { MetricOptions, QueueMetricOptions } from './metrics.ts';
export { Queries, type QueriesProps } from './queries.ts';
export type { Queues } from './queue-list.ts';
export {
  RedisConnection,
  type SecretField,
  type SecretSource,
  type TcpConnectionProps,
  type UpstashConnectionProps,
} from './redis-connection.ts';
export { type ScheduledConsumer, Scheduler, type SchedulerOptions, type SchedulerProps } from './scheduler.ts';
export { Wake, type WakeProps } from './wake.ts';
