import { describe, expect, test } from 'vitest';
import type { QueueStats } from '../../../shared/broker/redis/stats.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { backlogOf, namedQueues, pausedBacklogOf, workersToStart } from '../../../shared/scheduler/autoscale.ts';

describe('workersToStart', () => {
  test.each([
    // backlog, live, starting, concurrency, maxWorkers → workers
    [0, 0, 0, 25, 10, 0],
    [1, 0, 0, 25, 10, 1],
    [25, 0, 0, 25, 10, 1],
    [26, 0, 0, 25, 10, 2],
    [10_000, 0, 0, 25, 10, 10],
    [10_000, 4, 0, 25, 10, 6],
    [10_000, 4, 3, 25, 10, 3],
    [10_000, 10, 0, 25, 10, 0],
    // More than allowed: started by doorbells, or the limit was lowered.
    [10_000, 12, 0, 25, 10, 0],
    // What lives is busy with what is in flight; what starts takes of the backlog.
    [30, 1, 0, 25, 10, 2],
    [30, 0, 2, 25, 10, 0],
    [30, 0, 1, 25, 10, 1],
    [5, 0, 0, 1, 1, 1],
    [5, 1, 0, 1, 1, 0],
    [5, 0, 1, 1, 1, 0],
  ])(
    '%i waiting, %i live, %i starting; %i at once, %i at most: %6$i',
    (backlog, live, starting, concurrency, maxWorkers, workers) => {
      expect(workersToStart({ concurrency, maxWorkers }, { backlog, live, starting })).toBe(workers);
    },
  );

  test('never passes maxWorkers', () => {
    for (let i = 0; i < 2_000; i++) {
      const number = (below: number) => Math.floor(Math.random() * below);
      const limits = { concurrency: 1 + number(50), maxWorkers: 1 + number(20) };
      const state = { backlog: number(5_000), live: number(25), starting: number(10) };
      const workers = workersToStart(limits, state);
      expect(Number.isInteger(workers) && workers >= 0).toBe(true);
      if (workers > 0) expect(workers + state.live + state.starting).toBeLessThanOrEqual(limits.maxWorkers);
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
    expect(backlogOf(parseQueues(list), survey)).toBe(backlog);
  });

  test('leaves out paused queues, which have a backlog of their own', () => {
    const queues = survey.queues.map((one) => ({ ...one, paused: one.name === 'other' }));
    const stats = { ...survey, queues };
    expect(backlogOf(parseQueues('*'), stats)).toBe(4_321);
    expect(pausedBacklogOf(parseQueues('*'), stats)).toBe(50_000);
  });
});

test('namedQueues are those that stand in a list by name', () => {
  expect(namedQueues(parseQueues('a,b=2,mail_*,!c,d?,[ef]'))).toEqual(['a', 'b']);
});
