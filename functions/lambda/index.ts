/**
 * Handlers for functions that are deployed without the CDK constructs: by SAM, SST, Terraform.
 * @module lambdesque/lambda
 */

export type { AwsEvent } from '../enqueue/events.ts';
export type { EnqueueMap, EnqueueRule } from '../enqueue/rule.ts';
export type { BatchItemFailure, BatchResponse } from '../enqueue.ts';
export {
  type ConsumerHandlerOptions,
  createConsumerHandler,
  type LambdaContext,
  type LambdaHandler,
  type LambdaOptions,
} from './consumer.ts';
export { createEnqueueHandler, type EnqueueHandlerOptions, type RungConsumer } from './enqueue.ts';
export type { LambdaRedis, ManagedSecret, SecureParameter, StoredSecret } from './redis.ts';
export { createSchedulerHandler, type SchedulerHandlerOptions, type StartedConsumer } from './scheduler.ts';
