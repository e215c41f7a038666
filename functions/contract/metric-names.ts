/** What stands in the dimensions of a metric. */
export type Dimension = 'system' | 'consumer' | 'queue' | 'class';

interface MetricInfo {
  /** In CloudWatch. */
  readonly name: string;
  readonly unit: 'Count' | 'Seconds' | 'Milliseconds';
  /** Its one set of dimensions; the consumer's get a second set with `class` if asked (`classMetrics`). */
  readonly dimensions: readonly Dimension[];
}

/** Every metric, in CloudWatch's words. Dashboard and alarms are made from this list. */
export const metrics = {
  // Written by consumers: sums over the jobs of a queue, and distributions.
  /** Runs that ended: succeeded, failed, retried or discarded. */
  processed: { name: 'Processed', unit: 'Count', dimensions: ['system', 'consumer', 'queue'] },
  succeeded: { name: 'Succeeded', unit: 'Count', dimensions: ['system', 'consumer', 'queue'] },
  /** Went to the failed list. */
  failed: { name: 'Failed', unit: 'Count', dimensions: ['system', 'consumer', 'queue'] },
  /** Attempts that failed and are to be tried again. */
  retried: { name: 'Retried', unit: 'Count', dimensions: ['system', 'consumer', 'queue'] },
  /** How long a handler ran. */
  duration: { name: 'Duration', unit: 'Milliseconds', dimensions: ['system', 'consumer', 'queue'] },
  /** From enqueuing to the start of the run; only of jobs that say when they were enqueued (`queue_time`). */
  queueWait: { name: 'QueueWait', unit: 'Milliseconds', dimensions: ['system', 'consumer', 'queue'] },

  // Written by the scheduler, each minute.
  /** Jobs that wait. */
  depth: { name: 'Depth', unit: 'Count', dimensions: ['system', 'queue'] },
  /** Age of the job at the head; only where it says when it was enqueued. 0 for an empty queue. */
  oldestAge: { name: 'OldestAge', unit: 'Seconds', dimensions: ['system', 'queue'] },
  /** Workers whose lease runs. */
  liveWorkers: { name: 'LiveWorkers', unit: 'Count', dimensions: ['system', 'consumer'] },
  /** Jobs of dead workers that went back to their queues. */
  reclaimed: { name: 'Reclaimed', unit: 'Count', dimensions: ['system', 'consumer'] },
  /** Delayed jobs that wait for their time. */
  delayed: { name: 'Delayed', unit: 'Count', dimensions: ['system'] },
  /** Failed attempts that wait for the next one. */
  retries: { name: 'Retries', unit: 'Count', dimensions: ['system'] },
  failedLength: { name: 'FailedLength', unit: 'Count', dimensions: ['system'] },
  /** How late the earliest due job was promoted. */
  promotionLateness: { name: 'PromotionLateness', unit: 'Milliseconds', dimensions: ['system'] },
  /** 1 for each tick; missing where the scheduler is silent. */
  ticks: { name: 'Ticks', unit: 'Count', dimensions: ['system'] },
} as const satisfies Record<string, MetricInfo>;
