import { describe, expect, test } from 'vitest';
import { withBackends } from '../../helpers/backends.ts';
import { LEASE, World } from '../../helpers/scheduler/on-demand-simulation.ts';

const START = Date.UTC(2026, 10, 20, 20, 0, 7);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A repeatable row of numbers from 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

withBackends((bed) => {
  const { keys } = bed;
  let ids = 0;

  async function delay(at: number): Promise<void> {
    const seconds = Math.ceil(at / 1000);
    await bed.db.rpush(keys.delayed(seconds), JSON.stringify({ class: 'Job', args: [++ids], queue: 'done' }));
    await bed.db.zadd(keys.delayedSchedule, seconds, String(seconds));
  }

  const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await bed.db.info('stats'))?.[1]);

  /** By how much AWS's clock is ahead of Redis's, ms. */
  const clocks = [0, 2 * MINUTE, -400 * 24 * HOUR];

  // What is sent is the same over both.
  describe.each(bed.backend === 'TCP' ? [1, 2, 3] : [1])('a day without a minute tick, %d', (seed) => {
    const awsAhead = clocks[seed - 1];

    test('what is known in time is promoted in its second, whatever is killed', async () => {
      const random = randomFrom(seed);
      const world = new World(bed.client(), START, random, awsAhead);
      let enqueued = 0;
      for (let i = 0; i < 60; i++) {
        world.at(START + random() * 12 * HOUR, async () => {
          enqueued++;
          const due = world.now + 5 * MINUTE + random() * 3 * HOUR;
          // Some by an app that rings, some by a job of a worker.
          if (i % 2 === 0) {
            await delay(due);
            void world.scheduler();
          } else {
            void world.worker(async (wake) => {
              await delay(due);
              wake.due(due);
            });
          }
        });
      }
      await world.runUntil(START + 24 * HOUR);
      expect(await bed.db.llen(keys.queue('done'))).toBe(enqueued);
      // A run that is killed is started again a minute later; everything else is in its second.
      const late = world.lateness.filter((ms) => ms > 1_000);
      expect(late.length).toBeLessThan(world.lateness.length / 5);
      expect(Math.max(0, ...late)).toBeLessThanOrEqual(2 * MINUTE);
    });

    test('what is due soon comes within two minutes, and with a ring in its second or two', async () => {
      const random = randomFrom(seed);
      const world = new World(bed.client(), START, () => random() * 0.5 + 0.1, awsAhead);
      for (let i = 0; i < 40; i++) {
        world.at(START + i * 7 * MINUTE + random() * MINUTE, async () => {
          const due = world.now + random() * 3 * MINUTE;
          await delay(due);
          if (i % 2 === 0) void world.scheduler();
          else void world.worker(async (wake) => wake.due(due));
        });
      }
      await world.runUntil(START + 6 * HOUR);
      expect(await bed.db.llen(keys.queue('done'))).toBe(40);
      expect(Math.max(...world.lateness)).toBeLessThanOrEqual(2 * MINUTE);
    });

    test('the jobs of a worker that dies at any moment come back', async () => {
      const random = randomFrom(seed);
      const world = new World(bed.client(), START, random, awsAhead);
      for (let i = 0; i < 60; i++) {
        world.at(START + i * 5 * MINUTE, async () => {
          await bed.db.rpush(keys.queue('q'), JSON.stringify({ class: 'Job', args: [i] }));
          const work = async (clock: { after(ms: number, done: () => void): unknown }) => {
            await new Promise<void>((resolve) => clock.after(20_000, resolve));
          };
          void world.worker((_wake, clock) => work(clock), i % 3 === 0 ? random() * 20_000 : Infinity);
          // Somebody rings while it works, or is about to.
          if (i % 4 === 0) world.at(world.now + random() * 1_000, () => void world.scheduler());
        });
        world.at(START + i * 5 * MINUTE + LEASE + 4 * MINUTE, async () => {
          expect(await bed.db.zcount(keys.leases, '-inf', world.now - 3 * MINUTE), 'leases that nobody looked at').toBe(
            0,
          );
          await bed.db.del(keys.queue('q'));
        });
      }
      await world.runUntil(START + 6 * HOUR);
      expect(await bed.db.zcard(keys.leases)).toBe(0);
    });
  });

  test('an idle month runs nothing, and sends Redis nothing', async () => {
    const world = new World(bed.client(), START, randomFrom(7));
    await delay(START + 10 * MINUTE);
    world.at(START, () => void world.scheduler());
    world.at(START + MINUTE, () => void world.worker(async () => {}));
    await world.runUntil(START + HOUR);
    expect(await bed.db.llen(keys.queue('done'))).toBe(1);
    expect(world.armed).toBeUndefined();
    const { runs } = world;
    const before = await commands();
    await world.runUntil(START + 30 * 24 * HOUR);
    expect(world.runs).toBe(runs);
    // One of them is the question itself.
    expect((await commands()) - before).toBe(1);
  });
});
