import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sleep, systemClock } from '../../shared/clock.ts';
import { ManualClock } from '../helpers/manual-clock.ts';

describe('sleep', () => {
  /** A sleep of 100 ms, and whether it is over. */
  function sleeping(signal?: AbortSignal) {
    const clock = new ManualClock();
    const state = { over: false };
    void sleep(clock, 100, signal).then(() => {
      state.over = true;
    });
    return { clock, state };
  }

  test('ends after its time', async () => {
    const { clock, state } = sleeping();
    await clock.advance(99);
    expect(state.over).toBe(false);
    await clock.advance(1);
    expect(state.over).toBe(true);
  });

  test('ends when its signal aborts, and leaves no timer', async () => {
    const controller = new AbortController();
    const { clock, state } = sleeping(controller.signal);
    await clock.advance(50);
    controller.abort();
    await clock.advance(0);
    expect(state.over).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test('does not begin when its signal has aborted', async () => {
    const { clock, state } = sleeping(AbortSignal.abort());
    expect(clock.pending).toBe(0);
    await clock.advance(0);
    expect(state.over).toBe(true);
  });

  test('leaves no listener on its signal', async () => {
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, 'removeEventListener');
    const { clock } = sleeping(signal);
    await clock.advance(100);
    expect(remove).toHaveBeenCalledTimes(1);
  });
});

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([1, 100])('calls back after %i ms, and not before', (ms) => {
    const callback = vi.fn();
    systemClock.after(ms, callback);
    vi.advanceTimersByTime(ms - 1);
    expect(callback).toHaveBeenCalledTimes(0);
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test.each([0, -5])('calls back soon after %i ms, but not before it returns', (ms) => {
    const callback = vi.fn();
    systemClock.after(ms, callback);
    expect(callback).toHaveBeenCalledTimes(0);
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  test.each([2 ** 31, Infinity])('does not call back at once for a wait of %d ms, which setTimeout cannot', (ms) => {
    const callback = vi.fn();
    systemClock.after(ms, callback);
    vi.advanceTimersByTime(2 ** 31 - 2);
    expect(callback).not.toHaveBeenCalled();
  });

  test('does not call back when cancelled', () => {
    const callback = vi.fn();
    systemClock.after(100, callback)();
    vi.advanceTimersByTime(200);
    expect(callback).not.toHaveBeenCalled();
  });
});

describe('the time of systemClock', () => {
  test('goes on at its pace when somebody sets the clock of the machine', () => {
    const before = systemClock.now();
    const wall = vi.spyOn(Date, 'now');
    for (const jump of [-31_536_000_000, -61_000, 31_536_000_000]) {
      wall.mockReturnValue(before + jump);
      const now = systemClock.now();
      expect(now).toBeGreaterThanOrEqual(before);
      expect(now).toBeLessThan(before + 60_000);
    }
    wall.mockRestore();
  });
});
