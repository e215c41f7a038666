import { describe, expect, test } from 'vitest';
import type { QueueStats } from '../../../shared/broker/redis/stats.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import {
  type Backlog,
  backlogOf,
  namedQueues,
  pausedBacklogOf,
  workersToStart,
} from '../../../shared/scheduler/autoscale.ts';
import { alwaysMost, byCount, byTime } from '../../bench/autoscale/rules.ts';
import { type Rule, simulate } from '../../bench/autoscale/simulation.ts';
import { traces } from '../../bench/autoscale/traces.ts';

describe('workersToStart', () => {
  const unknown = (jobs: number): Backlog => ({ jobs, unknown: jobs, ms: 0 });
  const measured = (jobs: number, ms: number): Backlog => ({ jobs, unknown: 0, ms: jobs * ms });
  const limits = { concurrency: 25, maxWorkers: 10, targetLatency: 30_000 };

  test.each([
    // Nobody knows how long they take: one worker for each 25.
    [unknown(0), 0, 0, 0],
    [unknown(1), 0, 0, 1],
    [unknown(26), 0, 0, 2],
    [unknown(10_000), 4, 3, 3],
    [unknown(10_000), 10, 0, 0],
    // More than allowed: started by doorbells, or the limit was lowered.
    [unknown(10_000), 12, 0, 0],
    [unknown(30), 1, 0, 2],
    [unknown(30), 0, 2, 0],
    // A thousand of a millisecond are done in a second by one.
    [measured(1_000, 1), 0, 0, 1],
    [measured(1_000, 1), 1, 0, 0],
    [measured(1_000, 1), 0, 1, 0],
    // 61 s of work, in 30 s.
    [measured(610, 100), 0, 0, 3],
    [measured(610, 100), 2, 0, 1],
    [measured(610, 100), 1, 1, 1],
    [measured(610, 100), 3, 0, 0],
    [measured(1_000_000, 100), 4, 0, 6],
    [{ jobs: 60, unknown: 50, ms: 31_000 }, 0, 0, 4],
  ])('%o waiting, %i live, %i starting: %i', (backlog, live, starting, workers) => {
    expect(workersToStart(limits, { backlog, live, starting })).toBe(workers);
  });

  test('never passes maxWorkers, and leaves no jobs without a worker', () => {
    for (let i = 0; i < 2_000; i++) {
      const number = (below: number) => Math.floor(Math.random() * below);
      const some = { concurrency: 1 + number(50), maxWorkers: 1 + number(20), targetLatency: 1_000 + number(60_000) };
      const jobs = number(5_000);
      const backlog = { jobs, unknown: number(jobs + 1), ms: number(1_000_000) };
      const state = { backlog, live: number(25), starting: number(10) };
      const workers = workersToStart(some, state);
      expect(Number.isInteger(workers) && workers >= 0).toBe(true);
      if (workers > 0) expect(workers + state.live + state.starting).toBeLessThanOrEqual(some.maxWorkers);
      if (jobs > 0) expect(workers + state.live + state.starting).toBeGreaterThan(0);
    }
  });

  test('costs 40 % less than a worker for each so many jobs, for quick jobs and a trickle, which wait as long; and nowhere more', () => {
    const runs = traces();
    const cost = (name: string, rule: Rule) => simulate(runs[name] ?? [], limits.concurrency, rule);
    for (const name of ['bursts of quick jobs', 'a steady trickle']) {
      const [now, before, most] = [byTime(limits), byCount(limits), alwaysMost(limits)].map((rule) => cost(name, rule));
      expect(now?.seconds, name).toBeLessThanOrEqual(0.6 * (before?.seconds ?? 0));
      expect(now?.seconds, name).toBeLessThanOrEqual(0.6 * (most?.seconds ?? 0));
      expect(now?.p95, name).toBeLessThanOrEqual(1.05 * (before?.p95 ?? 0));
    }
    // Elsewhere it is no dearer, and nobody waits longer than the target on top.
    for (const name of Object.keys(runs)) {
      const [now, before] = [cost(name, byTime(limits)), cost(name, byCount(limits))];
      expect(now.seconds, name).toBeLessThanOrEqual(1.01 * before.seconds);
      expect(now.p99, name).toBeLessThanOrEqual(before.p99 + limits.targetLatency);
    }
  });
});

describe('backlogOf', () => {
  const depths = { critical: 1, default: 20, mail_daily: 300, mail_bulk: 4_000, other: 50_000 };
  const survey = {
    queues: Object.entries(depths).map(([name, depth]) => ({ name, depth, oldest: undefined, paused: false })),
  } as unknown as QueueStats;

  test.each([
    ['critical,default', 21],
    ['default=3,critical=1', 21],
    ['*', 54_321],
    ['mail_*', 4_300],
    ['mail_*,!mail_bulk', 300],
    ['nothing', 0],
    // A queue is counted once, whatever names it.
    ['critical,c*,*', 54_321],
  ])('%s', (list, backlog) => {
    expect(backlogOf(parseQueues(list), survey, new Map())).toEqual({ jobs: backlog, unknown: backlog, ms: 0 });
  });

  test('is time where jobs of a queue were measured', () => {
    const paces = new Map([
      ['default', 1_500],
      ['mail_daily', 10],
    ]);
    expect(backlogOf(parseQueues('*'), survey, paces)).toEqual({ jobs: 54_321, unknown: 54_001, ms: 33 });
  });

  test('leaves out paused queues, which have a backlog of their own', () => {
    const queues = survey.queues.map((one) => ({ ...one, paused: one.name === 'other' }));
    const stats = { ...survey, queues };
    expect(backlogOf(parseQueues('*'), stats, new Map()).jobs).toBe(4_321);
    expect(pausedBacklogOf(parseQueues('*'), stats)).toBe(50_000);
  });
});

test('namedQueues are those that stand in a list by name', () => {
  expect(namedQueues(parseQueues('a,b=2,mail_*,!c,d?,[ef]'))).toEqual(['a', 'b']);
});
