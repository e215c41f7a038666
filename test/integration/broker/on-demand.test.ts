import { expect, test } from 'vitest';
import {
  type OnDemandRunBroker,
  redisLockBroker,
  redisOnDemandRunBroker,
  type ScheduleOrder,
} from '../../../shared/internal.ts';
import { withBackends } from '../../helpers/backends.ts';

const SYSTEM = 'Shop-Jobs';

const NOW = Date.UTC(2026, 10, 20, 20, 0, 7);
const MINUTE = 60_000;
const HOLD = 30_000;

withBackends((bed) => {
  let now = NOW;
  const open = (): OnDemandRunBroker => {
    now = NOW;
    return redisOnDemandRunBroker(bed.client(), 'resque:', SYSTEM, () => now);
  };
  const wanted = async () => Number((await bed.db.hget(bed.keys.wake(SYSTEM), 'at')) || Number.NaN);
  const set = async (runs: OnDemandRunBroker, order: ScheduleOrder | 'again' | undefined) => {
    if (order === undefined || order === 'again') throw new Error('there is nothing to set');
    expect(await runs.acknowledge(order)).toBeUndefined();
  };

  test('a run that has lost its lock moves no time to later, and forgets no request', async () => {
    const runs = open();
    await runs.begin('slow', HOLD);
    // Its lock expires; another run takes it and ends with an earlier time.
    await bed.db.del(bed.keys.schedulerLease(SYSTEM));
    await runs.begin('quick', HOLD);
    expect(await runs.end('quick', 10 * MINUTE)).toMatchObject({ within: 10 * MINUTE });
    await runs.end('slow', undefined);
    expect(await wanted()).toBe(NOW + 10 * MINUTE);
    await runs.end('slow', 5 * MINUTE);
    expect(await wanted(), 'to earlier it does').toBe(NOW + 5 * MINUTE);
  });

  test('a time is told again at each end, since the schedule may be another one by now', async () => {
    const runs = open();
    for (let run = 0; run < 2; run++) {
      await runs.begin('run', HOLD);
      const order = await runs.end('run', 10 * MINUTE);
      expect(order).toMatchObject({ within: 10 * MINUTE });
      await set(runs, order);
    }
  });

  test('whoever asks during a run has it look again; at the end of its time another run does', async () => {
    const runs = open();
    await runs.begin('run', HOLD);
    await runs.request(30 * MINUTE, false);
    expect(await runs.end('run', undefined)).toBe('again');
    await runs.request(30 * MINUTE, false);
    expect(await runs.end('run', undefined, MINUTE)).toMatchObject({ within: MINUTE });
    expect(await redisLockBroker(bed.client(), 'resque:', SYSTEM).acquire('next', HOLD)).toBeDefined();
  });

  test('a schedule that goes off seconds too early is the one that was set', async () => {
    const runs = open();
    const { order } = await runs.request(MINUTE, false);
    await set(runs, order);
    now = NOW + MINUTE - 5_000;
    await runs.begin('run', HOLD);
    expect(await wanted()).toBeNaN();
  });

  test('the same minute, seen by clocks that differ by seconds, is set once', async () => {
    const runs = open();
    await set(runs, (await runs.request(10 * MINUTE, false)).order);
    expect((await runs.request(10 * MINUTE - 9_000, false)).order).toBeUndefined();
    expect((await runs.request(10 * MINUTE + 9_000, false)).order).toBeUndefined();
    expect((await runs.request(9 * MINUTE, false)).order).toMatchObject({ within: 9 * MINUTE });
  });

  test('a version that another has overtaken is answered with the newer time, and what is left of it', async () => {
    const runs = open();
    const { order: first } = await runs.request(10 * MINUTE, false);
    await runs.request(5 * MINUTE, false);
    now += 60_000;
    expect(await runs.acknowledge(first as ScheduleOrder)).toMatchObject({ within: 4 * MINUTE });
  });

  test('says Redis’s time with each answer', async () => {
    expect((await open().request(MINUTE, false)).now).toBe(NOW);
  });

  test.each([
    ['a time for ever', { at: 'inf', version: '7', set: '7' }],
    ['no number', { at: 'nan', version: '7', set: '7' }],
    ['a time of next year', { at: String(NOW + 365 * 24 * 60 * MINUTE), version: '7', set: '7' }],
    ['words', { at: 'soon', version: 'seven', set: 'seven', lookAt: 'now' }],
    ['a version that cannot rise', { at: '', version: '9223372036854775807', set: '1', lookAt: '-inf' }],
  ])('%s in the hash, left by somebody or by a wrong clock, keeps no run from being set', async (_what, fields) => {
    await bed.db.hset(bed.keys.wake(SYSTEM), fields);
    const runs = open();
    const { order } = await runs.request(5 * MINUTE, true);
    expect(order).toMatchObject({ within: 5 * MINUTE });
    await set(runs, order);
    expect((await runs.request(7 * MINUTE, false)).order).toBeUndefined();
    expect(await runs.begin('run', HOLD)).toBeDefined();
    expect(await runs.end('run', 3 * MINUTE)).toMatchObject({ within: 3 * MINUTE });
  });

  test('where the hash is something else, the scheduler is set to the next minute: too often rather than never', async () => {
    await bed.db.set(bed.keys.wake(SYSTEM), 'no hash');
    const runs = open();
    const { order } = await runs.request(5 * MINUTE, true);
    expect(order).toMatchObject({ within: 0 });
    await set(runs, order);
    const snapshot = await runs.begin('run', HOLD);
    expect(snapshot?.due.wrong).toMatchObject([
      { key: bed.keys.wake(SYSTEM), error: expect.stringMatching(/WRONGTYPE/) },
    ]);
    expect(await runs.extend('run', HOLD)).toBe(false);
    expect(await runs.end('run', undefined)).toMatchObject({ within: 0 });
    expect(await bed.db.exists(bed.keys.schedulerLease(SYSTEM))).toBe(0);
  });
});
