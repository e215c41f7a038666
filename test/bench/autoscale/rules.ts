import type { QueueStats } from '../../../shared/broker/redis/stats.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { type AutoscaleLimits, backlogOf, spareOf, workersToStart } from '../../../shared/scheduler/autoscale.ts';
import type { Rule, Seen, SimulatedJob } from './simulation.ts';

/** What a script looks at in a queue. */
const SAMPLE = 32;
/** Longer than with the most workers a job may wait where an oracle saves some, ms. */
const SLACK_MS = 1_000;

const jobsOf = ({ waiting }: Seen) => [...waiting.values()].reduce((sum, list) => sum + list.length, 0);
const classes = (jobs: readonly SimulatedJob[]) => jobs.map((one) => one.class);

/** By how long what waits takes: what the scheduler does. */
export function byTime(limits: AutoscaleLimits): Rule {
  return ({ waiting, paces, live }) => {
    const queues = [...waiting].map(([name, { length: depth }]) => ({ name, depth, oldest: undefined, paused: false }));
    const sampled = [...waiting].map(([name, jobs]) => [name, classes(sampleOf(jobs))] as const);
    const held = live.map((jobs, i) => [String(i), { jobs: jobs.length, some: classes(jobs) }] as const);
    const load = { paces, waiting: new Map(sampled), held: new Map(held) };
    const backlog = backlogOf(parseQueues('*'), { queues } as unknown as QueueStats, load, limits);
    const spare = held.reduce((sum, [id]) => sum + spareOf(id, load, limits), 0);
    return workersToStart(limits, { backlog, live: live.length, spare, starting: 0 });
  };
}

function sampleOf(jobs: readonly SimulatedJob[]): readonly SimulatedJob[] {
  const count = Math.min(jobs.length, SAMPLE);
  return Array.from({ length: count }, (_, i) => jobs[Math.floor((i * jobs.length) / count)]).filter(
    (one) => one !== undefined,
  );
}

/** By how many jobs wait: one worker for each `concurrency` of them, as it was before jobs were measured. */
export function byCount({ concurrency, maxWorkers }: AutoscaleLimits): Rule {
  return (seen) => Math.max(0, Math.min(Math.ceil(jobsOf(seen) / concurrency), maxWorkers - seen.live.length));
}

/** As many as may, as soon as anything waits. */
export function alwaysMost({ maxWorkers }: AutoscaleLimits): Rule {
  return (seen) => (jobsOf(seen) > 0 ? Math.max(0, maxWorkers - seen.live.length) : 0);
}

/**
 * Knows how long each job takes and which come: the fewest workers with which those that wait start as soon as with the
 * most, all but one in twenty a second later at the most. What no rule can save without having jobs wait longer.
 * @param later by how much they may start later, ms
 */
export function oracle({ maxWorkers }: AutoscaleLimits, later = SLACK_MS): Rule {
  return (seen) => {
    if (jobsOf(seen) === 0) return 0;
    const room = Math.max(0, maxWorkers - seen.live.length);
    const best = p95(seen.tryOut(room)) + later;
    let [least, most] = [seen.live.length === 0 ? 1 : 0, room];
    while (least < most) {
      const middle = Math.floor((least + most) / 2);
      if (p95(seen.tryOut(middle)) <= best) most = middle;
      else least = middle + 1;
    }
    return most;
  };
}

function p95(waits: readonly number[]): number {
  return waits.toSorted((a, b) => a - b)[Math.min(waits.length - 1, Math.floor(0.95 * waits.length))] ?? 0;
}
