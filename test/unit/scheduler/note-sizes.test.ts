import { expect, test } from 'vitest';
import type { QueueStats, StatsBroker } from '../../../shared/broker/redis/stats.ts';
import { noteSizes } from '../../../shared/scheduler/note-sizes.ts';
import type { Tick } from '../../../shared/scheduler/step.ts';

const MINUTE = 60_000;

test('sizes are noted once a minute, of the queues that were there before', async () => {
  const calls: unknown[][] = [];
  const seen = { queues: [] } as unknown as QueueStats;
  const store: StatsBroker = {
    async read(...args) {
      calls.push(args);
      return seen;
    },
  };
  const follower = noteSizes(store);
  let now = 10 * MINUTE + 59_000;
  const run = async () => {
    await follower.run({ now: () => now } as unknown as Tick);
    return calls.splice(0);
  };
  expect(await run()).toEqual([[[]], [[], seen, now]]);
  expect(await run()).toEqual([]);
  now += 1_000;
  expect(await run()).toEqual([[[], seen, now]]);
  now += MINUTE - 1;
  expect(await run()).toEqual([]);
});

test('they are noted with the next tick where that failed', async () => {
  let fails = true;
  const noted: unknown[] = [];
  const follower = noteSizes({
    async read(_named, _before, note) {
      if (fails) throw new Error('away');
      noted.push(note);
      return {} as QueueStats;
    },
  });
  const tick = { now: () => 7 * MINUTE } as unknown as Tick;
  await expect(follower.run(tick)).rejects.toThrow('away');
  fails = false;
  await follower.run(tick);
  expect(noted).toEqual([undefined, 7 * MINUTE]);
});
