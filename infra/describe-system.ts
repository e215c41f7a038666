import type { RedisSettings } from '../functions/contract/settings.ts';
import { namedQueues, parseQueues, type Registry } from '../shared/internal.ts';
import type { Consumer } from './consumer.ts';
import type { Scheduler } from './scheduler.ts';
import { type SecretSource, secretRef } from './secret-source.ts';
import type { SystemMetadata } from './system-metadata.ts';

interface DescribedSystem {
  readonly consumers: readonly Consumer[];
  readonly scheduler: Scheduler;
  readonly alarms: boolean;
  readonly metricsDashboard: boolean;
  readonly redis: RedisSettings;
  /** More than Redis's. */
  readonly secrets: readonly (SecretSource | undefined)[];
  readonly registry: Pick<Registry, 'definitions'>;
}

export function describeSystem(system: DescribedSystem): SystemMetadata {
  const { consumers, scheduler, redis, registry } = system;
  const refs = [
    ...(redis.kind === 'upstash' ? [redis.url, redis.token] : [redis.url, redis.auth]),
    ...system.secrets.map((source) => source && secretRef(source)),
  ];
  // Parameters of SSM cost nothing, and several fields of a secret are one.
  const secrets = refs.flatMap((ref) => (typeof ref === 'object' && ref.service === 'secretsmanager' ? [ref.id] : []));
  return {
    consumers: consumers.map((one) => ({
      name: one.consumerName,
      memory: one.memorySize,
      concurrency: one.concurrency,
      maxWorkers: one.maxWorkers,
      reserved: one.reserved,
    })),
    schedulerMemory: scheduler.memorySize,
    ticks: scheduler.wake === undefined,
    queues: new Set(consumers.flatMap((one) => namedQueues(parseQueues(one.queues)))).size,
    alarms: system.alarms,
    metricsDashboard: system.metricsDashboard,
    secrets: new Set(secrets).size,
    upstash: redis.kind === 'upstash',
    drains: Object.fromEntries(consumers.map((one) => [one.consumerName, one.queues])),
    classes: Object.fromEntries(
      registry.definitions.flatMap((one) => (one.queue === undefined ? [] : [[one.class, one.queue]])),
    ),
  };
}
