import { describe, expect, test } from 'vitest';
import { DeadlineError, ShutdownError } from '../../../shared/errors.ts';
import { Shutdown } from '../../../shared/worker/shutdown.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const options = { shutdownTimeout: 8_000, abortGrace: 1_000 };

/** An ending with a deadline in so many ms; none if absent. Times below are ms from its beginning. */
function begin(deadline?: number) {
  const clock = new ManualClock();
  const start = clock.now();
  const ending = new Shutdown(clock, options, deadline === undefined ? undefined : start + deadline);
  return { clock, ending, due: () => ending.dueAt - start, stop: (lease = 0) => ending.stop(start + lease) };
}

test('without a deadline and a stop it never comes', async () => {
  const { clock, ending } = begin();
  await clock.advance(1e12);
  expect(ending.check()).toBeUndefined();
  expect(ending).toMatchObject({ why: undefined, dueAt: Infinity });
  expect(ending.giveUp.aborted).toBe(false);
  expect(clock.pending).toBe(0);
});

describe('a stop', () => {
  test('lets running jobs go on for the shutdown timeout, then aborts them once', async () => {
    const { clock, ending, due, stop } = begin();
    stop();
    expect(ending.why).toBe('shutdown');
    expect(due()).toBe(8_000);
    await clock.advance(7_999);
    expect(ending.check()).toBeUndefined();
    await clock.advance(1);
    expect(ending.check()).toEqual(new ShutdownError('The worker is shutting down.'));
    expect(ending.check()).toBeUndefined();
    expect(ending.dueAt).toBe(Infinity);
  });

  test('waits for Redis until what was aborted has ended', async () => {
    const { clock, ending, stop } = begin();
    stop();
    await clock.advance(9_999);
    expect(ending.giveUp.aborted).toBe(false);
    await clock.advance(1);
    expect(ending.giveUp.aborted).toBe(true);
  });

  test('waits for Redis until the lease ends, if that is later', async () => {
    const { clock, ending, stop } = begin();
    stop(50_000);
    await clock.advance(49_999);
    expect(ending.giveUp.aborted).toBe(false);
    await clock.advance(1);
    expect(ending.giveUp.aborted).toBe(true);
  });

  test('counts from the first one', async () => {
    const { clock, ending, due, stop } = begin();
    stop();
    await clock.advance(5_000);
    stop();
    expect(due()).toBe(8_000);
    await clock.advance(3_000);
    expect(ending.check()).toBeInstanceOf(ShutdownError);
    stop();
    expect(ending.check()).toBeUndefined();
  });

  test('that comes when the worker has ended waits for nothing', () => {
    const { clock, ending, stop } = begin();
    ending.close();
    stop();
    expect(clock.pending).toBe(0);
  });

  test('before a deadline lets nothing go on beyond it: neither jobs nor the wait for Redis', async () => {
    const { clock, ending, due, stop } = begin(60_000);
    await clock.advance(55_000);
    stop(120_000);
    expect(due()).toBeLessThanOrEqual(60_000);
    await clock.advance(5_000);
    expect(ending.check()).toBeInstanceOf(Error);
    await clock.advance(2_000);
    expect(ending.giveUp.aborted).toBe(true);
  });

  test('long before a deadline does not wait for it', () => {
    const { due, stop } = begin(60_000);
    stop();
    expect(due()).toBe(8_000);
  });
});

describe('a deadline', () => {
  test.each([
    [900_000, 898_000],
    [60_000, 58_000],
    [20_000, 18_000],
    [10_000, 9_000],
    [1_000, 900],
  ])('in %i ms ends reserving after %i: two seconds before it, or a tenth of the time', async (deadline, stop) => {
    const { clock, ending, due } = begin(deadline);
    expect(due()).toBe(stop);
    await clock.advance(stop - 1);
    ending.check();
    expect(ending.why).toBeUndefined();
    await clock.advance(1);
    expect(ending.check()).toBeUndefined();
    expect(ending.why).toBe('deadline');
  });

  test('aborts what runs when it comes, once', async () => {
    const { clock, ending, due } = begin(10_000);
    await clock.advance(9_500);
    expect(ending.check()).toBeUndefined();
    expect(due()).toBe(10_000);
    await clock.advance(500);
    expect(ending.check()).toEqual(new DeadlineError('The time of this invocation is nearly over.'));
    expect(ending.check()).toBeUndefined();
  });

  test('that has passed aborts at once', () => {
    const { ending } = begin(-1_000);
    expect(ending.check()).toBeInstanceOf(DeadlineError);
    expect(ending.why).toBe('deadline');
  });

  test('gives up on Redis when what was aborted has ended, whatever the lease', async () => {
    const { clock, ending } = begin(10_000);
    await clock.advance(9_000);
    ending.check();
    await clock.advance(2_999);
    expect(ending.giveUp.aborted).toBe(false);
    await clock.advance(1);
    expect(ending.giveUp.aborted).toBe(true);
  });

  test('that has begun to end it is not put off by a stop', async () => {
    const { clock, ending, due, stop } = begin(10_000);
    await clock.advance(9_000);
    ending.check();
    stop(60_000);
    expect(ending.why).toBe('deadline');
    expect(due()).toBe(10_000);
  });
});

test('after close no timer is left', async () => {
  const { clock, ending, stop } = begin();
  stop();
  expect(clock.pending).toBe(1);
  ending.close();
  expect(clock.pending).toBe(0);
  await clock.advance(60_000);
  expect(ending.giveUp.aborted).toBe(false);
});
