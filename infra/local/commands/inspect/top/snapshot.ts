import type { Client, FailedEntry, QueueInfo, StatTotals, WorkerInfo } from '../../../../../shared/index.ts';

/** Failures that are shown, at the most. */
const FAILURES = 100;

/** What is there at one moment. */
export interface Snapshot {
  readonly totals: StatTotals;
  readonly queues: readonly QueueInfo[];
  readonly workers: readonly WorkerInfo[];
  /** Of classes. */
  readonly paused: readonly string[];
  /** The newest first. */
  readonly failures: readonly FailedEntry[];
  /** Attempts that ended each second, by all Resque programs, since the snapshot before; undefined in the first. */
  readonly rate: number | undefined;
  /** Commands that this one took. */
  readonly commands: number;
}

/** @param commands how many were sent by now */
export async function takeSnapshot(client: Client, commands: () => number, before?: Snapshot): Promise<Snapshot> {
  const first = commands();
  const [totals, queues, workers, page, paused] = await Promise.all([
    client.stats.totals(),
    client.queues.list(),
    client.workers.list(),
    client.failed.page({ limit: FAILURES }),
    client.classes.paused(),
  ]);
  const seconds = before ? (totals.now.getTime() - before.totals.now.getTime()) / 1_000 : 0;
  const rate = before && seconds > 0 ? Math.max(0, totals.processed - before.totals.processed) / seconds : undefined;
  return { totals, queues, workers, paused, failures: page.items, rate, commands: commands() - first };
}
