import { consumerOf, type QueueStats, type Reclaimed } from '../../shared/internal.ts';
import { dimensionValue, emfLine } from '../aws/embedded-metrics.ts';
import { workersByConsumer } from './start-consumers.ts';

export interface GaugesOptions {
  /** undefined where they cannot be read. */
  readonly stats: QueueStats | undefined;
  readonly namespace: string;
  /** AWS's clock, epoch ms: the lines carry it. */
  readonly now: number;
  /** Names of all consumers: one without a live worker has 0. */
  readonly consumers: readonly string[];
  /** Jobs of dead workers that went back, by consumer. */
  readonly reclaimed: ReadonlyMap<string, number>;
  /** Of the promoted jobs, ms. */
  readonly lateness: number;
  /** Queues whose last line said that they are empty; kept up to date. Each metric is billed for the hours that have it. */
  readonly empty: Set<string>;
  /** The first tick of an invocation prints all metrics; later ones only what they did. */
  readonly whole: boolean;
}

/** Each queue's metrics are billed by themselves: only the deepest so many have them. */
const MOST_QUEUES = 100;

/** A scheduler's metrics after a tick. */
export function gaugeLines(options: GaugesOptions): string[] {
  const { stats, namespace, now, consumers, reclaimed, lateness, empty, whole } = options;
  const common = { namespace, now };
  const lines = [...reclaimed].map(([consumer, jobs]) =>
    emfLine({ ...common, dimensions: { consumer }, values: { reclaimed: jobs } }),
  );
  if (!whole) return [...lines, emfLine({ ...common, dimensions: {}, values: { promotionLateness: lateness } })];

  const waiting = stats && { delayed: stats.delayed, retries: stats.retries, failedLength: stats.failed };
  lines.push(emfLine({ ...common, dimensions: {}, values: { ticks: 1, ...waiting, promotionLateness: lateness } }));
  if (!stats) return lines;
  const queues = [...stats.queues].sort((a, b) => b.depth - a.depth).slice(0, MOST_QUEUES);
  for (const { name, depth, oldest } of queues) {
    if (depth > 0) empty.delete(name);
    else if (empty.has(name)) continue;
    else empty.add(name);
    const age = depth === 0 ? 0 : oldest === undefined ? undefined : Math.max(0, stats.now - oldest) / 1000;
    const dimensions = { queue: dimensionValue(name) };
    lines.push(emfLine({ ...common, dimensions, values: { depth, ...(age === undefined ? {} : { oldestAge: age }) } }));
  }
  const workers = workersByConsumer(stats);
  for (const consumer of consumers) {
    lines.push(emfLine({ ...common, dimensions: { consumer }, values: { liveWorkers: workers.get(consumer) ?? 0 } }));
  }
  return lines;
}

/** Counts, by consumer, the jobs of dead workers that went back. */
export function countReclaimed(reclaimed: Map<string, number>, { worker, jobs }: Reclaimed): void {
  const name = consumerOf(worker) ?? '(other)';
  if (jobs > 0) reclaimed.set(name, (reclaimed.get(name) ?? 0) + jobs);
}
