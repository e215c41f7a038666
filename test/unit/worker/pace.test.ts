import { expect, test } from 'vitest';
import { Pace } from '../../../shared/worker/pace.ts';
import { rawJob } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

function start(concurrency: number, startRate?: number) {
  const clock = new ManualClock();
  const pace = new Pace({ clock, concurrency, startRate: () => startRate });
  const ran = (name: string, jobs: number, ms: number) => {
    return { queue: 'q', class: name, succeeded: jobs, discarded: 0, ms: jobs * ms, waitMs: 0, waited: 0, times: [] };
  };
  return { clock, pace, ran };
}

test('a job that waits takes a part of its worker, by how many run at once', () => {
  const { pace, ran } = start(25, 100);
  expect(pace.plan([ran('A', 10, 500), ran('B', 1, 50)], [])).toEqual([
    { class: 'A', share: 20_000, took: 500_000 },
    { class: 'B', share: 2_000, took: 50_000 },
  ]);
});

test('one that burns CPU takes as much as the event loop needs to start the next', () => {
  const { pace, ran } = start(25, 0.1);
  expect(pace.plan([ran('A', 10, 10)], [])).toEqual([{ class: 'A', share: 10_000, took: 10_000 }]);
});

test('other outcomes count too; it is said at once, then now and then, of all since the last time', async () => {
  const { clock, pace, ran } = start(1);
  const run = { class: 'Job', outcome: 'retried' as const, ms: 30, wait: undefined };
  const settlement = {
    raw: rawJob('{}', { queue: 'a' }),
    marked: false,
    outcome: { kind: 'done' as const },
    effects: [],
    run,
  };
  const never = { ...settlement, run: { ...run, class: 'Of no handler', ms: 0 } };
  expect(pace.plan([], [never])).toEqual([]);
  expect(pace.plan([], [settlement])).toEqual([{ class: 'Job', share: 30_000, took: 30_000 }]);
  await clock.advance(999);
  expect(pace.plan([ran('Job', 1, 10)], [])).toEqual([]);
  await clock.advance(1);
  expect(pace.plan([ran('Job', 1, 20)], [])).toEqual([{ class: 'Job', share: 15_000, took: 15_000 }]);
  await clock.advance(4_999);
  expect(pace.plan([ran('Job', 1, 1)], [])).toEqual([]);
  await clock.advance(1);
  expect(pace.plan([], [])).toEqual([{ class: 'Job', share: 1_000, took: 1_000 }]);
  await clock.advance(10_000);
  expect(pace.plan([], [])).toEqual([]);
});
