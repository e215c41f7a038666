import { describe, expect, test } from 'vitest';
import { Wakeup } from '../../../shared/worker/wakeup.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

/** A wakeup, and whether the wait for it is over. */
function waiting(time: (now: number) => number) {
  const clock = new ManualClock();
  const wakeup = new Wakeup(clock);
  const wait = { over: false };
  void wakeup.wait(time(clock.now())).then(() => {
    wait.over = true;
  });
  return { clock, wakeup, wait };
}

describe('a wait', () => {
  test('is over at its time, and not before', async () => {
    const { clock, wait } = waiting((now) => now + 100);
    await clock.advance(99);
    expect(wait.over).toBe(false);
    await clock.advance(1);
    expect(wait.over).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('is over when it is woken, and leaves no timer behind', async () => {
    const { clock, wakeup, wait } = waiting((now) => now + 100);
    wakeup.wake();
    await clock.advance(0);
    expect(wait.over).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test.each([
    ['now', 0],
    ['in the past', -5_000],
  ])('until a time that is %s is over at once', async (_when, ms) => {
    const { clock, wait } = waiting((now) => now + ms);
    await clock.advance(0);
    expect(wait.over).toBe(true);
  });

  test('for ever needs no timer, only to be woken', async () => {
    const { clock, wakeup, wait } = waiting(() => Infinity);
    expect(clock.pending).toBe(0);
    await clock.advance(1e12);
    expect(wait.over).toBe(false);
    wakeup.wake();
    await clock.advance(0);
    expect(wait.over).toBe(true);
  });

  test('is not ended by what woke nobody before it, nor end another one later', async () => {
    const clock = new ManualClock();
    const wakeup = new Wakeup(clock);
    wakeup.wake();
    const over: string[] = [];
    void wakeup.wait(clock.now() + 10).then(() => over.push('first'));
    await clock.advance(9);
    expect(over).toEqual([]);
    await clock.advance(1);
    void wakeup.wait(Infinity).then(() => over.push('second'));
    await clock.advance(1_000);
    expect(over).toEqual(['first']);
  });

  test('may be woken more than once', async () => {
    const { clock, wakeup, wait } = waiting((now) => now + 100);
    wakeup.wake();
    wakeup.wake();
    await clock.advance(200);
    expect(wait.over).toBe(true);
  });
});
