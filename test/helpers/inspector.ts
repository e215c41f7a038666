import { redisControlBroker } from '../../shared/broker/redis/control.ts';
import { redisFailedBroker } from '../../shared/broker/redis/failed.ts';
import { redisJobsBroker } from '../../shared/broker/redis/jobs.ts';
import { redisLimitsBroker } from '../../shared/broker/redis/limits.ts';
import { redisQueuesBroker } from '../../shared/broker/redis/queues.ts';
import { redisScheduledBroker } from '../../shared/broker/redis/scheduled.ts';
import { redisStatHashesBroker } from '../../shared/broker/redis/stat-hashes.ts';
import { redisStatsBroker } from '../../shared/broker/redis/stats.ts';
import { redisWorkersBroker } from '../../shared/broker/redis/workers.ts';
import { type Classes, createClasses } from '../../shared/inspect/classes.ts';
import { createFailed } from '../../shared/inspect/failed-client.ts';
import type { Jobs } from '../../shared/inspect/jobs.ts';
import { createJobs } from '../../shared/inspect/jobs-client.ts';
import { createLimits, type Limits } from '../../shared/inspect/limits.ts';
import { createQueues, type Queues } from '../../shared/inspect/queues.ts';
import { createScheduled } from '../../shared/inspect/scheduled.ts';
import { createStats, type Stats } from '../../shared/inspect/stats.ts';
import { createWorkers, type Workers } from '../../shared/inspect/workers.ts';
import type { AnyJobDefinition } from '../../shared/job/define.ts';
import { createRegistry } from '../../shared/job/registry.ts';
import { type Brokers, redisTime } from './brokers.ts';

/** What `client` has to look at jobs and change them, over the suite's backend, when Redis's clock says what `redisTime` does. */
export function inspectorOf(
  stores: Brokers,
  definitions: readonly AnyJobDefinition[] = [],
): {
  readonly classes: Classes;
  readonly jobs: Jobs;
  readonly queues: Queues;
  readonly workers: Workers;
  readonly stats: Stats;
  readonly limits: Limits;
} {
  const client = stores.client();
  const parts = {
    queues: redisQueuesBroker(client, 'resque:'),
    stats: redisStatsBroker(client, 'resque:', redisTime.now),
    hashes: redisStatHashesBroker(client, 'resque:'),
    workers: redisWorkersBroker(client, 'resque:', redisTime.now),
    control: redisControlBroker(client, 'resque:', redisTime.now),
    limits: redisLimitsBroker(client, 'resque:', redisTime.now),
  };
  const jobs = redisJobsBroker(client, 'resque:');
  const lists = redisFailedBroker(client, 'resque:', redisTime.now);
  const scheduled = redisScheduledBroker(client, 'resque:', redisTime.now);
  const registry = createRegistry(definitions);
  const waiting = createScheduled(scheduled, registry);
  const failed = createFailed(lists, registry);
  return {
    classes: createClasses(parts.control),
    jobs: createJobs({ jobs, lists, scheduled, waiting, failed, control: parts.control, registry }),
    queues: createQueues(parts),
    workers: createWorkers(parts.workers),
    limits: createLimits({ ...parts, jobs, lists, registry }),
    stats: createStats({ ...parts, time: async () => Number(redisTime.now()) }),
  };
}
