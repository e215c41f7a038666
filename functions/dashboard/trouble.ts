import type { QueueInfo } from './inspector.ts';
import { duration } from './views/format.ts';

/** What is wrong with a queue: the worse, the more points. */
export interface Trouble {
  readonly points: number;
  /** For people, the worst first. */
  readonly reasons: readonly string[];
}

/** From this age on, a wait is worth a word, ms. */
const LONG_WAIT = 5 * 60_000;

/** Jobs that nobody takes are worst; then those that wait long, those that fail, and a queue that grows. */
export function troubleOf(queue: QueueInfo, now: Date): Trouble {
  const { size, oldest, paused, workers, rates } = queue;
  const found: (readonly [points: number, reason: string])[] = [];
  if (size > 0 && paused) found.push([300, 'paused, with jobs in it']);
  else if (size > 0 && workers.length === 0) found.push([1_000, 'no worker takes its jobs']);
  const wait = size > 0 && oldest ? now.getTime() - oldest.getTime() : 0;
  if (wait >= LONG_WAIT) found.push([100 + Math.min(wait / 60_000, 400), `its first job has waited ${duration(wait)}`]);
  if (rates.failed > 0) {
    const share = rates.out > 0 ? Math.min(rates.failed / rates.out, 1) : 1;
    found.push([50 + share * 200, `${Math.max(Math.round(share * 100), 1)}% of its runs fail`]);
  }
  if (size > 0 && rates.in !== undefined && rates.in > rates.out) found.push([40, 'more comes than is done']);
  const sorted = found.sort(([a], [b]) => b - a);
  return { points: sorted.reduce((sum, [points]) => sum + points, 0), reasons: sorted.map(([, reason]) => reason) };
}

export type QueueOrder = 'trouble' | 'name' | 'size' | 'wait' | 'rate';

/** @returns the queues, with what is wrong with each */
export function inOrder(
  queues: readonly QueueInfo[],
  order: QueueOrder,
  now: Date,
): { queue: QueueInfo; trouble: Trouble }[] {
  const all = queues.map((queue) => ({ queue, trouble: troubleOf(queue, now) }));
  const byName = (a: (typeof all)[number], b: (typeof all)[number]) => (a.queue.name < b.queue.name ? -1 : 1);
  const waitOf = (one: (typeof all)[number]) => one.queue.oldest?.getTime() ?? Number.POSITIVE_INFINITY;
  const by: Record<QueueOrder, (a: (typeof all)[number], b: (typeof all)[number]) => number> = {
    name: byName,
    trouble: (a, b) => b.trouble.points - a.trouble.points || b.queue.size - a.queue.size || byName(a, b),
    size: (a, b) => b.queue.size - a.queue.size || byName(a, b),
    wait: (a, b) => waitOf(a) - waitOf(b) || byName(a, b),
    rate: (a, b) => b.queue.rates.out - a.queue.rates.out || byName(a, b),
  };
  return all.sort(by[order]);
}
