import type { Broker } from '../broker.ts';
import type { RedisClient } from './client.ts';
import type { CronReader } from './cron-state.ts';
import { redisSchedulerBroker } from './scheduler.ts';
import type { TimeSource } from './time.ts';
import { redisWorkerBroker } from './worker.ts';

/**
 * The broker on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 * @param reader what was read of cron entries before
 */
export function redisBroker(client: RedisClient, namespace: string, time?: TimeSource, reader?: CronReader): Broker {
  return { ...redisWorkerBroker(client, namespace, time), ...redisSchedulerBroker(client, namespace, time, reader) };
}
