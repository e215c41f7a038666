import type { SimulatedJob } from './simulation.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The same each time. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Kind {
  readonly class: string;
  /** @default the class */
  readonly queue?: string;
  readonly ms: () => number;
  readonly cpu?: boolean;
}

/** Hours of what queues see: many quick jobs at once, few that take minutes, and all of it together. */
export function traces(hours = 6): Readonly<Record<string, readonly SimulatedJob[]>> {
  const next = random(7);
  const end = hours * HOUR;
  const between = (least: number, most: number) => () => least + next() * (most - least);
  const jobOf = (at: number, kind: Kind) => ({ queue: kind.class, ...kind, at, ms: kind.ms() });

  function steady(perSecond: number, kind: Kind): SimulatedJob[] {
    const jobs: SimulatedJob[] = [];
    for (let at = 0; at < end; at += (-1_000 * Math.log(1 - next())) / perSecond) jobs.push(jobOf(at, kind));
    return jobs;
  }
  function bursts(count: number, minutes: number, kind: Kind): SimulatedJob[] {
    const jobs: SimulatedJob[] = [];
    for (let at = 7_000; at < end; at += minutes * MINUTE) {
      for (let i = 0; i < count; i++) jobs.push(jobOf(at, kind));
    }
    return jobs;
  }

  const quick = bursts(1_000, 5, { class: 'mail', ms: between(0.5, 1.5), cpu: true });
  const waiting = bursts(2_000, 10, { class: 'webhooks', ms: between(50, 400) });
  const calls = steady(2, { class: 'calls', ms: between(30, 300) });
  const reports = steady(0.002, { class: 'reports', ms: between(20_000, 180_000) });
  const images = steady(0.02, { class: 'images', ms: between(200, 2_000), cpu: true });
  const exports = bursts(60, 30, { class: 'exports', queue: 'mail', ms: between(40_000, 80_000) });
  return {
    'bursts of quick jobs': quick,
    'bursts that wait for others': waiting,
    'a steady trickle': calls,
    'long jobs': reports,
    'CPU-bound': images,
    'quick and slow in one queue': inOrder([...quick, ...exports]),
    mixed: inOrder([...quick, ...waiting, ...calls, ...reports, ...images]),
  };
}

function inOrder(jobs: SimulatedJob[]): readonly SimulatedJob[] {
  return jobs.sort((a, b) => a.at - b.at);
}
