import { functionWorkerOf, type QueueStats, type Reclaimed } from '../../shared/internal.ts';
import { dimensionValue, emfLine } from '../aws/embedded-metrics.ts';
import { workersByConsumer } from './start-consumers.ts';

interface GaugesOptions {
  /** undefined where they cannot be read. */
  readonly stats: QueueStats | undefined;
  readonly namespace: string;
  /** The scheduler's own. */
  readonly system: string;
  /** AWS's clock, epoch ms: the lines carry it. */
  readonly now: number;
  /** Names of all consumers: one without a live worker has 0. */
  readonly consumers: readonly string[];
  /** Jobs of dead workers that went back. */
  readonly reclaimed: ReclaimedCounts;
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
  const { stats, namespace, system, now, consumers, reclaimed, lateness, empty, whole } = options;
  const common = { namespace, now };
  const lines = reclaimed
    .list(system)
    .map(({ jobs, ...whose }) => emfLine({ ...common, dimensions: whose, values: { reclaimed: jobs } }));
  const own = { system };
  if (!whole) return [...lines, emfLine({ ...common, dimensions: own, values: { promotionLateness: lateness } })];

  const waiting = stats && { delayed: stats.delayed, retries: stats.retries, failedLength: stats.failed };
  lines.push(emfLine({ ...common, dimensions: own, values: { ticks: 1, ...waiting, promotionLateness: lateness } }));
  if (!stats) return lines;
  const queues = [...stats.queues].sort((a, b) => b.depth - a.depth).slice(0, MOST_QUEUES);
  for (const { name, depth, oldest } of queues) {
    if (depth > 0) empty.delete(name);
    else if (empty.has(name)) continue;
    else empty.add(name);
    const age = depth === 0 ? 0 : oldest === undefined ? undefined : Math.max(0, stats.now - oldest) / 1000;
    const dimensions = { system, queue: dimensionValue(name) };
    lines.push(emfLine({ ...common, dimensions, values: { depth, ...(age === undefined ? {} : { oldestAge: age }) } }));
  }
  const workers = workersByConsumer(stats, system);
  for (const consumer of consumers) {
    const dimensions = { system, consumer };
    lines.push(emfLine({ ...common, dimensions, values: { liveWorkers: workers.get(consumer)?.length ?? 0 } }));
  }
  return lines;
}

interface Reclaims {
  readonly system: string;
  readonly consumer: string;
  readonly jobs: number;
}

/** Counts the jobs of dead workers that went back, by whose they were: any system's scheduler finds any system's dead. */
export class ReclaimedCounts {
  readonly #counts = new Map<string, { system: string | undefined; consumer: string; jobs: number }>();

  add({ worker, jobs }: Pick<Reclaimed, 'worker' | 'jobs'>): void {
    if (jobs === 0) return;
    const { system, consumer = '(other)' } = functionWorkerOf(worker) ?? {};
    const key = `${consumer}@${system}`;
    const count = this.#counts.get(key) ?? { system, consumer, jobs: 0 };
    count.jobs += jobs;
    this.#counts.set(key, count);
  }

  /** @param system that of what is no function: whoever found it */
  list(system: string): Reclaims[] {
    return [...this.#counts.values()].map((one) => ({ ...one, system: one.system ?? system }));
  }

  clear(): void {
    this.#counts.clear();
  }
}
