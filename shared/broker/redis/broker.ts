import type { Broker } from '../broker.ts';
import type { RedisClient } from './client.ts';
import { redisSchedulerBroker } from './scheduler.ts';
import { redisWorkerBroker } from './worker.ts';

/**
 * The job store on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 */
export function redisBroker(client: RedisClient, namespace: string): Broker {
  return { ...redisWorkerBroker(client, namespace), ...redisSchedulerBroker(client, namespace) };
}
