import type { SimulatedJob } from './simulation.ts';

const MINUTE = 60_000;
const HOURS = 6;

/** The same each time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Arrivals at so many a second. */
function steady(queue: string, perSecond: number, ms: () => number, next: () => number, cpu = false): SimulatedJob[] {
  const jobs: SimulatedJob[] = [];
  for (let at = 0; at < HOURS * 60 * MINUTE; at += (-1_000 * Math.log(1 - next())) / perSecond) {
    jobs.push({ at, queue, ms: ms(), cpu });
  }
  return jobs;
}

/** So many at once, each so many minutes. */
function bursts(queue: string, count: number, minutes: number, ms: () => number, cpu = false): SimulatedJob[] {
  const jobs: SimulatedJob[] = [];
  for (let at = 7_000; at < HOURS * 60 * MINUTE; at += minutes * MINUTE) {
    for (let i = 0; i < count; i++) jobs.push({ at, queue, ms: ms(), cpu });
  }
  return jobs;
}

/** Six hours of what queues see: many quick jobs at once, few that take minutes, and all of it together. */
export function traces(): Readonly<Record<string, readonly SimulatedJob[]>> {
  const next = random(7);
  const between = (least: number, most: number) => () => least + next() * (most - least);
  const quick = bursts('mail', 1_000, 5, between(0.5, 1.5), true);
  const waiting = bursts('webhooks', 2_000, 10, between(50, 400));
  const calls = steady('calls', 2, between(30, 300), next);
  const reports = steady('reports', 0.002, between(20_000, 180_000), next);
  const images = steady('images', 0.02, between(200, 2_000), next, true);
  return {
    'bursts of quick jobs': quick,
    'bursts that wait for others': waiting,
    'a steady trickle': calls,
    'long jobs': reports,
    'CPU-bound': images,
    mixed: [...quick, ...waiting, ...calls, ...reports, ...images],
  };
}
