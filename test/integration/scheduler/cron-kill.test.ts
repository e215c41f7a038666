import { expect, test } from 'vitest';
import { RedisUnavailableError } from '../../../shared/index.ts';
import { type OneBackend, withBackends } from '../../helpers/backends.ts';
import { Killed, MOMENTS, type Moment, MortalClient } from '../../helpers/scheduler/mortal-client.ts';
import {
  MINUTE,
  multiples,
  START,
  setSchedule,
  slotsIn,
  testScheduler,
} from '../../helpers/scheduler/test-scheduler.ts';

const entries = {
  minutes: { cron: '* * * * *', class: 'Report', queue: 'minutes' },
  halves: { every: '30s', class: 'Report', queue: 'halves', missed: 'all' as const },
  alone: { every: '1m', class: 'Report', queue: 'alone', overlap: 'skip' as const },
};

/** Both static and dynamic entries, one of these wrong. */
async function prepare(bed: OneBackend): Promise<void> {
  await setSchedule(bed, 'ruby', { cron: '* * * * *', class: 'Report', queue: 'ruby' });
  await setSchedule(bed, 'wrong', { cron: '61 * * * *', class: 'Report', queue: 'wrong' });
}

/** One job for each slot, whoever enqueued it. */
async function expectSlots(bed: OneBackend, from: number, to: number): Promise<void> {
  expect(await slotsIn(bed, 'minutes')).toEqual(multiples(MINUTE, from, to));
  expect(await slotsIn(bed, 'halves')).toEqual(multiples(30_000, from, to));
  expect(await slotsIn(bed, 'ruby')).toEqual(multiples(MINUTE, from, to));
  expect(await slotsIn(bed, 'alone')).toEqual(multiples(MINUTE, from, from + MINUTE));
}

withBackends((bed) => {
  const status = async (name: string): Promise<unknown> =>
    JSON.parse((await bed.db.hget(bed.keys.cron.status, name)) ?? 'null');

  /** Kills a scheduler at one command of each of its ticks; `next` goes on after each. */
  async function killing(at: number, moment: Moment, first: number, ticks: number): Promise<number> {
    const client = new MortalClient(bed.client());
    const next = testScheduler({ client: bed.client(), entries });
    let killed = 0;
    for (let i = 0, time = first; i < ticks; i++, time += MINUTE) {
      const victim = testScheduler({ client: client.live(at, moment), entries });
      await victim.tick(time).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      if (client.dead) killed++;
      await next.tick(time + 1_000);
    }
    return killed;
  }

  test('a scheduler that is killed at any command loses no slot and doubles none', async () => {
    let at = 1;
    for (let killed = 1; killed > 0; at++) {
      killed = 0;
      for (const moment of MOMENTS) {
        await bed.db.flushall();
        await prepare(bed);
        killed += await killing(at, moment, START, 3);
        await expectSlots(bed, START, START + 2 * MINUTE);
      }
    }
    // What is due and known, the bad entry's status, the timings first seen; then the slots.
    expect(at).toBeGreaterThanOrEqual(5);
  });

  test('a scheduler that is killed at any command, after ten minutes without any, makes up for what was missed', async () => {
    let at = 1;
    for (let killed = 1; killed > 0; at++) {
      killed = 0;
      for (const moment of MOMENTS) {
        await bed.db.flushall();
        await prepare(bed);
        await testScheduler({ client: bed.client(), entries }).tick(START);
        killed += await killing(at, moment, START + 10 * MINUTE, 1);
        expect(await slotsIn(bed, 'minutes')).toEqual([START + 10 * MINUTE - 37_000]);
        expect(await slotsIn(bed, 'halves')).toEqual(multiples(30_000, START, START + 10 * MINUTE));
      }
    }
    expect(at).toBeGreaterThanOrEqual(6);
  });

  test('two schedulers at once, one of them killed at any command', async () => {
    const client = new MortalClient(bed.client());
    for (let at = 1; at <= 16; at++) {
      for (const moment of MOMENTS) {
        await bed.db.flushall();
        await prepare(bed);
        const other = testScheduler({ client: bed.client(), entries });
        for (const time of [START, START + MINUTE, START + 2 * MINUTE]) {
          const victim = testScheduler({ client: client.live(at, moment), entries });
          await Promise.all([victim.tick(time).catch(() => {}), other.tick(time)]);
        }
        await expectSlots(bed, START, START + 2 * MINUTE);
      }
    }
  });

  test('a bad entry’s status is written by the scheduler that comes after the one that was killed', async () => {
    for (const at of [1, 2, 3, 4]) {
      await bed.db.flushall();
      await prepare(bed);
      const client = new MortalClient(bed.client());
      const scheduler = testScheduler({ client: client.live(at, 'before'), entries });
      await scheduler.tick(START).catch(() => {});
      // The process lives on where only the connection was lost.
      client.live();
      await scheduler.tick(START + 1_000);
      expect(await status('wrong'), `lost at command ${at}`).toMatchObject({ outcome: 'invalid' });
    }
  });

  test('a slot whose answer was lost was enqueued, and its entry says so after the next tick', async () => {
    const one = { minutes: entries.minutes };
    const client = bed.client();
    await testScheduler({ client, entries: one }).tick(START);
    let lost = 0;
    const scheduler = testScheduler({
      entries: one,
      client: {
        ...client,
        async script(script, keys, args) {
          const answer = await client.script(script, keys, args);
          if (script.name === 'claim-slots' && lost++ === 0) throw new RedisUnavailableError('The answer was lost.');
          return answer;
        },
      },
    });
    await scheduler.tick(START + MINUTE).catch(() => {});
    await scheduler.tick(START + MINUTE + 1_000);

    expect(lost).toBeGreaterThan(0);
    expect(await slotsIn(bed, 'minutes')).toHaveLength(1);
    expect(await status('minutes')).toMatchObject({ outcome: 'enqueued', slot: START + MINUTE - 37_000 });
  });
});
