import { describe, expect, test } from 'vitest';
import type { Load } from '../../../shared/broker/redis/starts.ts';
import type { QueueStats } from '../../../shared/broker/redis/stats.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import {
  type Backlog,
  backlogOf,
  namedQueues,
  pausedBacklogOf,
  spareOf,
  workersToStart,
} from '../../../shared/scheduler/autoscale.ts';
import { alwaysMost, byCount, byTime, oracle } from '../../bench/autoscale/rules.ts';
import { simulate } from '../../bench/autoscale/simulation.ts';
import { traces } from '../../bench/autoscale/traces.ts';

const limits = { concurrency: 25, maxWorkers: 10, targetLatency: 31_000 };
const NOTHING: Load = { paces: new Map(), waiting: new Map(), held: new Map() };

describe('workersToStart', () => {
  const unknown = (jobs: number): Backlog => ({ jobs, unknown: jobs, workers: 0 });
  const measured = (jobs: number, workers: number): Backlog => ({ jobs, unknown: 0, workers });

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
    [measured(1_000, 0.03), 0, 0, 1],
    [measured(1_000, 0.03), 1, 0, 0],
    [measured(1_000, 0.03), 0, 1, 0],
    [measured(610, 2.03), 0, 0, 3],
    [measured(610, 2.03), 2, 0, 1],
    [measured(610, 2.03), 1, 1, 1],
    [measured(610, 2.03), 3, 0, 0],
    [measured(1_000_000, 3_000), 4, 0, 6],
    [{ jobs: 60, unknown: 50, workers: 1.03 }, 0, 0, 4],
  ])('%o waiting, %i live, %i starting: %i', (backlog, live, starting, workers) => {
    expect(workersToStart(limits, { backlog, live, spare: live, starting })).toBe(workers);
  });

  test('one whose places are taken by long jobs starts nothing', () => {
    const state = { backlog: measured(10, 0.01), live: 1, starting: 0 };
    expect(workersToStart(limits, { ...state, spare: 1 })).toBe(0);
    expect(workersToStart(limits, { ...state, spare: 0.04 })).toBe(0);
    expect(workersToStart(limits, { ...state, spare: 0 })).toBe(1);
  });

  test('never passes maxWorkers, and leaves no jobs without a worker', () => {
    for (let i = 0; i < 2_000; i++) {
      const number = (below: number) => Math.floor(Math.random() * below);
      const some = { concurrency: 1 + number(50), maxWorkers: 1 + number(20), targetLatency: 1_000 + number(60_000) };
      const jobs = number(5_000);
      const backlog = { jobs, unknown: number(jobs + 1), workers: number(1_000) / 50 };
      const live = number(25);
      const state = { backlog, live, spare: live * Math.random(), starting: number(10) };
      const workers = workersToStart(some, state);
      expect(Number.isInteger(workers) && workers >= 0).toBe(true);
      if (workers > 0) expect(workers + state.live + state.starting).toBeLessThanOrEqual(some.maxWorkers);
      if (jobs > 0) expect(workers + state.live + state.starting).toBeGreaterThan(0);
    }
  });

  test('costs 40 % less than a worker for each so many jobs, where these waste it, and jobs wait as long; elsewhere as much as an oracle', () => {
    for (const [name, jobs] of Object.entries(traces(3))) {
      const [now, before, most, best] = [byTime(limits), byCount(limits), alwaysMost(limits), oracle(limits)].map(
        (rule) => simulate(jobs, limits.concurrency, rule),
      );
      if (!now || !before || !most || !best) continue;
      // No rule saves more than the oracle, unless jobs wait longer.
      if (best.seconds < 0.6 * before.seconds) {
        expect(now.seconds, name).toBeLessThanOrEqual(0.6 * before.seconds);
        expect(now.seconds, name).toBeLessThanOrEqual(0.6 * most.seconds);
        expect(now.p95, name).toBeLessThanOrEqual(1.05 * before.p95);
      }
      // Of classes that are not known yet it starts too many, once.
      expect(now.seconds, name).toBeLessThanOrEqual(1.1 * best.seconds + (name.includes('slow') ? 700 : 0));
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
    expect(backlogOf(parseQueues(list), survey, NOTHING, limits)).toEqual({
      jobs: backlog,
      unknown: backlog,
      workers: 0,
    });
  });

  const of = (depth: number, classes: readonly (string | undefined)[], waiting = new Map([['q', classes]])) => {
    const stats = { queues: [{ name: 'q', depth, oldest: undefined, paused: false }] } as unknown as QueueStats;
    return backlogOf(parseQueues('*'), stats, { ...NOTHING, paces, waiting }, limits);
  };
  const paces = new Map([
    ['Quick', { share: 1, took: 1 }],
    ['Call', { share: 20, took: 500 }],
    ['Export', { share: 2_400, took: 60_000 }],
    ['Render', { share: 60_000, took: 60_000 }],
  ]);

  test.each([
    // A thousand of a millisecond of CPU are done in a second by one.
    [1_000, ['Quick'], 0.033],
    // In 30 s, 25 at once and 61 times.
    [1_525, ['Call'], 1],
    // As many places as there are jobs, and no more: none would start in a place that another has left.
    [1, ['Export'], 0.04],
    [100, ['Export'], 4],
    [3, ['Render'], 3],
    [1_000, ['Quick', 'Export'], 20.017],
  ])('%i jobs of %j need %f workers', (depth, classes, workers) => {
    const backlog = of(depth, classes);
    expect(backlog).toMatchObject({ jobs: depth, unknown: 0 });
    expect(backlog.workers).toBeCloseTo(workers, 2);
  });

  test('knows which part of a queue was never measured, and what cannot be read counts as the rest', () => {
    expect(of(100, ['Quick', 'New', undefined, undefined])).toMatchObject({ unknown: 50 });
    expect(of(100, [undefined])).toEqual({ jobs: 100, unknown: 100, workers: 0 });
    expect(
      of(100, [], new Map([['another', ['Export']]])).workers,
      'of too many queues some are looked into',
    ).toBeCloseTo(4);
  });

  test('a worker has no room for others while jobs that take longer than the target have its places', () => {
    const spare = (jobs: number, some: readonly string[]) =>
      spareOf('w', { ...NOTHING, paces, held: new Map([['w', { jobs, some }]]) }, limits);
    expect(spare(0, [])).toBe(1);
    expect(spare(5_000, ['Quick', 'Call', 'New'])).toBe(1);
    expect(spare(25, ['Export'])).toBeCloseTo(0);
    expect(spare(20, ['Export'])).toBeCloseTo(0.2);
    expect(spare(1, ['Render'])).toBe(0);
    expect(spareOf('unseen', NOTHING, limits)).toBe(1);
  });

  test('leaves out paused queues, which have a backlog of their own', () => {
    const queues = survey.queues.map((one) => ({ ...one, paused: one.name === 'other' }));
    const stats = { ...survey, queues };
    expect(backlogOf(parseQueues('*'), stats, NOTHING, limits).jobs).toBe(4_321);
    expect(pausedBacklogOf(parseQueues('*'), stats)).toBe(50_000);
  });
});

test('namedQueues are those that stand in a list by name', () => {
  expect(namedQueues(parseQueues('a,b=2,mail_*,!c,d?,[ef]'))).toEqual(['a', 'b']);
});
