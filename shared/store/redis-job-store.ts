import type { JobStore } from './job-store.ts';
import type { RedisClient } from './redis-client.ts';
import { redisTickStore } from './redis-tick-store.ts';
import { redisWorkerStore } from './redis-worker-store.ts';

/**
 * The job store on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 */
export function redisJobStore(client: RedisClient, namespace: string): JobStore {
  return { ...redisWorkerStore(client, namespace), ...redisTickStore(client, namespace) };
}
