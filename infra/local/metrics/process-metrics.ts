import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricFamily } from '../../../shared/internal.ts';

const loop = monitorEventLoopDelay({ resolution: 20 });

/** Of this process, by the names that Prometheus's own clients give them. */
export function processMetrics(): MetricFamily[] {
  const one = (name: string, type: 'gauge' | 'counter', help: string, value: number): MetricFamily => ({
    name,
    type,
    help,
    samples: [{ value }],
  });
  const { user, system } = process.cpuUsage();
  // It counts from the first scrape on; each tells of the time since the one before.
  loop.enable();
  const lag = Number.isNaN(loop.mean) ? 0 : Math.max(0, loop.max) / 1e9;
  loop.reset();
  return [
    one('process_cpu_seconds_total', 'counter', 'User and system CPU time.', (user + system) / 1e6),
    one('process_resident_memory_bytes', 'gauge', 'Resident memory.', process.memoryUsage.rss()),
    one('process_start_time_seconds', 'gauge', 'When the process began, Unix time.', performance.timeOrigin / 1_000),
    one('nodejs_eventloop_lag_max_seconds', 'gauge', 'Longest delay of the event loop since the last scrape.', lag),
  ];
}
