import { expect, test } from 'vitest';
import { Pace } from '../../../shared/worker/pace.ts';
import { rawJob } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

function start(concurrency: number, startRate?: number) {
  const clock = new ManualClock();
  const pace = new Pace({ clock, concurrency, startRate: () => startRate });
  const ran = (queue: string, jobs: number, ms: number) => {
    return { queue, class: 'Job', succeeded: jobs, discarded: 0, ms: jobs * ms, waitMs: 0, waited: 0 };
  };
  return { clock, pace, ran };
}

test('a job that waits takes a part of its worker, by how many run at once', () => {
  const { pace, ran } = start(25, 100);
  expect(pace.plan([ran('a', 10, 500), ran('b', 1, 50)], [])).toEqual([
    { queue: 'a', micros: 20_000 },
    { queue: 'b', micros: 2_000 },
  ]);
});

test('one that burns CPU takes as much as the event loop needs to start the next', () => {
  const { pace, ran } = start(25, 0.1);
  expect(pace.plan([ran('a', 10, 10)], [])).toEqual([{ queue: 'a', micros: 10_000 }]);
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
  expect(pace.plan([], [settlement])).toEqual([{ queue: 'a', micros: 30_000 }]);
  await clock.advance(999);
  expect(pace.plan([ran('a', 1, 10)], [])).toEqual([]);
  await clock.advance(1);
  expect(pace.plan([ran('a', 1, 20)], [])).toEqual([{ queue: 'a', micros: 15_000 }]);
  await clock.advance(4_999);
  expect(pace.plan([ran('a', 1, 1)], [])).toEqual([]);
  await clock.advance(1);
  expect(pace.plan([], [])).toEqual([{ queue: 'a', micros: 1_000 }]);
  await clock.advance(10_000);
  expect(pace.plan([], [])).toEqual([]);
});
