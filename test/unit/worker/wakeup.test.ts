import { describe, expect, test } from 'vitest';
import { Wakeup } from '../../../shared/worker/wakeup.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

/** A bell, and whether the wait for it is over. */
function waiting(time: (now: number) => number) {
  const clock = new ManualClock();
  const bell = new Wakeup(clock);
  const wait = { over: false };
  void bell.wait(time(clock.now())).then(() => {
    wait.over = true;
  });
  return { clock, bell, wait };
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

  test('is over when the bell rings, and leaves no timer behind', async () => {
    const { clock, bell, wait } = waiting((now) => now + 100);
    bell.ring();
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

  test('for ever needs no timer, only the bell', async () => {
    const { clock, bell, wait } = waiting(() => Infinity);
    expect(clock.pending).toBe(0);
    await clock.advance(1e12);
    expect(wait.over).toBe(false);
    bell.ring();
    await clock.advance(0);
    expect(wait.over).toBe(true);
  });

  test('does not hear what rang before it, nor end another one later', async () => {
    const clock = new ManualClock();
    const bell = new Wakeup(clock);
    bell.ring();
    const over: string[] = [];
    void bell.wait(clock.now() + 10).then(() => over.push('first'));
    await clock.advance(9);
    expect(over).toEqual([]);
    await clock.advance(1);
    void bell.wait(Infinity).then(() => over.push('second'));
    await clock.advance(1_000);
    expect(over).toEqual(['first']);
  });

  test('may be rung more than once', async () => {
    const { clock, bell, wait } = waiting((now) => now + 100);
    bell.ring();
    bell.ring();
    await clock.advance(200);
    expect(wait.over).toBe(true);
  });
});
