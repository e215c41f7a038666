import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { YieldTimer } from '../../../shared/worker/yield-timer.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setImmediate'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('a slice lasts for 10 ms', () => {
  const slice = new YieldTimer(() => {});
  slice.renew();
  expect(slice.isOver()).toBe(false);
  vi.advanceTimersByTime(9);
  expect(slice.isOver()).toBe(false);
  vi.advanceTimersByTime(1);
  expect(slice.isOver()).toBe(true);
});

describe('one that is over', () => {
  test('asks once for a new one, which begins when the event loop has come round', () => {
    const onNew = vi.fn();
    const slice = new YieldTimer(onNew);
    expect([slice.isOver(), slice.isOver(), slice.isOver()]).toEqual([true, true, true]);
    expect(vi.getTimerCount()).toBe(1);
    expect(onNew).not.toHaveBeenCalled();
    vi.runAllTimers();
    expect(onNew).toHaveBeenCalledTimes(1);
    expect(slice.isOver()).toBe(false);
  });

  test('asks again when the new one is over too', () => {
    const onNew = vi.fn();
    const slice = new YieldTimer(onNew);
    slice.isOver();
    vi.runAllTimers();
    vi.advanceTimersByTime(10);
    expect(slice.isOver()).toBe(true);
    vi.runAllTimers();
    expect(onNew).toHaveBeenCalledTimes(2);
  });
});

test('one that is not over asks for nothing', () => {
  const slice = new YieldTimer(() => {});
  slice.renew();
  slice.isOver();
  expect(vi.getTimerCount()).toBe(0);
});
