import { redisOnDemandRunBroker, redisStatsBroker } from 'lambdesque';
import { expect, test } from 'vitest';
import { withBed } from '../../helpers/scheduler/scheduler-bed.ts';

const NOW = Date.UTC(2026, 10, 20, 20, 0, 7);
const MINUTE = 60_000;
const HOLD = 30_000;

withBed((bed) => {
  const store = () => redisOnDemandRunBroker(bed.client(), 'resque:');
  const wanted = async () => Number((await bed.db.hget(bed.keys.wake, 'at')) || Number.NaN);

  test('a run that has lost its right to tick moves no time to later, and forgets no ring', async () => {
    const wake = store();
    await wake.begin('slow', HOLD, NOW);
    // Its right expires; another run takes it and ends with an earlier time.
    await bed.db.del(bed.keys.schedulerLease);
    await wake.begin('quick', HOLD, NOW);
    const order = await wake.end('quick', NOW + 10 * MINUTE, NOW);
    expect(order).toMatchObject({ at: NOW + 10 * MINUTE });
    await wake.end('slow', undefined, NOW);
    expect(await wanted()).toBe(NOW + 10 * MINUTE);
    await wake.end('slow', NOW + 5 * MINUTE, NOW);
    expect(await wanted(), 'to earlier it does').toBe(NOW + 5 * MINUTE);
  });

  test('a time is told again at each end, since the clock may be another one by now', async () => {
    const wake = store();
    for (let run = 0; run < 2; run++) {
      await wake.begin('run', HOLD, NOW);
      const order = await wake.end('run', NOW + 10 * MINUTE, NOW);
      expect(order).toMatchObject({ at: NOW + 10 * MINUTE });
      expect(await wake.told(order as never)).toBeUndefined();
    }
  });

  test('whoever asks during a run has it look again; at the end of its time another run does', async () => {
    const wake = store();
    await wake.begin('run', HOLD, NOW);
    await wake.ask(NOW + 30 * MINUTE, NOW, false);
    expect(await wake.end('run', undefined, NOW)).toBe('again');
    await wake.ask(NOW + 30 * MINUTE, NOW, false);
    expect(await wake.end('run', undefined, NOW, NOW + MINUTE)).toMatchObject({ at: NOW + MINUTE });
    expect(await redisStatsBroker(bed.client(), 'resque:').holdScheduler('next', HOLD)).toBeDefined();
  });

  test('an alarm that a slow clock thinks to lie ahead is the one that has gone off', async () => {
    const wake = store();
    const order = await wake.ask(NOW + MINUTE, NOW, false);
    await wake.told(order as never);
    // EventBridge starts the run on its minute; this function's clock is 5 s behind.
    await wake.begin('run', HOLD, NOW + MINUTE - 5_000);
    expect(await wanted()).toBeNaN();
  });
});
