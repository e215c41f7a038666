import { BUCKETS_MS } from '../broker/ops/run-times.ts';
import type { RedisClient } from '../broker/redis/client.ts';
import { redisControlBroker } from '../broker/redis/control.ts';
import { readDueTimes } from '../broker/redis/due-times.ts';
import { redisLimitsBroker } from '../broker/redis/limits.ts';
import { redisQueuesBroker } from '../broker/redis/queues.ts';
import { type PairTimes, redisStatHashesBroker, type StatSum } from '../broker/redis/stat-hashes.ts';
import { redisStatsBroker } from '../broker/redis/stats.ts';
import { redisWorkersBroker } from '../broker/redis/workers.ts';
import { createQueues, type QueueInfo } from '../inspect/queues.ts';
import { createStats, type StatTotals } from '../inspect/stats.ts';
import type { MetricFamily, Sample } from './exposition.ts';
import { histogramSamples } from './labelled.ts';

const SECONDS = BUCKETS_MS.map((ms) => ms / 1_000);
const OUTCOMES = ['succeeded', 'failed', 'retried', 'discarded'] as const;

/**
 * What Redis knows of a whole system, for Prometheus: the same whoever is asked.
 * @param namespace prefix of every key
 * @returns reads it: 14 commands, more beyond 4,000 queues
 */
export function systemMetricsOver(redis: RedisClient, namespace: string): () => Promise<MetricFamily[]> {
  const inspected = {
    queues: redisQueuesBroker(redis, namespace),
    stats: redisStatsBroker(redis, namespace),
    hashes: redisStatHashesBroker(redis, namespace),
    workers: redisWorkersBroker(redis, namespace),
    control: redisControlBroker(redis, namespace),
    limits: redisLimitsBroker(redis, namespace),
  };
  const queues = createQueues(inspected);
  const stats = createStats({ ...inspected, time: async () => (await readDueTimes(redis, namespace)).now });
  return async () => {
    const [due, totals, found] = await Promise.all([readDueTimes(redis, namespace), stats.totals(), queues.list()]);
    const { sums, times } = await inspected.hashes.day(due.now);
    const overdue = Math.max(0, due.now - Math.min(due.retry ?? Infinity, due.delayed ?? Infinity));
    return [...ofQueues(found, due.now), ...ofJobs(sums, times), ...ofSystem(totals, overdue / 1_000)];
  };
}

const gauge = (name: string, help: string, samples: readonly Sample[]): MetricFamily => ({
  name: `lambdesque_${name}`,
  type: 'gauge',
  help,
  samples,
});

function ofQueues(queues: readonly QueueInfo[], now: number): MetricFamily[] {
  const each = (name: string, help: string, value: (queue: QueueInfo) => number | undefined) =>
    gauge(
      `queue_${name}`,
      help,
      queues.flatMap((queue) => {
        const found = value(queue);
        return found === undefined ? [] : [{ labels: { queue: queue.name }, value: found }];
      }),
    );
  return [
    each('size', 'Jobs that wait in the queue.', ({ size }) => size),
    each(
      'oldest_age_seconds',
      'Age of the job at the head; missing where its payload does not say when it was enqueued, 0 for an empty queue.',
      ({ size, oldest }) => (size === 0 ? 0 : oldest && Math.max(0, now - oldest.getTime()) / 1_000),
    ),
    each('running', 'Jobs of the queue that workers hold: running, or reserved to run next.', ({ running }) => running),
    each('workers', 'Live workers whose queue lists match it.', ({ workers }) => workers.length),
    each('paused', '1 while it gives nothing.', ({ paused }) => Number(paused)),
  ];
}

/** Of this day, UTC: counters that begin anew at midnight, which Prometheus takes for a restart. */
function ofJobs(sums: readonly StatSum[], times: readonly PairTimes[]): MetricFamily[] {
  const labels = ({ queue, class: name }: { readonly queue: string; readonly class: string }) => ({
    queue,
    class: name,
  });
  const known = new Map(sums.map((one) => [JSON.stringify(labels(one)), one]));
  const histogram = (
    name: string,
    help: string,
    counts: (of: PairTimes) => readonly number[],
    sum: (of: StatSum) => number,
  ) => ({
    name: `lambdesque_${name}`,
    type: 'histogram' as const,
    help,
    samples: times.flatMap((one): Sample[] => {
      const total = known.get(JSON.stringify(labels(one)));
      return total && counts(one).some((count) => count > 0)
        ? histogramSamples(labels(one), SECONDS, counts(one), sum(total))
        : [];
    }),
  });
  return [
    {
      name: 'lambdesque_jobs_processed_total',
      type: 'counter',
      help: 'Attempts that ended in workers of Lambdesque, since midnight UTC.',
      samples: sums.flatMap((one) =>
        OUTCOMES.map((outcome) => ({ labels: { ...labels(one), outcome }, value: one[outcome] })),
      ),
    },
    histogram(
      'job_duration_seconds',
      'How long handlers ran, since midnight UTC.',
      ({ durations }) => durations,
      ({ micros }) => micros / 1_000_000,
    ),
    histogram(
      'job_wait_seconds',
      'From enqueuing to the start of the first attempt, of jobs that say when they were enqueued, since midnight UTC.',
      ({ waits }) => waits,
      ({ waitMs }) => waitMs / 1_000,
    ),
  ];
}

/** @param overdue seconds */
function ofSystem(totals: StatTotals, overdue: number): MetricFamily[] {
  const one = (name: string, help: string, value: number) => gauge(name, help, [{ value }]);
  return [
    one('workers', 'Workers that are not known to be dead.', totals.workers),
    one(
      'scheduled_jobs',
      'Delayed jobs; at least so many where there are more than 1,000 due times.',
      totals.scheduled,
    ),
    one('retry_jobs', 'Failed attempts that wait for the next one.', totals.retries),
    one('parked_jobs', 'Jobs that a limit, a paused class or an equal job holds back.', totals.parked),
    one('failed_jobs', 'Entries in the failed list.', totals.failedList),
    one('paused', '1 while no worker takes a job.', Number(totals.paused)),
    one(
      'scheduler_overdue_seconds',
      'How long ago the earliest job that waits for its time was due; 0 while none is.',
      overdue,
    ),
  ];
}
