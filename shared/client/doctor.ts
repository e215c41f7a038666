import { redisBroker } from '../broker/redis/broker.ts';
import type { RedisClient } from '../broker/redis/client.ts';
import { redisControlBroker } from '../broker/redis/control.ts';
import { redisCronBroker } from '../broker/redis/cron.ts';
import { redisDoctorBroker } from '../broker/redis/doctor.ts';
import { redisGatesDoctor } from '../broker/redis/doctor-gates.ts';
import { redisFailedBroker } from '../broker/redis/failed.ts';
import { redisScheduledBroker } from '../broker/redis/scheduled.ts';
import { redisWorkersBroker } from '../broker/redis/workers.ts';
import { type Clock, systemClock } from '../clock.ts';
import { createDoctor, type Doctor } from '../inspect/doctor/doctor.ts';
import { clientOver } from './client.ts';

/** A doctor for the Redis behind a client that is open already. @param clock of this machine, to be compared with Redis's */
export function doctorOver(redis: RedisClient, namespace: string, clock: Clock = systemClock): Doctor {
  const { limits, queues, workers, failed, stats } = clientOver(redis, { namespace });
  return createDoctor({
    store: redisBroker(redis, namespace),
    doctor: redisDoctorBroker(redis, namespace),
    gates: redisGatesDoctor(redis, namespace),
    control: redisControlBroker(redis, namespace),
    limits,
    cron: redisCronBroker(redis, namespace),
    lists: redisFailedBroker(redis, namespace),
    scheduled: redisScheduledBroker(redis, namespace),
    survey: redisWorkersBroker(redis, namespace),
    queues,
    workers,
    failed,
    stats,
    clock,
  });
}
