/**
 * The CDK constructs: the whole system, and each of its parts.
 * @module lambdesque/cdk
 */

export { Consumer, type ConsumerOptions, type ConsumerProps } from './consumer.ts';
export { Dashboard, type DashboardOptions, type DashboardProps } from './dashboard.ts';
export { Doorbell, type DoorbellProps } from './doorbell.ts';
export {
  EnqueueFunction,
  type EnqueueFunctionProps,
  type EnqueueOptions,
  type EnqueueSource,
  type EventRule,
} from './enqueue-function.ts';
export { FailureQueue, type FailureQueueProps } from './function/failure-queue.ts';
export { type FunctionOptions, LambdesqueFunction, type SystemOptions } from './function/function.ts';
export type { KeepOptions } from './function/logs.ts';
export type { AdotLayer, FunctionTracing } from './function/tracing.ts';
export { Lambdesque, type LambdesqueProps } from './lambdesque.ts';
export { MinuteTick, type MinuteTickProps } from './minute-tick.ts';
export { OnDemand, type OnDemandProps } from './on-demand.ts';
export type { Queues } from './queues.ts';
export {
  RedisConnection,
  type TcpConnectionProps,
  type UpstashConnectionProps,
} from './redis-connection.ts';
export {
  type FailedListLimits,
  type ScheduledConsumer,
  Scheduler,
  type SchedulerOptions,
  type SchedulerProps,
} from './scheduler.ts';
export type { SecretField, SecretSource } from './secret-source.ts';
export { type AlarmOptions, Alarms, type AlarmsProps } from './watching/alarms.ts';
export type { MetricOptions, MetricSource, QueueMetricOptions } from './watching/metrics.ts';
export { MetricsDashboard, type MetricsDashboardProps } from './watching/metrics-dashboard.ts';
export { Queries, type QueriesProps } from './watching/queries.ts';
